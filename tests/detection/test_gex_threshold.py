import numpy as np
import pytest
from detecting import fit, statistics
from scipy.optimize import brentq
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from tiny import learner, make_blobs

from skgex import GEXDetector
from skgex.detection._threshold import otsu
from skgex.exceptions import EmptyMaskWarning


def test_otsu_on_the_root_spares_what_the_ensemble_prefers(data):
    X, y, _ = data
    plain = fit(X, y, statistic="mean_loss", threshold="otsu")
    cut = otsu(np.sqrt(plain.scores_)) ** 2
    assert plain.threshold_ == pytest.approx(cut)
    expected = (plain.scores_ > cut) & (plain.suggested_labels_ != y)
    np.testing.assert_array_equal(plain.noise_mask_, expected)
    assert plain.noise_mask_.any()


@pytest.mark.parametrize("rule", ["otsu", "otsu_raw"])
def test_as_many_of_the_highest_scores_as_the_relative_losses_say(data, rule):
    X, y, _ = data
    detector = fit(X, y, threshold=rule)
    losses = statistics(detector)
    cut = otsu(np.sqrt(losses)) ** 2 if rule == "otsu" else otsu(losses)
    rows = np.arange(60)
    if rule == "otsu":
        rows = np.flatnonzero(detector.suggested_labels_ != y)
    n_flagged = (losses[rows] > cut).sum()
    worst = rows[np.argsort(-detector.scores_[rows])][:n_flagged]
    np.testing.assert_array_equal(np.flatnonzero(detector.noise_mask_), np.sort(worst))
    assert n_flagged > 0


def test_new_rows_can_be_flagged_where_no_fitted_row_is():
    X, y = make_blobs(spread=0.1)
    detector = fit(X, y, learner(max_epochs=60))
    assert not detector.noise_mask_.any()
    assert detector.predict(X + 0.01, (y + 1) % 3).mean() > 0.9


def test_what_is_probably_wrong_is_flagged(data, detector):
    np.testing.assert_array_equal(detector.noise_mask_, detector.noise_proba_ > 0.5)


@pytest.mark.parametrize("statistic", ["mean_loss", "relative_loss"])
def test_as_many_rows_are_flagged_as_are_probably_wrong(data, statistic):
    """But those of the highest scores, which structure and neighbours have a say in."""
    X, y, _ = data
    detector = fit(X, y, statistic=statistic)
    likely = detector.noise_proba_ > 0.5
    assert detector.noise_mask_.sum() == likely.sum()
    may_be = detector.suggested_labels_ != y
    least = detector.scores_[detector.noise_mask_].min()
    assert (detector.scores_[may_be & ~detector.noise_mask_] <= least).all()


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits, load_iris])
def test_clean_data_are_left_alone(load):
    X, y = load(return_X_y=True)
    assert GEXDetector(random_state=0).fit(X, y).noise_mask_.mean() <= 0.02


def test_otsu_on_the_values(data):
    detector = fit(*data[:2], threshold="otsu_raw", statistic="mean_loss")
    assert detector.threshold_ == otsu(detector.scores_)
    np.testing.assert_array_equal(
        detector.noise_mask_, detector.scores_ > detector.threshold_
    )


@pytest.mark.parametrize(("text", "n_noisy"), [("10%", 6), ("25 %", 15), ("0%", 0)])
def test_an_expected_share(data, text, n_noisy):
    detector = fit(*data[:2], threshold=text)
    worst = np.argsort(-detector.scores_)[:n_noisy]
    np.testing.assert_array_equal(np.flatnonzero(detector.noise_mask_), np.sort(worst))


def test_a_number_is_the_cut(data):
    detector = fit(*data[:2], threshold=0.7)
    assert detector.threshold_ == 0.7
    np.testing.assert_array_equal(detector.noise_mask_, detector.scores_ > 0.7)


def test_support_is_what_to_keep(data, detector):
    np.testing.assert_array_equal(detector.get_support(), ~detector.noise_mask_)
    np.testing.assert_array_equal(
        detector.get_support(indices=True), np.flatnonzero(~detector.noise_mask_)
    )


def test_a_wanted_precision(data):
    """Flags are as many as can be if their mean probability is to be that high.

    The probabilities have the same mean as noise_proba_, but odds rise as the square of
    the relative loss instead of its third power.
    """
    X, y, _ = data
    plain = fit(X, y)
    relative, prefers = statistics(plain), plain.suggested_labels_ == y

    def odds_of_square(even_odds):
        return np.where(prefers, 0.5, 1) / (1 + (even_odds / relative) ** 2)

    def excess(log_odds):
        return odds_of_square(np.exp(log_odds)).mean() - plain.noise_rate_

    proba = odds_of_square(np.exp(brentq(excess, -20, 20)))
    may_be = np.flatnonzero(~prefers)
    worst_first = may_be[np.argsort(-plain.scores_[may_be])]
    for wanted in (95, 85, 50):
        detector = fit(X, y, threshold=f"precision {wanted}%")
        n_flagged = detector.noise_mask_.sum()
        enough = [
            k
            for k in range(1, len(worst_first) + 1)
            if proba[worst_first[:k]].mean() >= wanted / 100
        ]
        assert n_flagged == max(enough, default=0) > 0
        np.testing.assert_array_equal(
            np.sort(worst_first[:n_flagged]), np.flatnonzero(detector.noise_mask_)
        )
        np.testing.assert_array_equal(detector.predict(X, y), detector.noise_mask_)
        np.testing.assert_array_equal(detector.noise_proba_, plain.noise_proba_)


def test_no_row_is_sure_enough():
    X, y = load_iris(return_X_y=True)
    with pytest.warns(EmptyMaskWarning, match="precision 100%"):
        detector = fit(X, y, threshold="precision 100%")
    assert detector.threshold_ == np.inf
    assert not detector.noise_mask_.any()
