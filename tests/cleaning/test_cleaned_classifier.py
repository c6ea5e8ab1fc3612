import numpy as np
import pandas as pd
import pytest
import torch
from oracle import UNJUDGED, Oracle, Recorder, make_case
from scipy.sparse import csr_array, issparse
from sklearn.base import is_classifier
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny import classifier, flip_every, learner, make_blobs

from skgex import CleanedClassifier, GEXDetector
from skgex.datasets import flip_labels
from skgex.exceptions import SparedRowsWarning

TRUE_LABELS = np.array(["minus", "plus"])


def cleaned(action, **kwargs):
    params = {**UNJUDGED, **kwargs}
    return CleanedClassifier(Recorder(), Oracle(), action=action, **params)


class Failing(Recorder):
    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("interrupted")


def small_detector():
    return GEXDetector(learner(), n_members=2, n_steps=4, lr=0.1, random_state=0)


def test_drop_fits_on_the_other_rows():
    X, y, noise_mask = make_case()
    model = cleaned("drop").fit(X, y)
    np.testing.assert_array_equal(model.noise_mask_, noise_mask)
    np.testing.assert_array_equal(model.estimator_.X_, X[~noise_mask])
    np.testing.assert_array_equal(model.estimator_.y_, y[~noise_mask])
    assert model.estimator_.weight_ is None


def test_relabel_gives_all_rows_their_true_label():
    X, y, _ = make_case()
    fitted = cleaned("relabel").fit(X, y).estimator_
    np.testing.assert_array_equal(fitted.X_, X)
    np.testing.assert_array_equal(fitted.y_, TRUE_LABELS[(X[:, 0] > 0).astype(int)])


def test_weight_is_the_probability_of_the_given_label_and_0_for_wrong_ones():
    X, y, noise_mask = make_case()
    fitted = cleaned("weight").fit(X, y).estimator_
    np.testing.assert_array_equal(fitted.y_, y)
    np.testing.assert_array_equal(fitted.weight_, np.where(noise_mask, 0, 0.875))


@pytest.mark.parametrize("action", ["drop", "relabel", "weight"])
def test_nothing_is_done_where_the_scores_do_not_separate(action):
    X, y, _ = make_case(n_rows=200)
    model = CleanedClassifier(Recorder(), Oracle(blind=True), action=action)
    with pytest.warns(SparedRowsWarning, match="do not separate"):
        model.fit(X, y)
    assert model.noise_mask_.any()
    assert not model.acted_mask_.any()
    assert not model.separated_
    np.testing.assert_array_equal(model.estimator_.X_, X)
    np.testing.assert_array_equal(model.estimator_.y_, y)
    assert model.estimator_.weight_ is None


@pytest.mark.parametrize("action", ["drop", "relabel"])
@pytest.mark.parametrize("least", [1, 2])
def test_no_class_falls_below_min_samples_per_class(action, least):
    X, _, _ = make_case()
    X[:, 0] = np.abs(X[:, 0])  # all of them are "plus"
    y = np.where(np.arange(len(X)) < 4, "minus", "plus")
    model = cleaned(action, min_samples_per_class=least)
    with pytest.warns(SparedRowsWarning, match=f"{least} rows stay"):
        model.fit(X, y)
    assert (model.estimator_.y_ == "minus").sum() == least
    kept = np.flatnonzero(model.noise_mask_ & ~model.acted_mask_)
    assert set(kept) == set(np.argsort(X[:4, 0])[:least])  # the least suspicious


def test_rows_that_their_class_needs_have_full_weight():
    X, _, _ = make_case()
    X[:, 0] = np.abs(X[:, 0])  # all of them are "plus"
    y = np.where(np.arange(len(X)) < 4, "minus", "plus")
    model = cleaned("weight", min_samples_per_class=1)
    with pytest.warns(SparedRowsWarning, match="1 rows stay"):
        model.fit(X, y)
    weight = model.estimator_.weight_
    assert weight[np.argmin(X[:4, 0])] == 1  # the least suspicious
    assert sorted(weight[:4]) == [0, 0, 0, 1]
    assert (weight[4:] == 0.875).all()


