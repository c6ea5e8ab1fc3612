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
    best = _best_cut(ordered)
    return float(ordered[-1]) if best is None else _between(*ordered[best : best + 2])


def otsu_of_roots(scores: np.ndarray) -> float:
    """Return Otsu's cut on the square root of scores, on the scale of the scores.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Finite. The least score is subtracted before the root if it is negative.

    Returns
    -------
    cut : float
        The square of Otsu's cut on the roots. If rounding moves the square out of the
        gap that it lies in, halfway between the two scores that it separates. If all
        roots are equal, the greatest score, so that nothing lies above the cut.
    """
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    # Scaled by a power of four, whose root rounds nothing, so that nothing overflows.
    exponent = 2 + _exponent(ordered) // 2 * 2
    scaled = np.ldexp(ordered, -exponent)
    least = min(scaled[0], 0.0)
    roots = np.sqrt(scaled - least)
    best = _best_cut(roots)
    if best is None:
        return float(ordered[-1])
    square = _between(*roots[best : best + 2]) ** 2
    cut = np.ldexp(square + least, exponent)
    lower, upper = ordered[best : best + 2]
    return float(cut) if lower <= cut < upper else _between(lower, upper)


def _best_cut(ordered: np.ndarray) -> int | None:
    """Return after which sorted value Otsu cuts; None if all values are equal."""
    cuts = np.flatnonzero(ordered[:-1] < ordered[1:])
    if not len(cuts):
        return None
    n_below = np.arange(1, len(ordered))
    n_above = len(ordered) - n_below
    # Scaled by a power of two, which rounds nothing, so that no square overflows or
    # vanishes; and centred, so that no large offset rounds the differences away.
    scaled = np.ldexp(ordered, -_exponent(ordered))
    below = np.cumsum(scaled - scaled.mean())[:-1]
    variance = (below / n_below + below / n_above) ** 2 * n_below * n_above
    return int(cuts[variance[cuts].argmax()])


def _exponent(values: np.ndarray) -> int:
    """Return the least power of two that no value exceeds."""
    return int(np.frexp(np.abs(values).max())[1])


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
        Finite, higher = more suspicious. Equal scores are never told apart.
    rule : {"otsu", "otsu_raw"}, str such as "10%", or float
        "otsu" is Otsu's cut on the square root of the scores, from which the least
        score is subtracted first if it is negative. "otsu_raw" is Otsu's cut on the
        scores themselves. "10%" is the threshold that this share of the samples
        exceeds, or fewer where scores are equal. A float is the threshold itself.

    Returns
    -------
    threshold : float
        On the scale of ``scores``. Samples of a greater score are flagged. If all
        scores are equal, there are none by either of Otsu's rules.

    Raises
    ------
    ValueError
        If a text is neither a rule nor a percentage, or a score is not finite.
    """
    if not np.isfinite(scores).all():
        raise ValueError(
            f"scores: must be finite, got {(~np.isfinite(scores)).sum()} of "
            f"{len(scores)} that are not."
        )
    if not isinstance(rule, str):
        return float(rule)
    if rule == "otsu":
        return otsu_of_roots(scores)
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
    lower, upper = float(lower), float(upper)
    middle = lower + (upper - lower) / 2
    return middle if middle < upper else lower
