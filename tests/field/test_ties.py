"""Equal scores, and scores that rounding could make equal: cuts keep their promise."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import otsu_by_all_cuts
from sklearn.base import BaseEstimator

from skgex.detection import NoisyLabelDetector
from skgex.detection._noise_model import cut_of_precision
from skgex.detection._threshold import cut_off, otsu, threshold_of

finite = st.floats(allow_nan=False, allow_infinity=False)
ordinary = st.floats(-1e6, 1e6)
denormal = st.integers(-20, 20).map(lambda n: n * 5e-324)
levels = st.lists(
    st.one_of(ordinary, finite, denormal), min_size=1, max_size=4, unique=True
)


@st.composite
def tied(draw, values=levels):
    """Scores of a few distinct values, many of them equal."""
    chosen = np.array(draw(values))
    size = draw(st.integers(1, 30))
    return chosen[draw(arrays(int, size, elements=st.integers(0, len(chosen) - 1)))]


@st.composite
def neighbours(draw):
    """Scores that differ by a few units in the last place."""
    start = draw(ordinary)
    steps = draw(arrays(int, st.integers(1, 20), elements=st.integers(0, 3)))
    ladder = [start]
    for _ in range(3):
        ladder.append(np.nextafter(ladder[-1], np.inf))
    return np.array(ladder)[steps]


any_scores = st.one_of(
    tied(), neighbours(), arrays(np.float64, st.integers(1, 30), elements=finite)
)
otsu_rules = pytest.mark.parametrize("rule", ["otsu", "otsu_raw"])


@otsu_rules
@given(value=finite, size=st.integers(1, 40))
def test_no_row_is_flagged_where_all_scores_are_equal(rule, value, size):
    scores = np.full(size, value)
    assert not (scores > threshold_of(scores, rule)).any()


@otsu_rules
def test_no_constant_of_a_thousand_flags_a_row(rule):
    for value in np.random.RandomState(0).uniform(0, 100, 1000):
        scores = np.full(5, value)
        assert not (scores > threshold_of(scores, rule)).any()


@given(any_scores)
def test_the_raw_rule_divides_all_scores_that_differ(scores):
    assume(len(np.unique(scores)) > 1)
    above = scores > threshold_of(scores, "otsu_raw")
    assert above.any()
    assert not above.all()


@given(any_scores)
def test_the_root_divides_all_scores_whose_roots_differ(scores):
    with np.errstate(over="ignore"):
        roots = np.sqrt(scores - min(scores.min(), 0))
    assume(np.isfinite(roots).all())
    above = scores > threshold_of(scores, "otsu")
    assert not above.all()
    assert above.any() == (len(np.unique(roots)) > 1)


@given(tied(st.lists(st.integers(0, 1000).map(float), min_size=1, max_size=5)))
def test_the_flagged_rows_are_those_of_the_best_cut(scores):
    """By brute force over all cuts of the roots; of equally good ones any."""
    within, best = otsu_by_all_cuts(np.sqrt(scores))
    above = scores > threshold_of(scores, "otsu")
    cut = np.sqrt(scores)[~above].max()
    np.testing.assert_array_equal(np.sqrt(scores) > cut, above)
    assert within(cut) == pytest.approx(best, rel=1e-9, abs=1e-9)


@otsu_rules
@given(scores=tied(st.lists(st.integers(0, 1000).map(float), min_size=1, max_size=5)))
@pytest.mark.parametrize("power", [-1060, -600, -2, 2, 600, 1000])
def test_the_unit_of_scores_changes_no_flag(rule, scores, power):
    """Also where squares would overflow, or scores are denormal."""
    flagged = scores > threshold_of(scores, rule)
    scaled = np.ldexp(scores, power)
    np.testing.assert_array_equal(scaled > threshold_of(scaled, rule), flagged)


@otsu_rules
@given(scores=any_scores, random=st.randoms(use_true_random=False))
def test_the_order_and_repetition_of_rows_change_no_flag(rule, scores, random):
    order = np.array(random.sample(range(len(scores)), len(scores)))
    cut = threshold_of(scores, rule)
    assert threshold_of(scores[order], rule) == cut


@given(any_scores, st.integers(0, 100))
def test_a_share_flags_as_many_rows_as_equal_scores_allow(scores, percent):
    """By brute force: the most rows, down to some score, that the share allows."""
    n_wanted = round(percent / 100 * len(scores))
    counts = [0] + [int((scores >= value).sum()) for value in scores]
    flagged = scores > threshold_of(scores, f"{percent}%")
    assert flagged.sum() == max(n for n in counts if n <= n_wanted)


@given(any_scores, st.data())
def test_a_number_flags_what_exceeds_it(scores, data):
    cut = data.draw(st.one_of(finite, st.sampled_from(scores.tolist())))
    assert threshold_of(scores, cut) == cut


@given(
    tied(st.lists(st.integers(0, 9).map(float), min_size=1, max_size=4)),
    st.floats(0.01, 1),
    st.data(),
)
def test_a_precision_is_reached_by_the_rows_above_the_cut(scores, precision, data):
    """By brute force: the most rows, down to some score, that are precise enough."""
    probabilities = arrays(float, len(scores), elements=st.sampled_from([0.0, 0.5, 1]))
    noise_proba = data.draw(probabilities)
    flagged = scores > cut_of_precision(scores, noise_proba, precision)
    parts = [scores >= value for value in scores]
    enough = [p.sum() for p in parts if noise_proba[p].mean() >= precision]
    assert flagged.sum() == max(enough, default=0)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("rule", ["otsu", "otsu_raw", "10%"])
def test_scores_that_are_not_finite_are_refused(value, rule):
    with pytest.raises(ValueError, match=r"scores: must be finite, got 1 of 3"):
        threshold_of(np.array([0.0, 1.0, value]), rule)


def test_ordinary_cuts_are_the_square_of_the_cut_on_the_roots():
    """Bit for bit, as they were before ties were looked at."""
    rs = np.random.RandomState(0)
    for scores in (rs.gamma(1, 2, 500), rs.randn(500), rs.rand(2)):
        least = min(scores.min(), 0)
        before = otsu(np.sqrt(scores - least)) ** 2 + least
        assert threshold_of(scores, "otsu") == before


def test_a_share_between_equal_scores_flags_those_above_them():
    scores = np.array([3.0, 2.0, 2.0, 1.0])
    assert (scores > cut_off(scores, 0.5)).sum() == 1


class Constant(BaseEstimator):
    def __init__(self, value=0.3):
        self.value = value

    def fit(self, X, y):
        self.scores_ = np.full(len(X), self.value)
        return self


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0, np.log(3), 87.3365478515625, -0.7])
def test_a_scorer_that_says_nothing_flags_nothing(value):
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    detector = NoisyLabelDetector(Constant(value), threshold="otsu").fit(X, y)
    assert not detector.noise_mask_.any()
    assert not detector.predict(X).any()
