"""Cuts through a one-dimensional score: above is noise."""

import re

import numpy as np


def otsu(values: np.ndarray) -> float:
    """Return the cut of largest between-class variance, over all cuts there are.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Finite values.

    Returns
    -------
    cut : float
        Halfway between the two neighbouring values that it separates; the largest
        value where all values agree, so that nothing lies above.

    References
    ----------
    Otsu, N. "A threshold selection method from gray-level histograms." IEEE
    Transactions on Systems, Man, and Cybernetics 9 (1979), 62-66.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if ordered[0] == ordered[-1]:
        return float(ordered[-1])
    n_below = np.arange(1, len(ordered))
    n_above = len(ordered) - n_below
    # Centred, lest a large common offset swallow the differences.
    below = np.cumsum(ordered - ordered.mean())[:-1]
    variance = (below / n_below + below / n_above) ** 2 * n_below * n_above
    variance[np.diff(ordered) == 0] = -1.0
    best = variance.argmax()
    return _between(ordered[best], ordered[best + 1])


def parse_percentage(text: str) -> float | None:
    """Return the share that a text such as ``"10%"`` names; None for other texts."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?)\s*%", text.strip())
    return float(match[1]) / 100 if match and float(match[1]) <= 100 else None


def parse_precision(text: str) -> float | None:
    """Return the share that ``"precision 90%"`` names; None for other texts."""
    match = re.fullmatch(r"precision\s+(.+)", text.strip())
    return match and parse_percentage(match[1])


def threshold_of(scores: np.ndarray, rule: str | float) -> float:
    """Return the cut that a rule puts through scores.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Higher = more suspicious.
    rule : {"otsu", "otsu_raw"}, str such as "10%", or float
        Otsu's cut on the square root of the scores (counted from the least, should
        that be negative) or on the scores themselves; the cut that the named share of
        the samples exceeds; or the cut itself.

    Returns
    -------
    threshold : float
        On the scale of ``scores``. What is greater counts as noise.
    """
    if not isinstance(rule, str):
        return float(rule)
    if rule == "otsu":
        least = min(scores.min(), 0)
        return otsu(np.sqrt(scores - least)) ** 2 + least
    if rule == "otsu_raw":
        return otsu(scores)
    return cut_off(scores, parse_percentage(rule))


def cut_off(scores: np.ndarray, share: float) -> float:
    """Return the cut that a share of the scores exceeds, on their scale."""
    n_above = round(share * len(scores))
    ordered = np.sort(scores)[::-1]
    if n_above == 0:
        return float(ordered[0])
    if n_above == len(scores):
        return float(np.nextafter(ordered[-1], -np.inf))
    return _between(ordered[n_above], ordered[n_above - 1])


def _between(lower: float, upper: float) -> float:
    """Halfway, but always below ``upper``: neighbouring floats have no middle."""
    middle = lower + (upper - lower) / 2
    return float(middle if middle < upper else lower)
