"""Constraints on parameters: scikit-learn's private validation, used here alone."""

from collections.abc import Callable
from enum import Enum
from functools import wraps
from typing import Any

from sklearn.base import _fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    RealNotInt,
    StrOptions,
)

from skgex._utils.grad_mode import gradients_enabled

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


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable:
    """Decorate a fit: scikit-learn checks parameters, and torch computes gradients."""
    checked = _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)

    def decorate(fit: Callable) -> Callable:
        @wraps(fit)
        def with_gradients(estimator: Any, *args: Any, **kwargs: Any) -> Any:
            with gradients_enabled():
                return fit(estimator, *args, **kwargs)

        return checked(with_gradients)

    return decorate
