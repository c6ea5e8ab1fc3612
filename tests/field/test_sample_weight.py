"""Weights of rows reach the classifier, and are refused where none can be heeded."""

import inspect
from functools import cache

import numpy as np
import pandas as pd
import pytest
import sklearn
from all_estimators import all_estimators
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter
from tiny import flip_every, learner, make_blobs

from skgex import CleanedClassifier, GEXDetector, GEXPruner
from skgex.detection import NoisyLabelDetector
from skgex.hardness import AUM

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")

X, CLEAN = make_blobs(120, spread=0.5)
Y, WRONG = flip_every(CLEAN, 8)
WEIGHTS = np.random.RandomState(0).uniform(0.1, 5, 120)


def regression():
    return LogisticRegression(max_iter=1000)


def detector():
    net = learner(iterator_train__shuffle=True)
    return GEXDetector(net, n_members=4, random_state=0)


def cleaned(action, estimator=None):
    model = CleanedClassifier(estimator or regression(), detector(), action=action)
    return model.set_params(n_folds=None, max_share_per_class=1.0)


@cache
def unweighted(action):
    """A fit without weights, not to be changed."""
    return cleaned(action).fit(X, Y)


def by_hand(action, weights):
    """Fit the regression on what the fitted detector leaves, without the class."""
    plain = unweighted(action)
    acted, found = plain.acted_mask_, plain.detector_
    assert acted.any()
    if action == "drop":
        return regression().fit(X[~acted], Y[~acted], sample_weight=weights[~acted])
    if action == "relabel":
        labels = np.where(acted, found.suggested_labels_, Y)
        return regression().fit(X, labels, sample_weight=weights)
    own = np.where(acted, 0, 1 - found.noise_proba_)
    own[found.noise_mask_ & ~acted] = 1
    return regression().fit(X, Y, sample_weight=own * weights)


@pytest.mark.parametrize("action", ["drop", "relabel", "weight"])
@pytest.mark.parametrize(
    "kind", [np.asarray, list, lambda w: pd.Series(w, index=np.arange(120)[::-1])]
)
def test_weights_reach_the_classifier(action, kind):
    model = cleaned(action).fit(X, Y, sample_weight=kind(WEIGHTS))
    expected = by_hand(action, WEIGHTS)
    np.testing.assert_allclose(model.estimator_.coef_, expected.coef_, rtol=1e-9)
    plain = unweighted(action)
    assert not np.allclose(model.estimator_.coef_, plain.estimator_.coef_)
    # The detector sees all rows alike.
    np.testing.assert_array_equal(model.noise_mask_, plain.noise_mask_)


@pytest.mark.parametrize("action", ["drop", "relabel", "weight"])
@pytest.mark.parametrize("weights", [None, 1.0, np.ones(120)])
def test_equal_weights_change_nothing(action, weights):
    model = cleaned(action).fit(X, Y, sample_weight=weights)
    expected = unweighted(action).estimator_.coef_
    np.testing.assert_allclose(model.estimator_.coef_, expected)


def test_weights_stay_where_the_guard_acts_on_no_row():
    rs = np.random.RandomState(0)
    noise, labels = rs.randn(60, 4), rs.randint(2, size=60)
    model = CleanedClassifier(regression(), detector(), action="weight")
    model.fit(noise, labels, sample_weight=WEIGHTS[:60])
    assert not model.separated_
    alone = regression().fit(noise, labels, sample_weight=WEIGHTS[:60])
    np.testing.assert_allclose(model.estimator_.coef_, alone.coef_)


@pytest.mark.parametrize("action", ["drop", "weight"])
def test_weights_reach_the_last_step_of_a_pipeline(action):
    pipeline = make_pipeline(StandardScaler(), regression())
    model = cleaned(action, pipeline).fit(X, Y, sample_weight=WEIGHTS)
    plain = cleaned(action, pipeline).fit(X, Y)
    scaler, last = model.estimator_
    assert scaler.n_samples_seen_ == plain.estimator_[0].n_samples_seen_
    assert not np.allclose(last.coef_, plain.estimator_[-1].coef_)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (WEIGHTS[:-1], "sample_weight.shape"),
        (np.r_[WEIGHTS[:-1], np.nan], "sample_weight contains NaN"),
        (WEIGHTS[:, None].repeat(2, axis=1), "1D array"),
    ],
)
def test_impossible_weights_are_refused(weights, message):
    with pytest.raises(ValueError, match=r"(?i)" + message):
        cleaned("drop").fit(X, Y, sample_weight=weights)


