"""Reliability of the probability that a label is wrong."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skgex import GEXDetector, NoisyLabelDetector
from skgex.hardness import AUM
from skgex.inspection import NoiseProbaDisplay

TRUTH = [False, False, True, False, True, True]
PROBA = [0.05, 0.15, 0.15, 0.55, 0.95, 1.0]


def test_bins_hold_what_was_counted_by_hand():
    display = NoiseProbaDisplay.from_predictions(TRUTH, PROBA)
    np.testing.assert_allclose(display.prob_pred, [0.05, 0.15, 0.55, 0.975])
    np.testing.assert_allclose(display.prob_true, [0, 0.5, 0, 1])
    assert display.counts.tolist() == [1, 2, 1, 2]
    assert [text.get_text() for text in display.counts_text_] == ["1", "2", "1", "2"]
    points = display.errorbar_.lines[0]
    np.testing.assert_array_equal(points.get_xdata(), display.prob_pred)
    np.testing.assert_array_equal(points.get_ydata(), display.prob_true)


@pytest.mark.parametrize("n_bins", [1, 4, 10])
def test_counts_are_of_the_bins_of_the_shares(n_bins):
    random = np.random.default_rng(0)
    proba = np.round(random.random(500), 1)  # many lie on the edges of bins
    truth = random.random(500) < proba
    display = NoiseProbaDisplay.from_predictions(truth, proba, n_bins=n_bins)
    wrong = display.counts * display.prob_true
    np.testing.assert_allclose(wrong, np.round(wrong), atol=1e-9)
    assert wrong.sum() == pytest.approx(truth.sum())
    assert (display.counts * display.prob_pred).sum() == pytest.approx(proba.sum())


def test_bars_are_the_interval_of_wilson():
    """Of 5 wrong ones among 10, with z = 1.96: 0.5 ± 0.2634."""
    display = NoiseProbaDisplay.from_predictions([True, False] * 5, [0.5] * 10)
    (segment,) = display.errorbar_.lines[2][0].get_segments()
    np.testing.assert_allclose(segment[:, 1], [0.2366, 0.7634], atol=1e-4)


def test_a_detector_shows_its_estimate(image_detector, images):
    display = NoiseProbaDisplay.from_estimator(image_detector, images[2], n_bins=5)
    proba, truth = image_detector[-1].noise_proba_, images[2]
    lowest = proba <= 0.2
    assert display.counts[0] == lowest.sum()
    assert display.prob_true[0] == pytest.approx(truth[lowest].mean())


def test_no_figure_is_made_where_axes_are_given(axes, figures):
    display = NoiseProbaDisplay.from_predictions(TRUTH, PROBA, name="$a^{", ax=axes)
    display.figure_.draw_without_rendering()
    assert figures() == []
    assert display.ax_ is axes


@pytest.mark.parametrize(
    ("truth", "proba", "named"),
    [
        (TRUTH, PROBA[:-1], "noise_mask"),
        (TRUTH, [*PROBA[:-1], 1.1], "noise_proba"),
        (TRUTH, [*PROBA[:-1], np.nan], "noise_proba"),
        ([2] * 6, PROBA, "noise_mask"),
    ],
)
def test_what_does_not_fit_is_refused(truth, proba, named, figures):
    with pytest.raises(ValueError, match=rf"^{named}: "):
        NoiseProbaDisplay.from_predictions(truth, proba)
    assert figures() == []


def test_a_truth_of_one_kind_can_be_drawn():
    display = NoiseProbaDisplay.from_predictions([False] * 6, PROBA)
    assert display.prob_true.tolist() == [0, 0, 0, 0]


def test_a_detector_without_probabilities_is_refused(table, trained_learner):
    from sklearn.base import clone

    scorer = AUM(clone(trained_learner), random_state=0)
    detector = NoisyLabelDetector(scorer).fit(*table[:2])
    with pytest.raises(ValueError, match=r"^detector: needs noise_proba_"):
        NoiseProbaDisplay.from_estimator(detector, table[2])


def test_an_unfitted_detector_is_refused(table):
    with pytest.raises(NotFittedError):
        NoiseProbaDisplay.from_estimator(GEXDetector(), table[2])
