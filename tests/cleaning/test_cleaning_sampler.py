import sys

import numpy as np
import pandas as pd
import pytest
from imblearn.pipeline import Pipeline
from oracle import UNJUDGED, Oracle, Recorder, make_case
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import Tags, get_tags

from skgex import CleaningSampler
from skgex.exceptions import SparedRowsWarning
from skgex.pruning import DatasetPruner


class FirstFeature(BaseEstimator):
    """A scorer of rows by their first feature."""

    def fit(self, X, y):
        self.scores_ = X[:, 0]
        return self


def test_drop():
    X, y, noise_mask = make_case()
    sampler = CleaningSampler(Oracle(), **UNJUDGED)
    X_new, y_new = sampler.fit_resample(X, y)
    np.testing.assert_array_equal(sampler.sample_indices_, np.flatnonzero(~noise_mask))
    np.testing.assert_array_equal(X_new, X[~noise_mask])
    np.testing.assert_array_equal(y_new, y[~noise_mask])


def test_relabel_keeps_all_rows_and_the_given_labels():
    X, y, noise_mask = make_case()
    before = y.copy()
    X_new, y_new = CleaningSampler(Oracle(), action="relabel", **UNJUDGED).fit_resample(
        X, y
    )
    np.testing.assert_array_equal(X_new, X)
    np.testing.assert_array_equal(y_new != before, noise_mask)
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize("action", ["drop", "relabel"])
def test_data_frames_keep_index_names_and_dtypes(action):
    X, y, noise_mask = make_case()
    frame = pd.DataFrame(X, columns=list("abc"), index=np.arange(len(X)) + 100)
    frame["b"] = frame["b"].astype("float32")
    labels = pd.Series(pd.Categorical(y), index=frame.index, name="kind")
    sampler = CleaningSampler(Oracle(), action=action, **UNJUDGED)
    X_new, y_new = sampler.fit_resample(frame, labels)
    kept = np.ones(len(X), bool) if action == "relabel" else ~noise_mask
    pd.testing.assert_frame_equal(X_new, frame[kept])
    assert y_new.index.equals(frame.index[kept])
    assert (y_new.dtype, y_new.name) == (labels.dtype, "kind")


def test_sparse_rows_stay_sparse():
    X, y, noise_mask = make_case()
    X_new, _ = CleaningSampler(Oracle(), **UNJUDGED).fit_resample(csr_array(X), y)
    assert issparse(X_new)
    np.testing.assert_array_equal(X_new.toarray(), X[~noise_mask])


def test_nothing_is_dropped_where_the_scores_do_not_separate():
    X, y, _ = make_case(n_rows=200)
    sampler = CleaningSampler(Oracle(blind=True))
    with pytest.warns(SparedRowsWarning):
        X_new, _ = sampler.fit_resample(X, y)
    assert len(X_new) == len(X)
    assert not sampler.separated_


def test_a_pruner_by_any_scores_keeps_the_rows_that_it_needs_most():
    X, y, _ = make_case()
    X[:, 0] = np.abs(X[:, 0])
    y = np.where(np.arange(len(X)) < 4, "minus", "plus")
    prune = DatasetPruner(FirstFeature(), prune=39)
    with pytest.warns(SparedRowsWarning, match="3 rows stay"):
        sampler = CleaningSampler(prune, min_samples_per_class=2).fit(X, y)
    kept = {
        label: sampler.sample_indices_[y[sampler.sample_indices_] == label]
        for label in ("minus", "plus")
    }
    for label, rows in kept.items():
        of_class = np.flatnonzero(y == label)
        highest = of_class[np.argsort(X[of_class, 0])[-len(rows) :]]
        assert len(rows) == 2
        assert set(rows) == set(highest)


def test_tags_are_those_of_scikit_learn_where_there_is_no_imbalanced_learn(monkeypatch):
    monkeypatch.delitem(sys.modules, "imblearn", raising=False)
    tags = get_tags(CleaningSampler(Oracle()))
    assert type(tags) is Tags
    assert tags.target_tags.required


def test_pipeline_drops_rows_in_fit_only():
    X, y, noise_mask = make_case()
    steps = [("clean", CleaningSampler(Oracle(), **UNJUDGED)), ("model", Recorder())]
    pipeline = Pipeline(steps).fit(X, y)
    assert len(pipeline[-1].y_) == (~noise_mask).sum()
    assert len(pipeline.predict(X)) == len(X)


def test_search_scores_all_held_out_rows_as_they_are():
    X, y, noise_mask = make_case()
    tree = DecisionTreeClassifier(max_depth=1, random_state=0)
    pipeline = Pipeline(
        [("clean", CleaningSampler(Oracle(), **UNJUDGED)), ("model", tree)]
    )
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    grid = {"clean__action": ["drop"]}
    search = GridSearchCV(pipeline, grid, cv=folds, error_score="raise").fit(X, y)
    for k, (train, held_out) in enumerate(folds.split(X, y)):
        kept = train[~noise_mask[train]]
        expected = tree.fit(X[kept], y[kept]).score(X[held_out], y[held_out])
        assert search.cv_results_[f"split{k}_test_score"][0] == expected
