"""What holds for every public estimator, found by walking the package."""

import copy
import inspect
import pickle
import random

import joblib
import numpy as np
import pytest
import torch
from all_estimators import (
    DEALS_ROWS,
    all_estimators,
    cheap,
    every,
    marks_of,
    takes_frozen,
)
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import estimator_checks_generator
from tiny import AnyWidth, classifier, flip_every, learner, make_blobs

from skgex import CleanedClassifier, CleaningSampler, GEXDetector
from skgex._utils.random import seeded

# Methods that answer about each sample, given labels or not.
METHODS = ("transform", "scores", "self_influence", "predict", "predict_proba")


class Fits(dict):
    """Each estimator fitted once around the learner, when it is first asked for."""

    def __init__(self, X, y):
        self.X, self.y = X, y

    def __missing__(self, cls):
        self[cls] = cheap(cls, learner()).fit(self.X, self.y)
        return self[cls]


ESTIMATORS = all_estimators()
every_estimator = every(ESTIMATORS)
every_kind = every(ESTIMATORS, one_of_each_kind=True)
pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


@pytest.fixture(scope="module")
def data():
    """Blobs with every eighth label flipped."""
    X, y = make_blobs(96)
    return X.astype(np.float32), *flip_every(y, 8)


@pytest.fixture(scope="module")
def fitted(data):
    """Each estimator fitted once around the learner, not to be changed."""
    X, y, _ = data
    return Fits(X, y)


def kept(estimator):
    """What an estimator says of the fitted rows: its arrays of one value a row."""
    return {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and isinstance(value, np.ndarray) and len(value) == 96
    }


def answers(estimator, X, y):
    """What it says of any rows, method by method."""
    given = {}
    for name in METHODS:
        method = getattr(estimator, name, None)
        if method is not None:
            takes_y = "y" in inspect.signature(method).parameters
            given[name] = method(X, y) if takes_y else method(X)
    return given


def assert_same(first, second, **tolerance):
    assert first.keys() == second.keys()
    for name, value in first.items():
        if tolerance:
            np.testing.assert_allclose(value, second[name], err_msg=name, **tolerance)
        else:
            np.testing.assert_array_equal(value, second[name], err_msg=name)


def test_the_walk_finds_estimators():
    names = {cls.__name__ for cls in ESTIMATORS}
    assert {"GEX", "GEXDetector"} <= names
    assert "NetEstimator" not in names


@every_estimator
def test_something_is_said_of_the_fitted_rows(cls, data, fitted):
    assert kept(fitted[cls]) | answers(fitted[cls], *data[:2])


@every_estimator
def test_the_same_seed_gives_the_same(cls, data, fitted):
    X, y, _ = data
    again = cheap(cls, learner()).fit(X, y)
    assert_same(kept(again), kept(fitted[cls]))
    assert_same(answers(again, X + 1, y), answers(fitted[cls], X + 1, y))
    assert_same(answers(again.fit(X, y), X, y), answers(fitted[cls], X, y))


@every_estimator
def test_another_seed_gives_another(cls, data, fitted):
    if "random_state" not in inspect.signature(cls).parameters:
        pytest.skip("nothing random of its own")
    X, y, _ = data
    estimator = cheap(cls, learner(), random_state=1).fit(X, y)
    other = kept(estimator) | answers(estimator, X, y)
    given = kept(fitted[cls]) | answers(fitted[cls], X, y)
    assert any(not np.array_equal(given[name], other[name]) for name in given)


@every_kind
def test_jobs_side_by_side_change_nothing(cls, data, fitted):
    if "n_jobs" not in inspect.signature(cls).parameters:
        pytest.skip("no n_jobs")
    X, y, _ = data
    parallel = cheap(cls, learner(), n_jobs=2).fit(X, y)
    assert_same(kept(parallel), kept(fitted[cls]))
    assert_same(answers(parallel, X + 1, y), answers(fitted[cls], X + 1, y))


@every_estimator
def test_global_generators_are_left_alone(cls, data):
    X, y, _ = data
    with seeded(12):
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        answers(cheap(cls, learner()).fit(X, y), X + 1, y)
        assert random.getstate() == states[0]
        np.testing.assert_array_equal(np.random.get_state()[1], states[1][1])
        assert np.random.get_state()[2] == states[1][2]
        assert torch.equal(torch.get_rng_state(), states[2])


