"""The guards, against numbers that are computed without them."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import norm

from skgex.cleaning._guards import (
    NORMAL_VARIANCE_SHARE,
    Limits,
    decide,
    separates,
)
from skgex.exceptions import SparedRowsWarning


def explained_by_best_cut(values):
    """The largest share of the variance that a cut explains, over all cuts."""
    values = np.sort(values)
    shares = []
    for n_below in range(1, len(values)):
        below, above = values[:n_below], values[n_below:]
        within = below.var() * len(below) + above.var() * len(above)
        shares.append(1 - within / (values.var() * len(values)))
    return max(shares)


def two_groups(explained, n_flagged=50, n_others=200):
    """Scores and flags, of whose roots the flags explain this share of the variance."""
    flags = np.repeat([True, False], [n_flagged, n_others])
    share, distance = flags.mean(), 1.0
    between = share * (1 - share) * distance**2
    deviation = np.sqrt(between * (1 / explained - 1))
    offsets = np.where(np.arange(len(flags)) % 2, deviation, -deviation)
    return (10 + distance * flags + offsets) ** 2, flags


def detector_of(scores, flags):
    return SimpleNamespace(
        scores_=scores, noise_mask_=flags, get_support=lambda: ~flags
    )


def test_the_bound_is_what_the_best_cut_explains_of_a_normal_distribution():
    n = 2000
    quantiles = norm.ppf((np.arange(n) + 0.5) / n)
    assert (
        pytest.approx(explained_by_best_cut(quantiles), rel=0.002)
        == NORMAL_VARIANCE_SHARE
    )


@pytest.mark.parametrize(("explained", "acts"), [(0.6, False), (0.67, True)])
def test_rows_are_acted_on_only_if_their_scores_stand_apart(explained, acts):
    """The normal's share is 0.637; a bound of 10% more or less fails either case."""
    scores, flags = two_groups(explained)
    y = np.arange(len(flags)) % 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        decision = decide(detector_of(scores, flags), y, Limits(1, 1.0))
    np.testing.assert_array_equal(decision.flagged, flags)
    np.testing.assert_array_equal(decision.acted, flags & acts)
    assert decision.separated is acts
    assert [w.category for w in caught] == ([] if acts else [SparedRowsWarning])


@pytest.mark.parametrize("flags", [np.zeros(4, dtype=bool), np.ones(4, dtype=bool)])
def test_nothing_stands_apart_where_all_rows_are_flagged_or_none(flags):
    assert not separates(np.array([0.0, 1.0, 2.0, 9.0]), flags)


def test_negative_scores_are_counted_from_the_least():
    scores, flags = two_groups(0.9)
    assert separates(scores - scores.min() - 1, flags)
