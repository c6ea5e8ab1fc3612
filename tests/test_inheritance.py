"""An estimator can be understood without a climb through many classes."""

import pytest
from all_estimators import all_estimators
from sklearn.base import BaseEstimator

MAX_LEVELS = 3


def is_mixin(cls):
    return not issubclass(cls, BaseEstimator)


def chains(cls, estimator):
    """Yield each way up from a class, through classes of skgex alone."""
    ours = [base for base in cls.__bases__ if base.__module__.startswith("skgex.")]
    for base in ours:
        begins = is_mixin(base) and not is_mixin(cls)
        below = estimator if begins else cls
        yield from ([below, *chain] for chain in chains(base, estimator))
    if not ours:
        yield [cls]


@pytest.mark.parametrize("cls", all_estimators(), ids=lambda cls: cls.__name__)
def test_levels_are_few(cls):
    """The estimator counts as one; a mixin of any level begins a way of its own."""
    longest = max(chains(cls, cls), key=len)
    names = [each.__name__ for each in longest]
    assert len(names) <= MAX_LEVELS, " < ".join(names)
