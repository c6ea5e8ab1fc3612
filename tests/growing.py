"""Growth of an ensemble in one call, as most tests want it."""

from skgex._data.records import take
from skgex._ensemble.growth import Growth
from skgex._ensemble.member import Plan, grow_member


def grow(trained, X, y, tuning, seeds, *, n_members=None, **settings):
    """Grow one member per seed; return the ensemble and its evaluation."""
    growth = Growth(trained, X, y, tuning, seeds, **settings)
    grown = growth.grow(len(seeds) if n_members is None else n_members)
    growth.retain(len(seeds) if n_members is None else n_members)
    return grown


def grow_one(trained, X, y, seen, scored, tuning, seed, **settings):
    """Grow a single member on some rows, and evaluate some."""
    plan, rows = Plan(seen, seed), take(X, y, scored)
    return grow_member(trained, X, y, tuning, plan, rows, **settings)
