"""Thresholds on a one-dimensional score: rows above them are flagged."""

import re

import numpy as np


def otsu(values: np.ndarray) -> float:
    """Return the cut of largest between-class variance, out of all possible cuts.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Finite values.

    Returns
    -------
    cut : float
        Halfway between the two neighbouring values that it separates. If all values
        are equal, that value, so that nothing lies above the cut.

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
    # Centred, so that a large common offset does not round the differences away.
    below = np.cumsum(ordered - ordered.mean())[:-1]
    variance = (below / n_below + below / n_above) ** 2 * n_below * n_above
    # No cut lies between equal values.
    variance[np.diff(ordered) == 0] = -1.0
    best = variance.argmax()
    return _between(ordered[best], ordered[best + 1])


def parse_percentage(text: str) -> float | None:
    """Return 0.1 for ``"10%"``; None for a text that is no percentage up to 100."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?)\s*%", text.strip())
    return float(match[1]) / 100 if match and float(match[1]) <= 100 else None


def parse_precision(text: str) -> float | None:
    """Return 0.9 for ``"precision 90%"``; None for a text of another form."""
    match = re.fullmatch(r"precision\s+(.+)", text.strip())
    return parse_percentage(match[1]) if match else None


def threshold_of(scores: np.ndarray, rule: str | float) -> float:
    """Return the threshold that a rule gives for some scores.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Higher = more suspicious.
    rule : {"otsu", "otsu_raw"}, str such as "10%", or float
        "otsu" is Otsu's cut on the square root of the scores, from which the least
        score is subtracted first if it is negative. "otsu_raw" is Otsu's cut on the
        scores themselves. "10%" is the threshold that this share of the samples
        exceeds. A float is the threshold itself.

    Returns
    -------
    threshold : float
        On the scale of ``scores``. Samples of a greater score are flagged.

    Raises
    ------
    ValueError
        If a text is neither a rule nor a percentage.
    """
    if not isinstance(rule, str):
        return float(rule)
    if rule == "otsu":
        least = min(scores.min(), 0)
        return otsu(np.sqrt(scores - least)) ** 2 + least
    if rule == "otsu_raw":
        return otsu(scores)
    share = parse_percentage(rule)
    if share is None:
        raise ValueError(f"threshold: must be a rule or a percentage, got {rule!r}.")
    return cut_off(scores, share)


def cut_off(scores: np.ndarray, share: float) -> float:
    """Return the cut that a share of the scores exceeds, on the scale of scores."""
    n_above = round(share * len(scores))
    ordered = np.sort(scores)[::-1]
    if n_above == 0:
        return float(ordered[0])
    if n_above == len(scores):
        return float(np.nextafter(ordered[-1], -np.inf))
    return _between(ordered[n_above], ordered[n_above - 1])


def _between(lower: float, upper: float) -> float:
    """Return the middle, but always below ``upper``.

    Between neighbouring floats there is no middle, and rounding could give ``upper``.
    """
    middle = lower + (upper - lower) / 2
    return float(middle if middle < upper else lower)
