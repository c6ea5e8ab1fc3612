import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skgex.detection._held_out import HeldOutLabels
from skgex.detection._label_noise import even_odds_at, noise_probability, own_even_odds
from skgex.detection._noise_model import cut_of_precision
from skgex.detection._threshold import otsu

scores_arrays = arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 90))


@pytest.mark.parametrize(("steepness", "least"), [(3, 1 / 9), (2, 1 / 5)])
def test_odds_are_even_at_the_cut_and_rise_with_a_power(steepness, least):
    given_proba = noise_probability(
        np.array([0.0, 1.0, 2.0, 4.0, 2.0]), 2.0, np.arange(5) == 4, steepness
    )
    np.testing.assert_allclose(given_proba, [0, least, 1 / 2, 1 - least, 1 / 4])


@given(scores_arrays, st.floats(0, 90), st.booleans(), st.sampled_from([2, 3]))
def test_it_is_a_probability_that_rises_with_the_score(
    scores, even_odds, preferred, steepness
):
    spared = np.full(len(scores), preferred)
    proba = noise_probability(scores, even_odds, spared, steepness)
    assert ((proba >= 0) & (proba <= (0.5 if preferred else 1))).all()
    # Equal scores may be rounded otherwise, by their places in the array.
    assert (np.diff(proba[np.argsort(scores)]) >= -1e-12).all()


@given(scores_arrays, st.floats(0, 1), st.integers(0, 2**31))
def test_even_odds_are_where_the_mean_is_the_rate(scores, rate, seed):
    scores = np.maximum(scores, 1e-3)
    preferred = np.random.RandomState(seed).random_sample(len(scores)) < 0.5
    found = even_odds_at(rate, scores, preferred, 2)
    most = np.where(preferred, 0.5, 1.0).mean()
    mean = noise_probability(scores, found, preferred, 2).mean()
    assert mean == pytest.approx(min(rate, most), abs=1e-6)


@given(scores_arrays, st.floats(0.01, 1), st.integers(0, 2**31))
def test_the_cut_of_a_precision_is_the_lowest_that_keeps_it(scores, wanted, seed):
    scores = np.unique(scores)
    proba = np.random.RandomState(seed).random_sample(len(scores))
    cut = cut_of_precision(scores, proba, wanted)
    above = scores > cut
    precisions = {k: proba[len(scores) - k :].mean() for k in range(1, len(scores) + 1)}
    enough = [k for k, p in precisions.items() if p >= wanted]
    assert above.sum() == max(enough, default=0)


def labels(n_sure, n_contradictions):
    """Held-out labels of which some contradict a sure net."""
    proba = np.tile([0.9, 0.1], (n_sure, 1))
    proba[:n_contradictions] = [0.1, 0.9]
    unsure = np.tile([0.6, 0.4], (n_sure, 1))
    codes = np.zeros(2 * n_sure, dtype=int)
    return HeldOutLabels(codes, np.concatenate([proba, unsure]))


def test_otsus_cut_moves_up_where_labels_seem_right_and_never_down():
    scores, none = np.linspace(0, 1, 1001) ** 2, np.zeros(1001, dtype=bool)
    otsus = otsu(np.sqrt(scores)) ** 2
    assert own_even_odds(scores, none, None) == pytest.approx(otsus)
    cuts = [own_even_odds(scores, none, labels(200, k)) for k in range(40)]
    assert (np.diff(cuts) <= 1e-12).all()
    assert cuts[-1] == pytest.approx(otsus, rel=1e-4)
    shares = [(scores > cut).mean() for cut in cuts]
    assert shares[0] < 0.02
    assert max(np.diff(shares)) < 0.3  # no cliff