@pytest.mark.parametrize(
    "estimator",
    [KNeighborsClassifier(), make_pipeline(StandardScaler(), KNeighborsClassifier())],
)
def test_a_classifier_that_takes_no_weights_is_named(estimator):
    with pytest.raises(ValueError, match=r"sample_weight: estimator .* KNeighbors"):
        cleaned("drop", estimator).fit(X, Y, sample_weight=WEIGHTS)


def test_other_arguments_are_refused():
    with pytest.raises(TypeError, match=r"sample_weight and groups .* \['weights'\]"):
        cleaned("drop").fit(X, Y, weights=WEIGHTS)


# Metadata routing


@pytest.fixture
def routing_on():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing_on")
@pytest.mark.parametrize("requested", [False, True])
def test_a_pipeline_routes_weights(requested):
    model = cleaned("drop")
    if requested:
        model.set_fit_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    pipeline = make_pipeline(scaler, model).fit(X, Y, sample_weight=WEIGHTS)
    scaled = StandardScaler().fit_transform(X)
    alone = cleaned("drop").fit(scaled, Y, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(pipeline[-1].estimator_.coef_, alone.estimator_.coef_)


@pytest.mark.usefixtures("routing_on")
@pytest.mark.parametrize("action", ["drop", "weight"])
def test_an_inner_pipeline_routes_weights(action):
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    last = regression().set_fit_request(sample_weight=True)
    inner = make_pipeline(scaler, last)
    model = cleaned(action, inner).fit(X, Y, sample_weight=WEIGHTS)
    with sklearn.config_context(enable_metadata_routing=False):
        expected = cleaned(action, inner).fit(X, Y, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(
        model.estimator_[-1].coef_, expected.estimator_[-1].coef_
    )


@pytest.mark.usefixtures("routing_on")
def test_a_search_routes_weights_and_groups():
    model = cleaned("drop").set_score_request(sample_weight=True)
    search = GridSearchCV(model, {"action": ["drop"]}, cv=2)
    groups = np.arange(120) // 2
    search.fit(X, Y, sample_weight=WEIGHTS, groups=groups)
    best = search.best_estimator_
    alone = cleaned("drop").fit(X, Y, sample_weight=WEIGHTS, groups=groups)
    np.testing.assert_array_equal(best.estimator_.coef_, alone.estimator_.coef_)


@pytest.mark.usefixtures("routing_on")
def test_a_pipeline_refuses_weights_that_its_detector_does_not_take():
    pipeline = make_pipeline(detector())
    with pytest.raises(TypeError, match="sample_weight"):
        pipeline.fit(X, Y, sample_weight=WEIGHTS)


# Fits that cannot heed weights


@pytest.mark.parametrize(
    "estimator",
    [detector(), GEXPruner(), AUM(), NoisyLabelDetector(AUM())],
    ids=lambda e: type(e).__name__,
)
def test_a_fit_that_weighs_no_rows_says_so(estimator):
    message = rf"sample_weight: {type(estimator).__name__} takes none.*Cleaned"
    with pytest.raises(TypeError, match=message):
        clone(estimator).fit(X, Y, sample_weight=WEIGHTS)


def test_no_weights_may_be_passed_as_none():
    scores = detector().fit(X, Y, sample_weight=None).scores_
    np.testing.assert_array_equal(scores, detector().fit(X, Y).scores_)


@pytest.mark.parametrize("kind", all_estimators(), ids=lambda kind: kind.__name__)
def test_no_fit_claims_that_a_weight_of_two_equals_two_rows(kind):
    """scikit-learn's checks read it off the signature."""
    assert not has_fit_parameter(kind, "sample_weight")
    assert "X" in inspect.signature(kind.fit).parameters
