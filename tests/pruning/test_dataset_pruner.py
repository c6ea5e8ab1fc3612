"""DatasetPruner, with scorers that are nets and with one that is a table."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from tiny import AnyWidth, classifier, flip_every, learner, make_blobs

from skgex.detection import NoisyLabelDetector
from skgex.exceptions import UnseenRowsWarning
from skgex.hardness import AUM, EL2N, TrainingLoss
from skgex.influence import GEX
from skgex.pruning import DatasetPruner

X, clean = make_blobs(90, spread=0.5)
y, noise_mask = flip_every(clean, 10)


class Norm(BaseEstimator):
    """Scores rows by their norm; can be asked about any."""

    def __init__(self, scale=1.0):
        self.scale = scale

    def fit(self, X, y=None):
        self.scores_ = self.scores(X)
        return self

    def scores(self, X, y=None):
        return self.scale * np.linalg.norm(X, axis=1)


def never(self, X, y=None):
    """Stand in for a fit that must not be reached."""
    raise AssertionError


class Told(BaseEstimator):
    """Gives the scores that it was told; judges no other rows."""

    def __init__(self, told):
        self.told = told

    def fit(self, X, y=None):
        self.scores_ = np.array(self.told)
        return self


@pytest.mark.parametrize(
    "scorer",
    [
        Norm(),
        pytest.param(
            EL2N(
                classifier(AnyWidth, module__n_outputs=4, batch_size=64),
                n_nets=1,
                n_epochs=1,
                random_state=0,
            ),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["Norm", "EL2N"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
def test_scikit_learn_is_content(scorer):
    check_estimator(DatasetPruner(scorer))


@pytest.mark.parametrize(
    "scorer",
    [
        AUM(learner(), random_state=0),
        GEX(learner(), n_members=2, n_steps=4, lr=0.1, random_state=0),
    ],
    ids=["AUM", "GEX"],
)
def test_the_rows_of_the_lowest_scores_go(scorer):
    pruner = DatasetPruner(scorer, prune=0.3)
    mask = pruner.fit_predict(X, y)
    assert mask.sum() == 27
    assert pruner.scores_[mask].max() <= pruner.scores_[~mask].min()
    assert pruner.threshold_ == pruner.scores_[mask].max()
    np.testing.assert_array_equal(pruner.predict(X), mask)
    np.testing.assert_array_equal(pruner.predict(X, y), mask)
    np.testing.assert_array_equal(pruner.get_support(), ~mask)
    kept = pruner.get_support(indices=True)
    np.testing.assert_array_equal(kept, np.flatnonzero(~mask))
    assert len(pruner.transform(X)) == len(X)
    assert not mask[noise_mask].any()


def test_the_mask_by_hand():
    """Ties go in the order of rows, and stay with their rows in any query."""
    rows = np.arange(5.0)[:, None]
    pruner = DatasetPruner(Told([2.0, 1, 2, 2, 0]), prune=3).fit(rows)
    np.testing.assert_array_equal(pruner.prune_mask_, [1, 1, 0, 0, 1])
    assert pruner.threshold_ == 2
    np.testing.assert_array_equal(pruner.predict(rows[::-1]), [1, 0, 0, 1, 1])


def test_classes_can_be_kept_in_balance():
    labels = np.array(["a", "b"])[[0, 0, 0, 0, 1, 1]]
    scorer = Told([0.0, 1, 2, 3, 4, 5])
    rows = np.arange(6.0)[:, None]
    pruner = DatasetPruner(scorer, prune=4, class_balance=1.0).fit(rows, labels)
    np.testing.assert_array_equal(pruner.prune_mask_, [1, 1, 0, 0, 1, 1])
    pruner.set_params(class_balance=0.0).fit(rows, labels)
    np.testing.assert_array_equal(pruner.prune_mask_, [1, 1, 1, 1, 0, 0])


def test_new_rows_go_by_the_threshold():
    pruner = DatasetPruner(Norm(), prune=0.5).fit(X, y)
    others = make_blobs(20, seed=1)[0]
    expected = np.linalg.norm(others, axis=1) <= pruner.threshold_
    assert expected.any()
    assert not expected.all()
    np.testing.assert_array_equal(pruner.predict(others), expected)
    mixed = pruner.predict(np.r_[X, others])
    np.testing.assert_array_equal(mixed, np.r_[pruner.prune_mask_, expected])


def test_rows_that_cannot_be_judged_stay():
    pruner = DatasetPruner(Told(np.zeros(90)), prune=0.5).fit(X)
    with pytest.warns(UnseenRowsWarning, match="5 rows"):
        assert not pruner.predict(X[:5] + 1).any()


@pytest.mark.parametrize("prune", [1.0, -0.1, 90, -1, "half", None])
def test_impossible_shares_are_refused_before_the_fit(prune, monkeypatch):
    monkeypatch.setattr(Norm, "fit", never)
    with pytest.raises(ValueError, match="prune"):
        DatasetPruner(Norm(), prune=prune).fit(X, y)


@pytest.mark.parametrize("labels", [None, np.linspace(0, 1, 90)])
def test_a_balance_needs_classes(labels, monkeypatch):
    monkeypatch.setattr(Norm, "fit", never)
    with pytest.raises(ValueError, match=r"labels: needed|Unknown label type"):
        DatasetPruner(Norm(), class_balance=0.5).fit(X, labels)


def test_values_can_be_pruned_without_a_balance():
    values = np.linspace(0, 1, 180).reshape(90, 2)
    assert DatasetPruner(Norm(), prune=9).fit(X, values).prune_mask_.sum() == 9


def test_one_fit_serves_a_detector_and_a_pruner(monkeypatch):
    scorer = TrainingLoss(learner(), random_state=0).fit(X, y)
    monkeypatch.setattr(TrainingLoss, "fit", None)
    frozen = FrozenEstimator(scorer)
    detector = NoisyLabelDetector(frozen).fit(X, y)
    pruner = DatasetPruner(frozen).fit(X, y)
    np.testing.assert_array_equal(detector.scores_, pruner.scores_)
    assert not (detector.noise_mask_ & pruner.prune_mask_).any()


def test_pipelines_and_searches_reach_the_scorer():
    pipe = make_pipeline(StandardScaler(), DatasetPruner(Norm(), prune=0.2))
    search = GridSearchCV(
        pipe,
        {"datasetpruner__scorer__scale": [-1.0, 1.0], "datasetpruner__prune": [5]},
        scoring=lambda e, X, y: e[-1].scores_.sum(),
        cv=2,
    ).fit(X, y)
    assert search.best_params_["datasetpruner__scorer__scale"] == 1
    assert search.predict(X).sum() == 5
