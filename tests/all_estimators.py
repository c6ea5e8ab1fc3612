"""All public estimators, found by walking the package, with settings that are cheap.

A new estimator is picked up by itself. Where it has parameters that cost time, add
them to ``CHEAP`` by name; where it has one that must be given, to ``REQUIRED``.
"""

import importlib
import inspect
import pkgutil

import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

import skgex
from skgex._base.parameters import NetNeed

CHEAP = {
    "n_members": 2,
    "n_steps": 6,
    "lr": 0.1,
    "n_checkpoints": 2,
    "n_nets": 2,
    "n_epochs": 4,
    "n_directions": 4,
    "n_components": 8,
    "n_iterations": 16,
    "rank": 4,
    "solver": "dense",
    "random_state": 0,
}

REQUIRED = {
    "scorer": lambda net: cheap(named("GEX"), net),
    "detector": lambda net: cheap(named("GEXDetector"), net),
    "selector": lambda net: cheap(named("GEXDetector"), net),
    "estimator": lambda net: LogisticRegression(),
}

# Estimators that train a net for every row: theirs are slow tests.
SLOW = {"LeaveOneOut"}

# One of each kind. Where a test takes long, that of the others, which share most of
# their code with one of these, is a slow test.
KINDS = {
    "CleanedClassifier",
    "CleaningSampler",
    "EL2N",
    "GEXDetector",
    "GEXPruner",
    "NoisyLabelDetector",
    "RandomProjection",
}

# Estimators whose answers depend on the order of rows, since they draw parts of them.
DEALS_ROWS = {"ConfidentLearning", "OutOfFold"}


def all_estimators():
    """Return the public estimator classes by name; nothing private, no base class."""
    found = {}
    for module in public_modules():
        for name, value in vars(module).items():
            if is_ours(value) and not name.startswith("_"):
                found[name] = value
    return [found[name] for name in sorted(found)]


def every(classes, one_of_each_kind=False):
    """Give a test each class as ``cls``; those that take long are slow tests.

    With ``one_of_each_kind``, all others are.
    """
    return pytest.mark.parametrize(
        "cls",
        [
            pytest.param(cls, id=cls.__name__, marks=marks_of(cls, one_of_each_kind))
            for cls in classes
        ],
    )


def marks_of(cls, one_of_each_kind=False):
    """Return the marks of the tests of an estimator; see :func:`every`."""
    name = cls.__name__
    is_slow = name in SLOW or (one_of_each_kind and name not in KINDS)
    return [pytest.mark.slow] if is_slow else []


def is_ours(value):
    """Return whether a value is an estimator class of skgex, other than its base."""
    return (
        inspect.isclass(value)
        and issubclass(value, BaseEstimator)
        and value.__module__.startswith("skgex.")
        and value.__module__ != "skgex._base.net_estimator"
    )


def public_modules():
    """Import all modules of the package that have no underscore in their path."""
    for info in pkgutil.walk_packages(skgex.__path__, "skgex."):
        if not any(part.startswith("_") for part in info.name.split(".")):
            yield importlib.import_module(info.name)
    yield skgex


def named(name):
    """Return the estimator of a name."""
    return {cls.__name__: cls for cls in all_estimators()}[name]


def cheap(cls, net=None, **params):
    """Make an estimator with cheap settings around a net."""
    known = inspect.signature(cls).parameters
    settings = {name: value for name, value in CHEAP.items() if name in known}
    for name, parameter in known.items():
        if name in REQUIRED and parameter.default in (inspect.Parameter.empty, None):
            settings[name] = REQUIRED[name](net)
    if "net" in known:
        settings["net"] = net
    return cls(**{**settings, **params})


def takes_frozen(cls):
    """Return whether an estimator judges by a net that is trained already."""
    return getattr(cls, "_needs", NetNeed.TRAINED) is NetNeed.TRAINED
