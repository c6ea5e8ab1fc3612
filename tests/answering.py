"""All that an estimator says, in a form of which two can be compared bit for bit."""

import dataclasses
import inspect
import pickle

import numpy as np
from skorch import NeuralNet

# Public methods that answer once an estimator is fitted.
QUERIES = [
    "explain",
    "get_feature_names_out",
    "get_support",
    "influence",
    "noise_proba",
    "predict",
    "predict_proba",
    "relabel",
    "score",
    "scores",
    "self_influence",
    "summary",
    "transform",
]


def queries_of(estimator):
    """Return the names of those that an estimator has."""
    return [name for name in QUERIES if hasattr(estimator, name)]


def query(estimator, name, X, y):
    """Call a method with as many of X, y and others as it takes."""
    given = {"X": X, "y": y, "X_other": X[::2], "y_other": y[::2]}
    method = getattr(estimator, name)
    names = [each for each in inspect.signature(method).parameters if each in given]
    return method(**{each: given[each] for each in names})


def answers(estimator, X, y):
    """Return the bits of what each of the methods says of some rows."""
    return {name: bits(query(estimator, name, X, y)) for name in queries_of(estimator)}


def fitted_attributes(estimator):
    """Return the bits of all public attributes that a fit sets or makes readable."""
    names = [name for name in dir(estimator) if is_fitted_name(name)]
    return {
        name: bits(getattr(estimator, name))
        for name in names
        if hasattr(estimator, name)
    }


def is_fitted_name(name):
    """Return whether a name is that of a public attribute of a fitted estimator."""
    return name.endswith("_") and not name.startswith("_")


def bits(value):
    """Return something that is equal only to what was made of an equal value."""
    if isinstance(value, np.ndarray):
        content = value.tolist() if value.dtype == object else value.tobytes()
        return value.dtype.str, value.shape, content
    if isinstance(value, NeuralNet):
        weights = value.module_.state_dict().items()
        return {name: bits(array.cpu().numpy()) for name, array in weights}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: bits(each) for name, each in value.items()}
    return pickle.dumps(value)
