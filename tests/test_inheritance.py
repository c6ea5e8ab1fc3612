"""An estimator can be understood without a climb through many classes."""

import pytest
from all_estimators import all_estimators

MAX_LEVELS = 3


def chains(cls):
    """Yield each way up from a class, through classes of skgex alone."""
    ours = [base for base in cls.__bases__ if base.__module__.startswith("skgex.")]
    for base in ours:
        yield from ([cls, *chain] for chain in chains(base))
    if not ours:
        yield [cls]


@pytest.mark.parametrize("cls", all_estimators(), ids=lambda cls: cls.__name__)
def test_levels_are_few(cls):
    """The estimator counts as one; a mixin begins a way of its own."""
    longest = max(chains(cls), key=len)
    names = [each.__name__ for each in longest]
    assert len(names) <= MAX_LEVELS, " < ".join(names)