@every_kind
def test_global_generators_do_not_matter(cls, data, fitted):
    X, y, _ = data
    with seeded(99):
        assert_same(kept(cheap(cls, learner()).fit(X, y)), kept(fitted[cls]))


@every_kind
@pytest.mark.parametrize("training", [False, True])
def test_the_given_net_is_left_alone(cls, data, training):
    X, y, _ = data
    with seeded(0):
        net = learner().fit(X, y)
    net.module_.train(training)
    before = net.get_params(deep=False), copy.deepcopy(net.module_.state_dict())
    optimizer, history = net.optimizer_, copy.deepcopy(list(net.history))
    for given in (FrozenEstimator(net), net) if takes_frozen(cls) else (net,):
        answers(cheap(cls, given).fit(X, y), X + 1, y)
        for name, value in net.module_.state_dict().items():
            assert torch.equal(value, before[1][name]), name
        assert net.module_.training is training
        assert net.get_params(deep=False) == before[0]
        assert net.optimizer_ is optimizer
        assert list(net.history) == history
        assert net.criterion_.reduction == "mean"
        assert all(p.requires_grad for p in net.module_.parameters())


@every_kind
def test_an_unfitted_net_stays_unfitted(cls, data):
    X, y, _ = data
    net = learner()
    cheap(cls, net).fit(X, y)
    assert not net.initialized_
    assert not hasattr(net, "module_")


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
@every_kind
def test_inputs_are_left_alone(cls, data):
    X, y, _ = data
    given = X.copy(), y.copy()
    answers(cheap(cls, learner()).fit(*given), *given)
    np.testing.assert_array_equal(given[0], X)
    np.testing.assert_array_equal(given[1], y)
    for values in given:
        values.setflags(write=False)
    cheap(cls, learner()).fit(*given)


@every_estimator
def test_the_order_of_rows_asked_about_does_not_matter(cls, data, fitted):
    X, y, _ = data
    order = np.random.RandomState(0).permutation(96)
    estimator = fitted[cls]
    given = answers(estimator, X, y)
    assert_same(
        answers(estimator, X[order], y[order]),
        {name: value[order] for name, value in given.items()},
    )
    new = answers(estimator, X + 1, y)
    assert_same(
        answers(estimator, X[order] + 1, y[order]),
        {name: value[order] for name, value in new.items()},
        atol=1e-5,
    )


def without_trial(estimator):
    """Let nothing deal rows to a trial, or to folds of a judge, by their order."""
    names = [name for name in estimator.get_params() if "early_stopping" in name]
    estimator.set_params(**dict.fromkeys(names, False))
    judges = isinstance(estimator, (CleanedClassifier, CleaningSampler))
    return estimator.set_params(n_folds=None) if judges else estimator


@every_estimator
def test_permuted_rows_give_permuted_answers(cls, data):
    """Where each step sees all rows, their order is nothing but rounding."""
    if cls.__name__ in DEALS_ROWS:
        pytest.skip("deals the rows to folds by their order")
    X, y, _ = data
    net = classifier(batch_size=96, lr=0.5, max_epochs=20)  # float64
    with seeded(0):
        frozen = FrozenEstimator(net.fit(X.astype(np.float64), y))
    order = np.random.RandomState(0).permutation(96)
    for given in (frozen, clone(net)) if takes_frozen(cls) else (clone(net),):
        straight = kept(without_trial(cheap(cls, given)).fit(X, y))
        permuted = kept(without_trial(cheap(cls, given)).fit(X[order], y[order]))
        assert_same(
            permuted,
            {name: value[order] for name, value in straight.items()},
            rtol=1e-5,
            atol=1e-8,
        )


@every_kind
@pytest.mark.parametrize(
    "names", [np.array([3, 7, 12]), np.array(["ant", "bee", "cat"], dtype=object)]
)
def test_names_of_the_labels_do_not_matter(cls, data, fitted, names):
    X, y, _ = data
    renamed = cheap(cls, learner()).fit(X, names[y])
    labels = "suggested_labels_"
    given, expected = kept(renamed), kept(fitted[cls])
    if labels in expected:
        expected[labels] = names[expected[labels]]
    assert_same(given, expected)


