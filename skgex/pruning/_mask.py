"""The choice of the rows to prune: those of the lowest scores."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length

from skgex._data.label_checks import check_labels
from skgex.metrics import check_scores, one_column


def prune_mask(
    scores: Any, prune: float | int, labels: Any = None, class_balance: float = 0.0
) -> np.ndarray:
    """Mark the rows of the lowest scores as prunable.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        How much each row is needed, such as its self-influence. Of rows with equal
        scores, the first ones are pruned first.
    prune : float in [0, 1) or int in [0, n_samples)
        Share of the rows to prune, rounded to whole rows, or their number.
    labels : array-like of shape (n_samples,), default=None
        Class of each row. Needed if ``class_balance`` is above 0.
    class_balance : float in [0, 1], default=0.0
        This part of the pruned rows is taken evenly from the classes, as far as each
        class has rows. The others are the rows of the lowest scores among all that are
        left.

    Returns
    -------
    mask : ndarray of shape (n_samples,), dtype=bool
        True where a row can be pruned.

    Raises
    ------
    ValueError
        If a parameter is out of range, a score is NaN, or ``labels`` are needed and
        missing.

    Examples
    --------
    >>> from skgex.pruning import prune_mask
    >>> prune_mask([0.3, 0.1, 0.2, 0.4], 0.5)
    array([False,  True,  True, False])
    """
    scores = check_scores(scores, infinite=True)
    n_pruned = _n_pruned(prune, len(scores))
    if not isinstance(class_balance, Real) or not 0 <= class_balance <= 1:
        raise ValueError(f"class_balance: must lie in [0, 1], got {class_balance!r}.")
    rank = np.empty(len(scores), dtype=np.intp)
    rank[np.argsort(scores, kind="stable")] = np.arange(len(scores))
    mask = np.zeros(len(scores), dtype=bool)
    n_even = round(class_balance * n_pruned)
    if n_even:
        if labels is None:
            raise ValueError("labels: needed where class_balance is above 0.")
        check_consistent_length(scores, labels)
        labels = one_column(check_labels(labels, "labels"), "labels")
        codes = np.unique(labels, return_inverse=True)[1]
        sizes = np.bincount(codes)
        for code, quota in enumerate(even_quotas(sizes, n_even)):
            rows = np.flatnonzero(codes == code)
            mask[rows[np.argsort(rank[rows])[:quota]]] = True
    left = np.flatnonzero(~mask)
    mask[left[np.argsort(rank[left])[: n_pruned - mask.sum()]]] = True
    return mask


def even_quotas(sizes: np.ndarray, total: int) -> np.ndarray:
    """Divide ``total`` rows among the classes as evenly as their sizes allow.

    A class that is too small gives all its rows, and the others make up for it. Rows
    that do not divide evenly are taken from the first classes.

    Parameters
    ----------
    sizes : ndarray of shape (n_classes,), dtype=int
        Number of rows of each class; their sum is at least ``total``.
    total : int
        Number of rows to take.

    Returns
    -------
    quotas : ndarray of shape (n_classes,), dtype=intp
        Number of rows to take from each class.
    """
    quotas = np.zeros(len(sizes), dtype=np.intp)
    while (missing := total - quotas.sum()) > 0:
        able = np.flatnonzero(quotas < sizes)
        from_each = missing // len(able)
        if from_each == 0:
            quotas[able[:missing]] += 1
        else:
            quotas[able] = np.minimum(quotas[able] + from_each, sizes[able])
    return quotas


def _n_pruned(prune: float | int, n_samples: int) -> int:
    """Return the number of rows to prune, so that at least one row is left."""
    if isinstance(prune, Integral) and not isinstance(prune, bool):
        if 0 <= prune < n_samples:
            return int(prune)
        raise ValueError(
            f"prune: must be a share in [0, 1) or a number of rows below {n_samples}, "
            f"got {prune!r}."
        )
    if not isinstance(prune, Real) or not 0 <= prune < 1:
        raise ValueError(f"prune: a share must lie in [0, 1), got {prune!r}.")
    return min(round(prune * n_samples), n_samples - 1)