def test_a_fit_that_fails_leaves_the_estimator_as_it_was():
    X, y, noise_mask = make_case()
    model = CleanedClassifier(Failing(), Oracle(), **UNJUDGED)
    with pytest.raises(RuntimeError, match="interrupted"):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    model.set_params(estimator=Recorder()).fit(X, y)
    fitted = model.estimator_
    with pytest.raises(RuntimeError, match="interrupted"):
        model.set_params(estimator=Failing()).fit(X[::-1], np.flip(y) == "plus")
    assert model.estimator_ is fitted
    assert model.classes_.tolist() == ["minus", "plus"]
    np.testing.assert_array_equal(model.noise_mask_, noise_mask)


def test_data_frames_stay_data_frames():
    X, y, noise_mask = make_case()
    frame = pd.DataFrame(X, columns=list("abc"), index=np.arange(len(X)) + 100)
    frame["c"] = frame["c"].astype("float32")
    model = cleaned("drop").fit(frame, y)
    pd.testing.assert_frame_equal(model.estimator_.X_, frame[~noise_mask])
    assert isinstance(model.detector_.given_, pd.DataFrame)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("action", ["drop", "relabel", "weight"])
def test_sparse_rows_stay_sparse_for_the_classifier_alone(action):
    X, y, noise_mask = make_case()
    model = cleaned(action).fit(csr_array(X), y)
    assert issparse(model.estimator_.X_)
    assert not issparse(model.detector_.given_)
    np.testing.assert_array_equal(model.noise_mask_, noise_mask)
    assert model.predict(csr_array(X)).shape == y.shape


@pytest.mark.parametrize(
    ("action", "method"), [("relabel", "relabel"), ("weight", "noise_proba")]
)
def test_refuses_a_detector_that_lacks_what_the_action_needs(action, method):
    X, y, _ = make_case()
    model = CleanedClassifier(Recorder(), IsolationForest(), action=action)
    message = f"detector: action='{action}' needs one with {method}; IsolationForest"
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)


def test_refuses_an_estimator_that_takes_no_weights():
    X, y, _ = make_case()
    model = CleanedClassifier(KNeighborsClassifier(), Oracle(), action="weight")
    with pytest.raises(ValueError, match="estimator: action='weight'"):
        model.fit(X, y)


def test_weights_reach_the_last_step_of_a_pipeline():
    X, y, noise_mask = make_case()
    pipeline = make_pipeline(StandardScaler(), Recorder())
    fitted = CleanedClassifier(pipeline, Oracle(), action="weight", **UNJUDGED)
    fitted.fit(X, y)
    expected = np.where(noise_mask, 0, 0.875)
    np.testing.assert_array_equal(fitted.estimator_[-1].weight_, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skgex.exceptions.SparedRowsWarning")
def test_search_over_the_detector_and_the_action_stratifies():
    X, y = make_blobs()
    y, order = flip_every(y, 10)[0], np.argsort(y, kind="stable")
    model = CleanedClassifier(LogisticRegression(), small_detector())
    assert is_classifier(model)
    grid = {"detector__n_members": [2, 3], "action": ["drop", "relabel"]}
    search = GridSearchCV(model, grid, cv=3, error_score="raise")
    search.fit(X[order], y[order])  # plain folds would lack a class
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    chosen = search.best_estimator_
    assert len(chosen.detector_.ensemble_.members) == chosen.detector.n_members


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skgex.exceptions.SparedRowsWarning")
def test_skorch_net_downstream():
    torch.manual_seed(0)  # the net's weights, as its user would
    X, y = make_blobs(240)
    y_noisy, noise_mask = flip_labels(y, 0.2, random_state=0)
    net = classifier(max_epochs=30, lr=0.2)  # computes in float64, as X does
    model = CleanedClassifier(net, small_detector(), action="drop")
    model.fit(X, y_noisy)
    assert model.gain_ > 2 * model.gain_std_
    assert noise_mask[model.acted_mask_].mean() > 0.5
    assert model.score(X, y) > 0.9
