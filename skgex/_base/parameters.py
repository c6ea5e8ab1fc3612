"""Constraints on parameters: scikit-learn's private validation, used here alone."""

from enum import Enum
from numbers import Integral

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    RealNotInt,
    StrOptions,
)

__all__ = [
    "N_JOBS",
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "NetNeed",
    "RealNotInt",
    "StrOptions",
    "fit_context",
]

# To joblib 0 means nothing, and it raises only once the net is trained.
N_JOBS: list = [
    Interval(Integral, None, -1, closed="right"),
    Interval(Integral, 1, None, closed="left"),
    None,
]


class NetNeed(Enum):
    """What an estimator needs of the net that it is given."""

    TRAINED = "a trained net"
    TRAJECTORY = "to watch the net's training"
    UNTRAINED = "to train nets of its own"
