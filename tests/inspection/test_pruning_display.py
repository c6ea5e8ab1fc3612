"""Scores of a model against the share of pruned rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny import make_blobs

from skgex import DatasetPruner, GEXDetector, GEXPruner
from skgex.hardness import EL2N
from skgex.inspection import PruningDisplay

FAST = {"n_members": 2, "n_steps": 4, "random_state": 0}


class Scores(BaseEstimator):
    """Rows are needed in their order."""

    def fit(self, X, y=None):
        self.scores_ = np.arange(len(X), dtype=float)
        return self


@pytest.fixture(scope="module")
def data():
    """Training and test rows of the blobs."""
    X, y = make_blobs()
    return X[:40], y[:40], X[40:], y[40:]


@pytest.fixture(scope="module")
def in_order(data):
    """A pruner that prunes the first rows first."""
    return DatasetPruner(FrozenEstimator(Scores().fit(data[0]))).fit(*data[:2])


def test_scores_are_those_of_the_model_on_the_rows_left(data, in_order):
    X, y, X_test, y_test = data
    model = LogisticRegression()
    display = PruningDisplay.from_estimator(
        in_order, model, *data, shares=[0, 0.25, 0.5], n_random=0
    )
    wanted = [model.fit(X[n:], y[n:]).score(X_test, y_test) for n in (0, 10, 20)]
    np.testing.assert_allclose(display.lines_["DatasetPruner"].get_ydata(), wanted)
    np.testing.assert_allclose(
        display.lines_["DatasetPruner"].get_xdata(), [0, 0.25, 0.5]
    )
    assert list(display.lines_) == ["DatasetPruner"]


def test_random_rows_are_drawn_as_often_as_asked_for(data, in_order):
    display = PruningDisplay.from_estimator(
        in_order,
        DummyClassifier(),
        *data,
        shares=[0, 0.5],
        n_random=3,
        random_state=0,
    )
    scores = display.test_scores["random rows"]
    assert scores.shape == (2, 3)
    assert len(set(scores[0])) == 1  # nothing is pruned
    line = display.lines_["random rows"].get_ydata()
    np.testing.assert_allclose(line, scores.mean(axis=1))
    assert list(display.bands_) == ["random rows"]


def test_several_pruners_and_frames_are_taken(data, frozen):
    X, y, X_test, y_test = data
    pruners = {
        "by GEX": make_pipeline(StandardScaler(), GEXPruner(frozen, **FAST)).fit(X, y),
        "$a^{": DatasetPruner(EL2N(n_nets=2, random_state=0)).fit(X, y),
    }
    display = PruningDisplay.from_estimator(
        pruners,
        LogisticRegression(),
        pd.DataFrame(X),
        pd.Series(y, index=range(100, 140)),
        pd.DataFrame(X_test),
        y_test,
        shares=[0.2],
        scoring="balanced_accuracy",
        random_state=0,
    )
    assert list(display.lines_) == ["by GEX", "$a^{", "random rows"]
    assert display.ax_.get_ylabel() == "balanced accuracy on test data"
    display.figure_.draw_without_rendering()


def test_the_rows_are_those_that_the_pruner_would_prune(data, frozen):
    """Also with its balance of classes."""
    from skgex.inspection._pruning_display import _masks_of

    X, y = data[:2]
    masks = []
    for balance in (0.0, 1.0, "auto"):
        pruner = GEXPruner(frozen, prune=0.1, class_balance=balance, **FAST).fit(X, y)
        (mask,) = _masks_of(pruner, y, np.array([0.1]))
        np.testing.assert_array_equal(mask, pruner.prune_mask_)
        masks.append(mask)
    assert (masks[0] != masks[1]).any()


def test_the_model_is_left_as_it_was(data, in_order):
    model = LogisticRegression()
    PruningDisplay.from_estimator(in_order, model, *data, n_random=0)
    assert not hasattr(model, "coef_")


def test_no_figure_is_made_where_axes_are_given(axes, figures):
    display = PruningDisplay.from_predictions([0, 0.5], {"a": [1, 2]}, ax=axes)
    assert figures() == []
    assert display.ax_ is axes
    assert display.bands_ == {}


@pytest.mark.parametrize("shares", [[0, 1.0], [-0.1], [], ["a"]])
def test_impossible_shares_are_refused(data, in_order, shares, figures):
    with pytest.raises(ValueError, match=r"^shares: "):
        PruningDisplay.from_estimator(
            in_order, LogisticRegression(), *data, shares=shares
        )
    assert figures() == []


def test_lengths_must_agree(data, in_order):
    with pytest.raises(ValueError, match=r"^test_scores: "):
        PruningDisplay.from_predictions([0, 0.5], {"a": [1]})
    X, y, X_test, y_test = data
    with pytest.raises(ValueError, match=r"^y: "):
        PruningDisplay.from_estimator(
            in_order, LogisticRegression(), X[:-1], y[:-1], X_test, y_test
        )


def test_a_detector_is_no_pruner(detector, data):
    with pytest.raises(ValueError, match=r"^pruner: needs prune_mask_.* GEXPruner"):
        PruningDisplay.from_estimator(detector, LogisticRegression(), *data)


@pytest.mark.parametrize("pruner", [GEXPruner(), GEXDetector()])
def test_an_unfitted_pruner_is_refused(pruner, data):
    with pytest.raises(NotFittedError):
        PruningDisplay.from_estimator(pruner, LogisticRegression(), *data)
