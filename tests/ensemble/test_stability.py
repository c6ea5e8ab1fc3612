import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skgex._ensemble.stability import TOP, agreement, sizes, stability


def agreement_by_loops(first, second):
    """The mean over depths of the share in common, one depth after the other."""

    def ranked(scores):
        return sorted(range(len(scores)), key=lambda i: (-scores[i], i))

    one, other = ranked(first), ranked(second)
    n_depths = -(-len(one) // round(1 / TOP))  # rounded up
    shares = [len({*one[:d]} & {*other[:d]}) / d for d in range(1, n_depths + 1)]
    return sum(shares) / len(shares)


scores = st.lists(st.integers(0, 9), min_size=1, max_size=40)


@given(st.data(), scores)
def test_agreement_by_loops(data, first):
    n = len(first)
    second = data.draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    given_agreement = agreement(np.array(first, float), np.array(second, float))
    assert given_agreement == pytest.approx(agreement_by_loops(first, second))
    assert stability(np.array(first), np.array(first)) == 1


def test_only_order_at_the_top_matters():
    first = np.arange(50.0)
    second = np.exp(first / 10)
    second[:40] = second[:40][::-1]
    assert stability(first, second) == 1
    second[40:] = second[40:][::-1]
    assert stability(first, second) < 0.9


@pytest.mark.parametrize("noise", [0.05, 0.2])
@pytest.mark.parametrize("draw", ["exponential", "standard_normal"])
def test_it_is_the_share_that_an_infinite_ensemble_confirms(draw, noise):
    """Of scores with noise that halves its variance with twice the members."""
    rng = np.random.RandomState(0)
    n_samples, n_members = 4000, 32
    truth = getattr(rng, draw)(size=n_samples)
    members = truth + noise * 4 * rng.standard_normal((n_members, n_samples))
    halves = members[:16].mean(axis=0), members[16:].mean(axis=0)
    confirmed = agreement(members.mean(axis=0), truth)
    assert confirmed < 0.99
    assert 1 - stability(*halves) == pytest.approx(1 - confirmed, rel=0.2)


def test_sizes_double_in_whole_groups_up_to_the_limit():
    assert list(sizes(64)) == [16, 32, 64]
    assert list(sizes(50)) == [16, 32, 50]
    assert list(sizes(16)) == [16]
    assert list(sizes(3)) == [3]
