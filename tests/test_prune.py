import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skgex._prune import count_pruned, prune_mask


def brute_force(scores, n_pruned, labels, class_balance):
    """Take rows one at a time: classes in turn, then the lowest of all."""
    left = sorted(range(len(scores)), key=lambda row: (scores[row], row))
    taken = []
    n_balanced = round(class_balance * n_pruned)
    while len(taken) < n_balanced:
        in_turn, seen = [], set()
        for row in left:
            if labels[row] not in seen:
                seen.add(labels[row])
                in_turn.append(row)
        for row in in_turn[: n_balanced - len(taken)]:
            taken.append(row)
            left.remove(row)
    taken += left[: n_pruned - len(taken)]
    return np.isin(np.arange(len(scores)), taken)


rows = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=30
)


@given(rows, st.floats(0, 0.999), st.floats(0, 1))
def test_prune_mask_agrees_with_brute_force(rows, prune, class_balance):
    scores, labels = np.array(rows, dtype=float).T
    mask = prune_mask(scores, prune, labels, class_balance)
    n_pruned = min(round(prune * len(rows)), len(rows) - 1)
    assert mask.sum() == n_pruned
    expected = brute_force(scores, n_pruned, labels, class_balance)
    np.testing.assert_array_equal(mask, expected)


@given(rows, st.data())
def test_a_number_of_rows_is_taken_exactly(rows, data):
    scores = np.array(rows)[:, 0]
    n_pruned = data.draw(st.integers(0, len(rows) - 1))
    mask = prune_mask(scores, n_pruned)
    assert mask.sum() == n_pruned
    if n_pruned > 0:
        assert scores[mask].max() <= scores[~mask].min()


def test_full_balance_takes_the_classes_evenly():
    labels = np.repeat([0, 1, 2], 10)
    scores = np.arange(30.0)
    mask = prune_mask(scores, 12, labels, class_balance=1.0)
    assert [mask[labels == label].sum() for label in range(3)] == [4, 4, 4]


@pytest.mark.parametrize("prune", [-1, 5, 1.0, -0.1, np.int64(5)])
def test_impossible_prune_is_named(prune):
    with pytest.raises(ValueError, match="prune"):
        count_pruned(prune, 5)


def test_impossible_balance_is_named():
    with pytest.raises(ValueError, match="class_balance"):
        prune_mask(np.arange(5), 2, np.zeros(5), 1.5)
    with pytest.raises(ValueError, match="labels"):
        prune_mask(np.arange(5), 2, None, 0.5)
