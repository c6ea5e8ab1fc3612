"""An estimator can be understood without a climb through many classes."""

import pytest
from all_estimators import all_estimators
from sklearn.base import BaseEstimator

MAX_LEVELS = 3


def is_mixin(cls):
    return not issubclass(cls, BaseEstimator)


def bases_of(cls):
    return [base for base in cls.__bases__ if base.__module__.startswith("skgex.")]


def chains(cls):
    """Yield each way up from a class, through classes of skgex of the same kind."""
    yield [cls]
    for base in bases_of(cls):
        if is_mixin(base) == is_mixin(cls):
            yield from ([cls, *chain] for chain in chains(base))


@pytest.mark.parametrize("cls", all_estimators(), ids=lambda cls: cls.__name__)
def test_levels_are_few(cls):
    """The estimator counts as one; a mixin of any level begins a way of its own."""
    levels = [each for each in cls.__mro__ if not is_mixin(each)]
    mixins = {base for each in levels for base in bases_of(each) if is_mixin(base)}
    ways = [*chains(cls), *([cls, *chain] for each in mixins for chain in chains(each))]
    longest = max(ways, key=len)
    names = [each.__name__ for each in longest]
    assert len(names) <= MAX_LEVELS, " < ".join(names)
