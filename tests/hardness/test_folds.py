"""OutOfFold and ConfidentLearning, against cross_val_predict and cleanlab itself."""

import sys
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import cross_val_predict
from skorch.dataset import ValidSplit
from tiny import classifier
from watched import ROWS, X, net, seeds_of, y

from skgex._nets.snapshot import revive
from skgex._nets.training import train
from skgex._utils.random import draw_seeds
from skgex.exceptions import HeldOutRowsWarning
from skgex.hardness import ConfidentLearning, OutOfFold
from skgex.hardness._folded import deal


class Seeded(ClassifierMixin, BaseEstimator):
    """Trains a net with the next of given seeds, for cross_val_predict."""

    def __init__(self, seeds):
        self.seeds = seeds

    def __sklearn_clone__(self):
        return self  # the seeds are used up fold by fold

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.net_ = revive(train(net(), X, y, self.seeds.pop(0)))
        return self

    def predict(self, X):
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X):
        return self.net_.predict_proba(X)


def cross_validated(n_folds, random_state=0):
    own = np.random.RandomState(seeds_of(random_state)[2])
    fold_seed, *seeds = draw_seeds(own, 1 + n_folds)
    return cross_val_predict(
        Seeded(seeds), X, y, cv=deal(y, n_folds, fold_seed), method="predict_proba"
    )


@pytest.mark.parametrize("n_folds", [2, 3])
def test_probabilities_are_those_of_cross_val_predict(n_folds):
    expected = cross_validated(n_folds)
    scorer = OutOfFold(net(), n_folds=n_folds, random_state=0).fit(X, y)
    np.testing.assert_allclose(scorer.probabilities_, expected, rtol=1e-9)
    np.testing.assert_allclose(scorer.scores_, -expected[ROWS, y], rtol=1e-9)


def test_margins_are_those_of_the_probabilities():
    scorer = OutOfFold(net(), statistic="margin", n_folds=2, random_state=0).fit(X, y)
    expected = []
    for probabilities, label in zip(scorer.probabilities_, y, strict=True):
        expected.append(np.delete(probabilities, label).max() - probabilities[label])
    np.testing.assert_allclose(scorer.scores_, expected)


@pytest.mark.parametrize(
    "method", ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
)
def test_confident_learning_is_that_of_cleanlab(method):
    from cleanlab.count import compute_confident_joint
    from cleanlab.rank import get_label_quality_scores

    expected = cross_validated(2)
    scorer = ConfidentLearning(net(), method=method, random_state=0).fit(X, y)
    quality = get_label_quality_scores(y, expected, method=method)
    np.testing.assert_allclose(scorer.scores_, 1 - quality, rtol=1e-9)
    np.testing.assert_array_equal(
        scorer.confident_joint_, compute_confident_joint(y, expected)
    )


def test_the_first_import_of_cleanlab_leaves_warnings_on(monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "cleanlab"]:
        monkeypatch.delitem(sys.modules, name)
    scorer = ConfidentLearning(classifier(train_split=ValidSplit(2)))
    before = list(warnings.filters)
    with pytest.warns(HeldOutRowsWarning, match="train_split"):
        scorer.fit(X, y)
    assert "cleanlab" in sys.modules
    assert warnings.filters == before


def test_without_cleanlab_confident_learning_says_what_to_install(monkeypatch):
    for name in [n for n in sys.modules if n.split(".")[0] == "cleanlab"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cleanlab", None)
    with pytest.raises(ImportError, match=r"pip install 'skgex\[cleanlab\]'"):
        ConfidentLearning(net()).fit(X, y)


@pytest.mark.parametrize("sizes", [(20, 20), (50, 3), (3, 2, 2), (1, 30)])
def test_every_row_is_left_out_once_and_by_no_net_that_saw_it(sizes):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    folds = deal(codes, 5, seed=0)
    left_out = np.concatenate([out for _, out in folds])
    assert sorted(left_out) == list(range(len(codes)))
    for seen, out in folds:
        assert sorted([*seen, *out]) == list(range(len(codes)))


def test_folds_are_dealt_by_class():
    codes = np.repeat([0, 1], [90, 10])
    assert [codes[out].sum() for _, out in deal(codes, 5, seed=0)] == [2] * 5


def test_outputs_to_spare_are_left_out():
    wide = classifier(module__n_outputs=7)
    scorer = OutOfFold(wide, n_folds=2, random_state=0).fit(X, y)
    assert scorer.probabilities_.shape == (len(X), 3)


def test_more_folds_than_rows_are_refused():
    with pytest.raises(ValueError, match="n_folds: must be no more than the 60"):
        OutOfFold(net(), n_folds=61).fit(X, y)
