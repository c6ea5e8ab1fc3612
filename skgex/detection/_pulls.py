"""Which rows pull a row towards its given label, and which away from it.

Two rows that the members treat as one and the same lose and win their labels together
if these agree, and in turns if they do not. How they do is read off the members: the
correlation of the log-odds of the two given labels. Sixteen members leave so much
chance in it that, among thousands of rows, some will correlate with any row; rows that
the ensemble predicts alike are believed more.

The mean product of loss deviations, which is the paper's influence, does not serve for
this: nearly every row that the net has memorised loses its label as the net moves, so
that the most memorised rows come first for each question.
"""

from typing import NamedTuple

import numpy as np

from skgex._ensemble.statistics import MAX_LOSS

# Losses below this are rounding errors of float32.
MIN_LOSS = 1e-6

# Pairs of rows that are held at once.
MAX_PAIRS = 2**22


class Pulls(NamedTuple):
    """The rows that pull hardest, hardest first.

    Attributes
    ----------
    rows : ndarray of shape (n_asked, n_rows), dtype=intp
        Positions; -1 where fewer rows pull that way.
    pulls : ndarray of shape (n_asked, n_rows), dtype=float64
        In nats; 0 where there is no row.
    """

    rows: np.ndarray
    pulls: np.ndarray


def log_odds(losses: np.ndarray) -> np.ndarray:
    """Return log p / (1 − p) of labels of the probability p = exp(−loss), in nats."""
    losses = np.clip(losses, MIN_LOSS, MAX_LOSS, dtype=np.float64)
    return -np.log(np.expm1(losses))


def hardest_pulls(
    losses: np.ndarray,
    probabilities: np.ndarray,
    codes: np.ndarray,
    asked: np.ndarray,
    n_rows: int,
    identity: np.ndarray | None = None,
) -> tuple[Pulls, Pulls]:
    """Find the rows that pull hardest for and against the given labels of some rows.

    The pull of z' on z is s(z) r(z, z') b(z, z'), in nats: s is the standard deviation
    over the members of the log-odds of z's given label, r their correlation with those
    of z', and b the cosine of the roots of the probabilities that the ensemble
    predicts for the two (Bhattacharyya's coefficient). So it says how far the log-odds
    of z's label rise with one standard deviation of those of z', discounted as the two
    rows differ. Rows of the same label that pull up are for it, rows of other labels
    that pull down are against it. A copy of z pulls with all of s, whatever r says.

    Parameters
    ----------
    losses : ndarray of shape (n_samples, n_members)
        Of the given labels, in nats.
    probabilities : ndarray of shape (n_samples, n_classes)
        Averaged over the members.
    codes : ndarray of shape (n_samples,), dtype=int
        The given labels.
    asked : ndarray of shape (n_asked,), dtype=int
        Positions of the rows that are pulled.
    n_rows : int
        How many rows to name each way.
    identity : ndarray of shape (n_samples,) or None
        Equal numbers for copies of a row; None where they are not known.

    Returns
    -------
    rows_for, rows_against : Pulls
        No row pulls itself.
    """
    moves, scale = _standardised(log_odds(losses))
    roots = _unit_rows(np.sqrt(np.clip(probabilities, 0.0, None, dtype=np.float64)))
    found = tuple(
        Pulls(np.full((len(asked), n_rows), -1), np.zeros((len(asked), n_rows)))
        for _ in range(2)
    )
    size = max(1, MAX_PAIRS // len(losses))
    for start in range(0, len(asked), size):
        block = slice(start, start + size)
        rows = asked[block]
        share = (moves[rows] @ moves.T) * (roots[rows] @ roots.T)
        same = codes[rows, None] == codes
        if identity is not None:
            copies = identity[rows, None] == identity
            share[copies] = np.where(same, 1.0, -1.0)[copies]
        share[np.arange(len(rows)), rows] = 0
        for pulls, way, sign in zip(found, (same, ~same), (1, -1), strict=True):
            best, shares = _largest(np.where(way, sign * share, 0), n_rows)
            pulls.rows[block, : best.shape[1]] = best
            pulls.pulls[block, : best.shape[1]] = sign * shares * scale[rows, None]
    return found


def _standardised(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows centred and of norm 1, and their standard deviations."""
    centred = values - values.mean(axis=1, keepdims=True)
    return _unit_rows(centred), centred.std(axis=1)


def _unit_rows(values: np.ndarray) -> np.ndarray:
    """Divide rows by their norm; those that are zero but for rounding become zero."""
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.where(norms > 1e-9, values / np.maximum(norms, 1e-9), 0.0)


def _largest(values: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's largest values in turn, and before them where they are.

    A value that is not positive counts as missing: its place is -1, it is 0.
    """
    n = min(n, values.shape[1])
    best = np.argpartition(-values, n - 1, axis=1)[:, :n]
    best.sort(axis=1)  # so that the first of equals comes first
    order = np.argsort(-np.take_along_axis(values, best, 1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    largest = np.take_along_axis(values, best, axis=1)
    missing = ~(largest > 0)
    return np.where(missing, -1, best), np.where(missing, 0.0, largest)
