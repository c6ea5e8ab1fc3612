"""Constraints on parameters: scikit-learn's private validation, used here alone."""

from enum import Enum

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
)

__all__ = [
    "HasMethods",
    "Interval",
    "NetNeed",
    "RealNotInt",
    "StrOptions",
    "fit_context",
]


class NetNeed(Enum):
    """What an estimator needs of the net that it is given."""

    TRAINED = "a trained net"
    TRAJECTORY = "to watch the net's training"
    UNTRAINED = "to train nets of its own"