@every_estimator
def test_planted_flips_rank_high(cls, data, fitted):
    estimator = fitted[cls]
    rank = getattr(estimator, "scores_", getattr(estimator, "self_influence_", None))
    if rank is None:
        pytest.skip("ranks nothing")
    assert roc_auc_score(data[2], rank) > 0.75


@every_estimator
@pytest.mark.parametrize("copier", ["pickle", "deepcopy", "joblib"])
def test_copies_answer_alike(cls, data, fitted, tmp_path, copier):
    X, y, _ = data
    if copier == "pickle":
        other = pickle.loads(pickle.dumps(fitted[cls]))
    elif copier == "deepcopy":
        other = copy.deepcopy(fitted[cls])
    else:
        joblib.dump(fitted[cls], tmp_path / "estimator.joblib", compress=3)
        other = joblib.load(tmp_path / "estimator.joblib")
    assert_same(kept(other), kept(fitted[cls]))
    assert_same(answers(other, X, y), answers(fitted[cls], X, y))
    assert_same(answers(other, X + 1, y), answers(fitted[cls], X + 1, y))


@every_estimator
def test_a_clone_is_unfitted_and_equal(cls, fitted):
    other = clone(fitted[cls])
    assert not kept(other)
    mine = fitted[cls].get_params(deep=False)
    for name, value in other.get_params(deep=False).items():
        assert type(value) is type(mine[name])
    assert cls(**other.get_params(deep=False)).get_params(deep=False).keys() == (
        mine.keys()
    )


@every_estimator
def test_fit_returns_the_estimator_and_changes_no_parameter(cls, data):
    X, y, _ = data
    estimator = cheap(cls, learner())
    before = estimator.get_params(deep=False)
    assert estimator.fit(X, y) is estimator
    after = estimator.get_params(deep=False)
    assert all(after[name] is before[name] for name in before)


# scikit-learn's own


ANY_WIDTH = classifier(AnyWidth, module__n_outputs=10, max_epochs=2)


@pytest.fixture
def array_api(monkeypatch):
    """Without it scikit-learn skips one of its checks."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")


def name_of(check):
    settings = getattr(check, "keywords", {})
    return "-".join([getattr(check, "func", check).__name__, *map(str, settings)])


def all_checks(*estimators):
    """All of ``check_estimator``, a test each, under a name that can be read."""
    return pytest.mark.parametrize(
        ("estimator", "check"),
        [
            pytest.param(
                estimator,
                check,
                id=f"{type(estimator).__name__}-{name_of(check)}",
                marks=marks_of(type(estimator), one_of_each_kind=True),
            )
            for given in estimators
            for estimator, check in estimator_checks_generator(given)
        ],
    )


@pytest.mark.usefixtures("array_api")
@all_checks(*(cheap(cls, ANY_WIDTH) for cls in ESTIMATORS))
def test_scikit_learn_with_a_small_net(estimator, check):
    check(estimator)


@pytest.mark.usefixtures("array_api", "short_trainings")
@all_checks(GEXDetector(n_members=2, n_steps=2, lr=0.1))
def test_scikit_learn_with_the_default_net(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.usefixtures("array_api", "short_trainings")
@all_checks(GEXDetector())
def test_scikit_learn_with_the_default_constructor(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_fit_idempotent,
        estimator_checks.check_methods_sample_order_invariance,
    ],
    ids=name_of,
)
def test_scikit_learn_with_the_whole_training(check):
    check("GEXDetector", GEXDetector())


@pytest.mark.filterwarnings("ignore:X (has|does not have valid) feature names")
@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_dataframe_column_names_consistency,
        estimator_checks.check_get_feature_names_out_error,
        estimator_checks.check_global_output_transform_pandas,
        estimator_checks.check_n_features_in,
        estimator_checks.check_param_validation,
        estimator_checks.check_set_output_transform,
        estimator_checks.check_set_output_transform_pandas,
        estimator_checks.check_transformer_get_feature_names_out,
        estimator_checks.check_transformer_get_feature_names_out_pandas,
    ],
    ids=name_of,
)
@every_kind
def test_scikit_learn_checks_of_its_own_estimators(cls, check):
    """Checks that third parties must ask for by name."""
    if not hasattr(cls, "set_output"):
        pytest.skip("no transform")
    check(cls.__name__, cheap(cls, ANY_WIDTH))
