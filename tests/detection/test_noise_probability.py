import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skgex.detection._noise_model import (
    cut_of_precision,
    noise_probability,
    otsu_unless_rare,
)
from skgex.detection._threshold import otsu

scores_arrays = arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 90))


def test_odds_are_even_at_the_cut_and_rise_with_the_third_power():
    given_proba = noise_probability(
        np.array([0.0, 1.0, 2.0, 4.0, 2.0]), 2.0, np.arange(5) == 4
    )
    np.testing.assert_allclose(given_proba, [0, 1 / 9, 1 / 2, 8 / 9, 1 / 4])


@given(scores_arrays, st.floats(0, 90), st.booleans())
def test_it_is_a_probability_that_rises_with_the_score(scores, even_odds, preferred):
    spared = np.full(len(scores), preferred)
    proba = noise_probability(scores, even_odds, spared)
    assert ((proba >= 0) & (proba <= (0.5 if preferred else 1))).all()
    assert (np.diff(proba[np.argsort(scores)]) >= 0).all()


@given(scores_arrays, st.floats(0.01, 1), st.integers(0, 2**31))
def test_the_cut_of_a_precision_is_the_lowest_that_keeps_it(scores, wanted, seed):
    scores = np.unique(scores)
    proba = np.random.RandomState(seed).random_sample(len(scores))
    cut = cut_of_precision(scores, proba, wanted)
    above = scores > cut
    precisions = {k: proba[len(scores) - k :].mean() for k in range(1, len(scores) + 1)}
    enough = [k for k, p in precisions.items() if p >= wanted]
    assert above.sum() == max(enough, default=0)


def test_rare_noise_moves_the_cut_up_and_never_down():
    scores = np.linspace(0, 1, 101) ** 2
    otsus = otsu(np.sqrt(scores)) ** 2
    assert otsu_unless_rare(scores, 1.0) == pytest.approx(otsus)
    assert otsu_unless_rare(scores, 0.021) == pytest.approx(otsus)
    assert (scores > otsu_unless_rare(scores, 0.02)).sum() == 2
    assert (scores > otsu_unless_rare(scores, 0.0)).sum() == 0
