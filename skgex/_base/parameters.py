"""Constraints on parameters: scikit-learn's private validation, used here alone."""

from collections.abc import Callable
from enum import Enum
from functools import wraps
from inspect import Parameter, signature
from numbers import Integral
from typing import Any

from sklearn.base import _fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    RealNotInt,
    StrOptions,
)

from skgex._utils.grad_mode import gradients_enabled
from skgex._utils.progress_display import showing_progress

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


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable:
    """Return a decorator of ``fit``: scikit-learn's, which checks parameters first.

    In addition, torch computes gradients, in whatever mode the fit is called, progress
    is shown as ``verbose`` of the estimator demands, and ``sample_weight`` is refused
    with advice where ``fit`` has no such argument. It cannot be one: scikit-learn would
    expect a weight of zero to equal the absence of a row, but every row is scored.
    """
    decorate = _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)

    def decorated(fit: Callable) -> Callable:
        checked = decorate(_in_context(fit))
        kinds = [parameter.kind for parameter in signature(fit).parameters.values()]
        if Parameter.VAR_KEYWORD in kinds:  # takes it, or refuses it by itself
            return checked

        @wraps(fit)
        def without_weights(estimator: Any, *args: Any, **options: Any) -> Any:
            if options.pop("sample_weight", None) is not None:
                raise TypeError(
                    f"sample_weight: {type(estimator).__name__} takes none: every row "
                    "is scored, and counts once in the loss of a net. Weight classes "
                    "by the net's criterion__weight, or pass sample_weight to "
                    "CleanedClassifier, which gives it to the classifier."
                )
            return checked(estimator, *args, **options)

        return without_weights

    return decorated


def _in_context(fit: Callable) -> Callable:
    @wraps(fit)
    def fit_in_context(estimator: Any, *args: Any, **options: Any) -> Any:
        name, verbose = type(estimator).__name__, getattr(estimator, "verbose", 0)
        with gradients_enabled(), showing_progress(name, int(verbose)):
            return fit(estimator, *args, **options)

    return fit_in_context


class NetNeed(Enum):
    """What an estimator needs of the net that it is given."""

    TRAINED = "a trained net"
    TRAJECTORY = "to watch the net's training"
    UNTRAINED = "to train nets of its own"
