"""What a fitted estimator says follows from its fit, not from parameters set since."""

import inspect

import joblib
import numpy as np
import pytest
from all_estimators import all_estimators, cheap, every, marks_of, named
from answering import answers, fitted_attributes
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from tiny import classifier, flip_every, learner, make_blobs, regressor

from skgex._utils.random import seeded
from skgex.hardness import TrainingLoss

N_ROWS = 32
X, clean = make_blobs(N_ROWS)
X = X.astype(np.float32)
y = flip_every(clean, 8)[0]
# Half of the rows are fitted ones, half are new.
MIXED = np.where(np.arange(N_ROWS)[:, None] % 2, X, X + 1)


def frozen_net():
    with seeded(3):
        return FrozenEstimator(learner(module__hidden=5).fit(X, clean))


# Values to set, by the name of the parameter. A new parameter must be added.
OTHERS = {
    "action": ["drop", "relabel", "weight"],
    "weighting": ["equal", "lr"],
    "chain": [True],
    "class_balance": [1.0, 0.5, 0.0, "auto"],
    "curvature": ["hessian", "gauss_newton"],
    "damping": [0.5, 10.0],
    "detector": [TrainingLoss(learner())],
    "early_stopping": [True, False, "auto"],
    "estimator": [DummyClassifier()],
    "features": ["penultimate", "logits"],
    "keep_members": [False],
    "linear": [True, False],
    "loss_floor": [0.3, 0.0],
    "lr": [0.7, "auto"],
    "max_samples": [0.5, 1.0],
    "max_share_per_class": [0.1],
    "memory": [joblib.Memory(None)],
    "method": ["self_confidence", "normalized_margin"],
    "min_samples_per_class": [7],
    "momentum": [0.0],
    "n_checkpoints": [1, 7],
    "n_components": [3],
    "n_epochs": [1],
    "n_folds": [3],
    "n_iterations": [2],
    "n_jobs": [1, 2],
    "n_members": [5, "auto", 1],
    "n_neighbors": [2],
    "n_nets": [1],
    "n_steps": [1, "auto"],
    "net": [None, classifier(module__n_outputs=7), frozen_net(), regressor()],
    "noise_type": ["class_conditional", "instance_dependent"],
    "prune": [0.0, 0.7, 5],
    "random_state": [7, np.random.RandomState(1)],
    "rank": [1],
    "schedule": ["constant", "cosine"],
    "scorer": [TrainingLoss(learner())],
    "selector": [TrainingLoss(learner())],
    "solver": ["cg", "lissa", "dense"],
    "statistic": [
        "mean_loss",
        "self_influence",
        "relative_loss",
        "margin",
        "confidence",
    ],
    "threshold": ["otsu_raw", "precision 90%", "auto", "otsu", "50%", 0.0, 1e9],
    "tol": [0.5],
    "verbose": [1, 2],
    "warm_start": [True],
}

ESTIMATORS = all_estimators()
PAIRS = [
    pytest.param(cls, name, id=f"{cls.__name__}-{name}", marks=marks_of(cls, True))
    for cls in ESTIMATORS
    for name in inspect.signature(cls).parameters
]
pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


class Fits(dict):
    """Fitted estimators, by class and parameters; each fitted when first asked for."""

    def __missing__(self, key):
        cls, *params = key
        self[key] = cheap(cls, learner(max_epochs=3), **dict(params)).fit(X, y)
        return self[key]


@pytest.fixture(scope="module")
def fits():
    return Fits()


def assert_it_says_the_same(estimator, changes, rows=MIXED):
    """Set parameters to each of several values in turn, compare, and set them back."""
    before = fitted_attributes(estimator), answers(estimator, rows, y)
    old = {name: estimator.get_params()[name] for change in changes for name in change}
    for change in changes:
        estimator.set_params(**change)
        try:
            after = fitted_attributes(estimator), answers(estimator, rows, y)
        finally:
            estimator.set_params(**old)
        for former, latter in zip(before, after, strict=True):
            assert former.keys() == latter.keys(), change
            differing = [name for name in former if former[name] != latter[name]]
            assert differing == [], change


@pytest.mark.parametrize(("cls", "name"), PAIRS)
def test_a_parameter_that_is_set_later_changes_no_answer(cls, name, fits):
    with joblib.parallel_config("threading"):
        changes = [{name: value} for value in OTHERS[name]]
        assert_it_says_the_same(fits[cls,], changes)


@pytest.mark.parametrize("name", ["batch_size", "module__hidden"])
@every(
    [cls for cls in ESTIMATORS if "net" in inspect.signature(cls).parameters],
    one_of_each_kind=True,
)
def test_a_parameter_of_the_net_changes_no_answer(cls, name, fits):
    """The net that was given is a template: fits clone it."""
    value = {"batch_size": 5, "module__hidden": 3}[name]
    assert_it_says_the_same(fits[cls,], [{f"net__{name}": value}])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fitted_with", "name"),
    [
        ({"statistic": "self_influence"}, "statistic"),
        ({"statistic": "mean_loss"}, "statistic"),
        ({"statistic": "self_influence"}, "loss_floor"),
        ({"loss_floor": 0.05}, "loss_floor"),
        ({"threshold": "otsu_raw"}, "threshold"),
        ({"threshold": "precision 80%"}, "threshold"),
        ({"threshold": 0.2}, "threshold"),
        ({"lr": "auto"}, "threshold"),
        ({"max_samples": 0.5}, "max_samples"),
        ({"keep_members": False}, "loss_floor"),
    ],
    ids=str,
)
def test_a_detector_judges_by_the_parameters_of_its_fit(fitted_with, name, fits):
    detector = fits[named("GEXDetector"), *fitted_with.items()]
    rows = MIXED if detector.keep_members else X
    changes = [{name: value} for value in OTHERS[name]]
    assert_it_says_the_same(detector, changes, rows)


@every(ESTIMATORS)
def test_all_parameters_at_once(cls, fits):
    """As a search does that sets parameters and fits nothing."""
    names = fits[cls,].get_params(deep=False)
    change = {name: OTHERS[name][0] for name in names}
    assert_it_says_the_same(fits[cls,], [change])


@pytest.mark.parametrize("name", ["GEX", "GEXDetector", "GEXPruner", "TracIn"])
def test_labels_are_read_as_they_were_in_the_fit(name):
    """A net for regression would have them be numbers."""
    labels = np.array(["ant", "bee", "cat"])[y]
    estimator = cheap(named(name), learner(max_epochs=3)).fit(X, labels)
    before = answers(estimator, MIXED, labels)
    estimator.set_params(net=regressor())
    assert answers(estimator, MIXED, labels) == before
