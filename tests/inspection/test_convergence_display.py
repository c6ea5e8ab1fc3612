"""How the most suspicious rows change with the number of members."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from skgex import GEXDetector, NoisyLabelDetector
from skgex.hardness import AUM
from skgex.inspection import ConvergenceDisplay

# Scores of four rows by four members; the two highest means are of rows 0 and 1.
SCORES = np.array([[9, 9, 9, 9], [1, 8, 8, 8], [5, 1, 1, 9], [0, 0, 0, 0]])


def test_curves_hold_what_was_counted_by_hand():
    display = ConvergenceDisplay.from_predictions(SCORES, n_top=2)
    # Means of the first 1, 2, 3, 4 of rows 1 and 2: 1 < 5, 4.5 > 3, 5.7 > 2.3, 6.3 > 4.
    assert display.overlap_with_all.tolist() == [0.5, 1, 1, 1]
    # By the first alone {0, 2}, by the last alone {0, 2}; by two {0, 1} both times.
    assert display.overlap_of_halves.tolist() == [1, 1]
    assert display.all_line_.get_xdata().tolist() == [1, 2, 3, 4]
    assert display.halves_line_.get_xdata().tolist() == [1, 2]
    assert display.precision_line_ is None


def test_the_truth_adds_the_share_of_wrong_labels():
    truth = [True, False, True, False]
    display = ConvergenceDisplay.from_predictions(SCORES, n_top=2, noise_mask=truth)
    assert display.precision.tolist() == [1, 0.5, 0.5, 0.5]
    assert display.precision_line_.get_ydata().tolist() == [1, 0.5, 0.5, 0.5]


def test_members_that_do_not_count_are_left_out():
    scores = SCORES.astype(float)
    scores[1, 0] = np.nan  # then row 1 has no score by the first member
    display = ConvergenceDisplay.from_predictions(scores, n_top=3)
    assert display.overlap_with_all.tolist() == [2 / 3, 1, 1, 1]


def test_equal_rankings_agree_everywhere():
    scores = np.tile(np.arange(10.0)[:, None], 6)
    display = ConvergenceDisplay.from_predictions(scores, n_top=4)
    assert (display.overlap_with_all == 1).all()
    assert (display.overlap_of_halves == 1).all()


def test_independent_rankings_agree_by_chance_only():
    scores = np.random.default_rng(0).random((2000, 2))
    display = ConvergenceDisplay.from_predictions(scores, n_top=400)
    assert abs(display.overlap_of_halves[0] - 0.2) < 0.05


@pytest.mark.parametrize("max_samples", [1.0, 0.5])
def test_the_mean_of_the_members_is_the_score(table, trained_learner, max_samples):
    from sklearn.base import clone

    detector = GEXDetector(
        clone(trained_learner),
        n_members=6,
        n_steps=8,
        lr=0.1,
        max_samples=max_samples,
        random_state=0,
    ).fit(*table[:2])
    model, evaluation = detector._noise_model, detector._fitted.evaluation
    parts = model.ranking.member_scores(evaluation, detector._rows.codes)
    assert parts.shape == (60, 6)
    assert np.isnan(parts).any() == (max_samples < 1)
    np.testing.assert_allclose(np.nanmean(parts, axis=1), detector.scores_)


def test_a_detector_compares_as_many_rows_as_it_flags(image_detector, images):
    display = ConvergenceDisplay.from_estimator(image_detector, noise_mask=images[2])
    fitted = image_detector[-1]
    assert display.n_top == fitted.noise_mask_.sum()
    top = np.argsort(-fitted.scores_)[: display.n_top]
    assert display.precision[-1] == pytest.approx(images[2][top].mean())


def test_no_figure_is_made_where_axes_are_given(axes, figures, detector):
    display = ConvergenceDisplay.from_estimator(detector, n_top=5, ax=axes)
    display.figure_.draw_without_rendering()
    assert figures() == []
    assert display.ax_ is axes


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"member_scores": SCORES[:, :1]}, "member_scores"),
        ({"member_scores": SCORES[0]}, "member_scores"),
        ({"n_top": 5}, "n_top"),
        ({"n_top": 0}, "n_top"),
        ({"noise_mask": [True]}, "noise_mask"),
    ],
)
def test_what_does_not_fit_is_refused(change, named, figures):
    arguments = {"member_scores": SCORES, "n_top": 2, **change}
    with pytest.raises(ValueError, match=rf"^{named}: "):
        ConvergenceDisplay.from_predictions(**arguments)
    assert figures() == []


def test_without_flags_the_number_must_be_given(table, frozen):
    params = {"n_members": 2, "n_steps": 2, "lr": 0.01, "random_state": 0}
    detector = GEXDetector(frozen, threshold=1e9, **params).fit(*table[:2])
    with pytest.raises(ValueError, match=r"^n_top: "):
        ConvergenceDisplay.from_estimator(detector)


def test_a_detector_without_members_is_refused(table, trained_learner):
    from sklearn.base import clone

    scorer = AUM(clone(trained_learner), random_state=0)
    detector = NoisyLabelDetector(scorer).fit(*table[:2])
    with pytest.raises(ValueError, match=r"^detector: needs ensemble_"):
        ConvergenceDisplay.from_estimator(detector)


def test_an_unfitted_detector_is_refused():
    with pytest.raises(NotFittedError):
        ConvergenceDisplay.from_estimator(GEXDetector())
