import pytest
from hypothesis import given
from hypothesis import strategies as st

from skgex.pruning import prune_mask

SCORES = st.lists(st.integers(0, 5), min_size=2, max_size=30)


def by_hand(scores, n_pruned, labels, n_even):
    """Take turns among the classes, then take the lowest of all."""
    order = sorted(range(len(scores)), key=lambda i: (scores[i], i))
    pruned = []
    while len(pruned) < n_even:
        for label in sorted(set(labels)):
            rows = [i for i in order if labels[i] == label and i not in pruned]
            if rows and len(pruned) < n_even:
                pruned.append(rows[0])
    pruned += [i for i in order if i not in pruned][: n_pruned - len(pruned)]
    return [i in pruned for i in range(len(scores))]


@given(SCORES, st.data())
def test_number_of_rows(scores, data):
    n_pruned = data.draw(st.integers(0, len(scores) - 1))
    mask = prune_mask(scores, n_pruned)
    assert mask.tolist() == by_hand(scores, n_pruned, [0] * len(scores), 0)
    assert mask.sum() == n_pruned


@given(SCORES, st.floats(0, 1, exclude_max=True))
def test_share_is_rounded_to_rows_and_never_takes_all(scores, share):
    n_pruned = min(round(share * len(scores)), len(scores) - 1)
    assert prune_mask(scores, share).sum() == n_pruned


@given(SCORES, st.data())
def test_class_balance(scores, data):
    n = len(scores)
    labels = data.draw(st.lists(st.sampled_from("abc"), min_size=n, max_size=n))
    n_pruned = data.draw(st.integers(0, n - 1))
    balance = data.draw(st.sampled_from([0.0, 0.3, 0.5, 1.0]))
    mask = prune_mask(scores, n_pruned, labels, balance)
    assert mask.tolist() == by_hand(scores, n_pruned, labels, round(balance * n_pruned))


@pytest.mark.parametrize("prune", [-1, 4, 1.0, -0.1, 7])
def test_impossible_prune(prune):
    with pytest.raises(ValueError, match="prune: "):
        prune_mask([1, 2, 3, 4], prune)


def test_impossible_balance():
    with pytest.raises(ValueError, match="class_balance: "):
        prune_mask([1, 2, 3], 1, [0, 1, 1], 1.5)
    with pytest.raises(ValueError, match="labels: "):
        prune_mask([1, 2, 3], 1, None, 1.0)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        prune_mask([1, 2, 3], 1, [0, 1], 1.0)
