"""The rows to prune by a score: the lowest go, in part evenly from the classes."""

from numbers import Integral

import numpy as np


def prune_mask(
    scores: np.ndarray,
    prune: float | int,
    labels: np.ndarray | None = None,
    class_balance: float = 0.0,
) -> np.ndarray:
    """Say which rows to prune: those of the lowest scores.

    Of equal scores the earlier row goes first, so that answers can be repeated.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        One score a row, higher = more worth keeping.
    prune : float or int
        What to prune: a share of the rows in [0, 1), or a number of rows.
    labels : array-like of shape (n_samples,), default=None
        Class labels; needed where ``class_balance`` is above 0.
    class_balance : float, default=0.0
        The part of the pruned rows, in [0, 1], that is taken evenly from the classes
        (from one with fewer rows than its due, all that it has); the rest goes by
        score over all.

    Returns
    -------
    mask : ndarray of shape (n_samples,), dtype=bool
        True = pruned.

    Raises
    ------
    ValueError
        If ``prune`` or ``class_balance`` is out of range, or labels are missing.
    """
    scores = np.asarray(scores)
    n_pruned = count_pruned(prune, len(scores))
    if not 0 <= class_balance <= 1:
        raise ValueError(f"class_balance: must be in [0, 1], got {class_balance!r}.")
    order = np.argsort(scores, kind="stable")
    mask = np.zeros(len(scores), dtype=bool)
    if class_balance > 0:
        if labels is None:
            raise ValueError("labels: class_balance needs them, got None.")
        n_balanced = round(class_balance * n_pruned)
        mask[_evenly(order, np.asarray(labels), n_balanced)] = True
    rest = order[~mask[order]]
    mask[rest[: n_pruned - mask.sum()]] = True
    return mask


def count_pruned(prune: float | int, n_samples: int) -> int:
    """Return the number of rows that a share or a number means.

    Parameters
    ----------
    prune : float or int
        A share in [0, 1), or a number of rows below n_samples.
    n_samples : int
        The number of rows there are.

    Returns
    -------
    n_pruned : int
        A number of rows below n_samples.
    """
    if isinstance(prune, Integral):
        if not 0 <= prune < n_samples:
            raise ValueError(
                f"prune: a number of rows must be in [0, {n_samples}), as there are "
                f"{n_samples}; got {prune}."
            )
        return int(prune)
    if not 0 <= prune < 1:
        raise ValueError(f"prune: a share must be in [0, 1), got {prune!r}.")
    return min(round(prune * n_samples), n_samples - 1)


def _evenly(order: np.ndarray, labels: np.ndarray, n: int) -> np.ndarray:
    """Return the first n rows of an order when classes take turns.

    The first row of every class comes first, then the second of every class, and so
    on; within a turn the order itself decides.
    """
    codes = np.unique(labels, return_inverse=True)[1].ravel()[order]
    by_class = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[by_class], np.arange(codes.max() + 1))
    turn = np.empty(len(order), dtype=np.intp)
    turn[by_class] = np.arange(len(order)) - starts[codes[by_class]]
    return order[np.argsort(turn, kind="stable")[:n]]
