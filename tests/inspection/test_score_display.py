"""The histogram of scores: its bars, its cut and its axis."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from skgex import GEXDetector, NoisyLabelDetector
from skgex.hardness import AUM
from skgex.influence import TracIn
from skgex.inspection import ScoreDisplay

SCORES = [0.1, 0.2, 0.25, 0.9, 2.1, 2.2]


def heights(bars):
    return [bar.get_height() for bar in bars]


def test_bars_count_kept_and_flagged_rows():
    display = ScoreDisplay.from_predictions(SCORES, threshold=1.0, bins=[0, 1, 2, 3])
    assert heights(display.kept_bars_) == [4, 0, 0]
    assert heights(display.flagged_bars_) == [0, 0, 2]
    assert set(display.threshold_line_.get_xdata()) == {1.0}
    assert display.wrong_outline_ is None


def test_a_mask_says_which_rows_are_flagged():
    """A label that the ensemble prefers is kept, whatever its score."""
    mask = [False, False, False, False, True, False]
    display = ScoreDisplay.from_predictions(
        SCORES, predicted_mask=mask, threshold=1.0, bins=[0, 1, 2, 3]
    )
    assert heights(display.flagged_bars_) == [0, 0, 1]
    assert heights(display.kept_bars_) == [4, 0, 1]


def test_the_outline_counts_wrong_labels():
    truth = [False, True, False, True, True, False]
    display = ScoreDisplay.from_predictions(
        SCORES, noise_mask=truth, bins=[0, 0.5, 1, 3]
    )
    values = display.wrong_outline_.get_data().values
    np.testing.assert_array_equal(values, [1, 1, 1])


@pytest.mark.parametrize("threshold", [None, np.inf])
def test_without_a_cut_nothing_is_flagged_and_no_line_drawn(threshold):
    display = ScoreDisplay.from_predictions(SCORES, threshold=threshold)
    assert sum(heights(display.flagged_bars_)) == 0
    assert sum(heights(display.kept_bars_)) == len(SCORES)
    assert display.threshold_line_ is None


def test_a_detector_is_drawn_as_it_judged(detector, table):
    display = ScoreDisplay.from_estimator(detector, noise_mask=table[2], bins=7)
    counts, _ = np.histogram(detector.scores_[detector.noise_mask_],
                             np.histogram_bin_edges(detector.scores_, 7))  # fmt: skip
    np.testing.assert_array_equal(heights(display.flagged_bars_), counts)
    assert set(display.threshold_line_.get_xdata()) == {detector.threshold_}
    assert sum(display.wrong_outline_.get_data().values) == table[2].sum()


def test_the_legend_has_room_above_the_bars():
    display = ScoreDisplay.from_predictions([0.0] * 1000 + [1.0] * 900, threshold=0.5)
    display.figure_.draw_without_rendering()
    legend = display.ax_.get_legend().get_window_extent()
    for bar in display.flagged_bars_:
        assert not bar.get_window_extent().height or not legend.overlaps(
            bar.get_window_extent()
        )


def test_a_pipeline_is_its_last_step(image_detector):
    display = ScoreDisplay.from_estimator(image_detector)
    np.testing.assert_array_equal(display.scores, image_detector[-1].scores_)


@pytest.mark.parametrize(
    ("statistic", "name"),
    [
        ("relative_loss", "relative loss, times odds"),
        ("mean_loss", "mean loss under the members [nats]"),
        ("self_influence", "self-influence [nats²]"),
    ],
)
@pytest.mark.filterwarnings("ignore::skgex.exceptions.MemorisationWarning")
def test_the_axis_is_named_by_the_statistic_of_the_fit(table, frozen, statistic, name):
    params = {"n_members": 2, "n_steps": 4, "lr": 0.1, "random_state": 0}
    detector = GEXDetector(frozen, statistic=statistic, **params).fit(*table[:2])
    detector.set_params(statistic="mean_loss")  # says nothing of the last fit
    display = ScoreDisplay.from_estimator(detector)
    assert display.ax_.get_xlabel().startswith(name)


def test_regression_targets_have_the_mean_loss(regressor_detector):
    display = ScoreDisplay.from_estimator(regressor_detector)
    assert display.ax_.get_xlabel() == "mean loss under the members"  # of any unit


@pytest.mark.parametrize(
    ("scorer", "name"),
    [(AUM, "scores of AUM"), (TracIn, "self-influence of TracIn")],
)
def test_the_scores_of_a_rival_carry_its_name(table, frozen, scorer, name):
    from sklearn.base import clone

    net = clone(frozen.estimator)
    detector = NoisyLabelDetector(scorer(net, random_state=0)).fit(*table[:2])
    assert ScoreDisplay.from_estimator(detector).ax_.get_xlabel() == name


def test_no_figure_is_made_where_axes_are_given(axes, figures):
    display = ScoreDisplay.from_predictions(SCORES, ax=axes)
    assert figures() == []
    assert display.ax_ is axes
    assert display.figure_ is axes.figure
    display.figure_.draw_without_rendering()


def test_one_figure_is_made_otherwise_and_drawing_again_makes_another(figures):
    display = ScoreDisplay.from_predictions(SCORES, score_name="$a^{2$")
    display.figure_.draw_without_rendering()
    assert len(figures()) == 1
    first = display.figure_
    assert display.plot().figure_ is not first


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"scores": [0.1, np.nan]}, "scores"),
        ({"scores": SCORES, "noise_mask": [True]}, "noise_mask"),
        ({"scores": SCORES, "predicted_mask": [True]}, "predicted_mask"),
        ({"scores": SCORES, "noise_mask": ["0"] * 6}, "noise_mask"),
        ({"scores": SCORES, "ax": "here"}, "ax"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_no_figure(arguments, named, figures):
    with pytest.raises(ValueError, match=rf"^{named}: "):
        ScoreDisplay.from_predictions(**arguments)
    assert figures() == []


def test_an_unfitted_detector_is_refused():
    with pytest.raises(NotFittedError):
        ScoreDisplay.from_estimator(GEXDetector())


@pytest.mark.parametrize("other", [LogisticRegression(), "detector"])
def test_another_estimator_is_refused(table, other):
    if not isinstance(other, str):
        other.fit(*table[:2])
    with pytest.raises(ValueError, match=r"^detector: "):
        ScoreDisplay.from_estimator(other)


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'ScoreDisplay.*"skgex\[plot\]"'):
        ScoreDisplay.from_predictions(SCORES)
