"""Which rows pull a row towards its given label, and which away from it.

Take two rows that the net treats alike. If their labels agree, members that give one
label a high probability give the other one a high probability, too. If their labels
differ, a high probability of one goes with a low probability of the other. This is
measured by the correlation, over the members, of the log-odds of the two given labels.

With eight members such a correlation is uncertain: among thousands of rows, some
correlate with any given row by chance. So it is multiplied by a power of how similar
the ensemble's predictions for the two rows are.

The paper's influence, the mean product of loss deviations, cannot be used for this.
Nearly every row that the net has memorised loses its label as the net moves, so that
the same rows, the most memorised ones, would come first for every row.
"""

from typing import NamedTuple

import numpy as np

from skgex._ensemble.statistics import MAX_LOSS

# Losses below this are rounding errors of float32, but their log-odds would be large.
MIN_LOSS = 1e-6

# The power of the similarity of predictions: what it names is held against the truth by
# benchmarks/explanations.py.
POWER = 4

# Pairs of rows that are compared at once; a float64 array of them takes 32 MiB.
MAX_PAIRS = 2**22


class Pulls(NamedTuple):
    """The rows that pull hardest, hardest first.

    Attributes
    ----------
    rows : ndarray of shape (n_queried, n_neighbors), dtype=intp
        Positions of the rows; -1 where fewer rows pull that way.
    pulls : ndarray of shape (n_queried, n_neighbors), dtype=float64
        Their pulls in nats; 0 where there is no row.
    """

    rows: np.ndarray
    pulls: np.ndarray


def log_odds(losses: np.ndarray) -> np.ndarray:
    """Return log(p / (1 − p)) of labels of the probability p = exp(−loss), in nats."""
    losses = np.clip(losses, MIN_LOSS, MAX_LOSS, dtype=np.float64)
    return -np.log(np.expm1(losses))


def hardest_pulls(
    losses: np.ndarray,
    probabilities: np.ndarray,
    codes: np.ndarray,
    queried: np.ndarray,
    n_neighbors: int,
    identity: np.ndarray | None = None,
    n_starts: int = 1,
) -> tuple[Pulls, Pulls]:
    """Find the rows that pull hardest for and against the given labels of some rows.

    The pull of z' on z is s(z) r(z, z') b(z, z')⁴, in nats:

    - s is the standard deviation, over the members, of the log-odds of z's given label;
    - r is the correlation of these log-odds with those of the given label of z', both
      as they differ from their mean over the members from the same start;
    - b is the cosine of the square roots of the class probabilities that the ensemble
      predicts for z and z' (Bhattacharyya's coefficient, 1 for equal predictions).

    So s r is how far the log-odds of z's label rise if those of z' rise by one standard
    deviation, and b⁴ lowers it as the two predictions differ. Rows with the same label
    and a positive pull are for it. Rows with another label and a negative pull are
    against it. For a copy of z, r b⁴ is taken as 1, or -1 if its label is another.

    Parameters
    ----------
    losses : ndarray of shape (n_samples, n_members)
        Losses of the given labels, in nats.
    probabilities : ndarray of shape (n_samples, n_classes)
        Class probabilities, averaged over the members.
    codes : ndarray of shape (n_samples,), dtype=int
        The given labels, as positions among the classes.
    queried : ndarray of shape (n_queried,), dtype=int
        Positions of the rows whose labels are explained.
    n_neighbors : int
        How many rows to find for, and how many against, each label.
    identity : ndarray of shape (n_samples,) or None
        Equal numbers for copies of a row; None if copies are not known.
    n_starts : int, default=1
        From how many nets members start in turn. What differs between these nets says
        nothing of the pull of one row on another.

    Returns
    -------
    rows_for, rows_against : Pulls
        The queried row itself is never among them.
    """
    moves, scale = _standardised(log_odds(losses), n_starts)
    roots = _unit_rows(np.sqrt(np.clip(probabilities, 0.0, None, dtype=np.float64)))
    shape = len(queried), n_neighbors
    rows_for = Pulls(np.full(shape, -1), np.zeros(shape))
    rows_against = Pulls(np.full(shape, -1), np.zeros(shape))
    size = max(1, MAX_PAIRS // len(losses))
    for start in range(0, len(queried), size):
        block = slice(start, start + size)
        rows = queried[block]
        # r times b⁴, in [-1, 1], for each pair of a queried row and any row.
        related = (moves[rows] @ moves.T) * (roots[rows] @ roots.T) ** POWER
        same = codes[rows, None] == codes
        if identity is not None:
            copies = identity[rows, None] == identity
            related[copies] = np.where(same, 1.0, -1.0)[copies]
        related[np.arange(len(rows)), rows] = 0
        for pulls, labels, sign in ((rows_for, same, 1), (rows_against, ~same, -1)):
            best, values = _largest(np.where(labels, sign * related, 0), n_neighbors)
            pulls.rows[block, : best.shape[1]] = best
            pulls.pulls[block, : best.shape[1]] = sign * values * scale[rows, None]
    return rows_for, rows_against


def _standardised(values: np.ndarray, n_starts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows centred and of norm 1, and their standard deviations before."""
    centred = np.empty_like(values)
    for start in range(n_starts):
        members = values[:, start::n_starts]
        centred[:, start::n_starts] = members - members.mean(axis=1, keepdims=True)
    return _unit_rows(centred), centred.std(axis=1)


def _unit_rows(values: np.ndarray) -> np.ndarray:
    """Divide rows by their norm; rows that are zero up to rounding become zero."""
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.where(norms > 1e-9, values / np.maximum(norms, 1e-9), 0.0)


def _largest(values: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of each row's n largest values, and these values, in order.

    A value that is not positive counts as missing: its position is -1 and it is 0.
    """
    n = min(n, values.shape[1])
    best = np.argpartition(-values, n - 1, axis=1)[:, :n]
    best.sort(axis=1)  # so that the first of equals comes first
    order = np.argsort(-np.take_along_axis(values, best, 1), axis=1, kind="stable")
    best = np.take_along_axis(best, order, axis=1)
    largest = np.take_along_axis(values, best, axis=1)
    missing = ~(largest > 0)
    return np.where(missing, -1, best), np.where(missing, 0.0, largest)
