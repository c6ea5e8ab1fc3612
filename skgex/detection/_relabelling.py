"""New targets for rows flagged as wrong: functions on arrays.

Each function takes the given labels as codes of shape (n_samples,), a mask of the rows
whose label is flagged as wrong, and class probabilities of shape
(n_samples, n_classes). It returns targets of shape (n_samples, n_classes), dtype
float64. A row that is not flagged keeps its label: 1 for its class, 0 elsewhere.
"""

from typing import Any

import numpy as np

from skgex.metrics import check_mask

# By how much rounding may lift a probability above 1.
TOLERANCE = 1e-3


def hard_targets(
    codes: np.ndarray, noise_mask: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """Give each flagged row its most probable class.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,), dtype=int
        Given labels, as positions among the classes.
    noise_mask : ndarray of shape (n_samples,), dtype=bool
        True where the label is flagged as wrong.
    probabilities : ndarray of shape (n_samples, n_classes)
        Probability of each class, such as a net or an ensemble predicts.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes), dtype=float64
        A single 1 per row, 0 elsewhere.

    Raises
    ------
    ValueError
        If codes are not among 0, 1, ..., n_classes - 1, the mask holds anything but
        True and False, a probability lies outside [0, 1], or shapes do not agree.
    """
    codes, noise_mask, probabilities = _checked(codes, noise_mask, probabilities)
    n_classes = probabilities.shape[1]
    new = np.where(noise_mask, probabilities.argmax(axis=1), codes)
    return np.eye(n_classes)[new]


def probability_targets(
    codes: np.ndarray, noise_mask: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """Give each flagged row its class probabilities as a soft target.

    Parameters
    ----------
    codes, noise_mask, probabilities : array-like of shape (n_samples, ...)
        As for :func:`hard_targets`.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes), dtype=float64
        Each row sums to 1.

    Raises
    ------
    ValueError
        As by :func:`hard_targets`.
    """
    codes, noise_mask, probabilities = _checked(codes, noise_mask, probabilities)
    new = np.asarray(probabilities, dtype=np.float64)
    new = new / new.sum(axis=1, keepdims=True)
    return np.where(noise_mask[:, None], new, np.eye(new.shape[1])[codes])


def influence_targets(
    codes: np.ndarray, noise_mask: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """Give each flagged row the target of Kong, Shen and Huang (2022).

    For a row with the label k among K classes, whose class probabilities are p, the
    target is 0 at k, and ln(1 − p_k) / ((K − 1) ln p_j) at each j ≠ k. Its cross
    entropy with p is −ln(1 − p_k): it asks a net to leave the class k, whichever other
    class it prefers. Rows need not sum to 1.

    Parameters
    ----------
    codes, noise_mask, probabilities : array-like of shape (n_samples, ...)
        As for :func:`hard_targets`.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes), dtype=float64
        Each at least 0.

    Raises
    ------
    ValueError
        As by :func:`hard_targets`.

    References
    ----------
    Kong, S., Shen, Y. and Huang, L. "Resolving training biases via influence-based
    data relabeling." ICLR 2022.
    """
    codes, noise_mask, probabilities = _checked(codes, noise_mask, probabilities)
    # The logarithm of a probability of 0 is infinite, and that of 1 is 0, by which the
    # target would be divided.
    tiny = np.finfo(np.float64).eps
    p = np.clip(np.asarray(probabilities, dtype=np.float64), tiny, 1 - tiny)
    rows, n_classes = np.arange(len(p)), p.shape[1]
    targets = np.log1p(-p[rows, codes])[:, None] / ((n_classes - 1) * np.log(p))
    targets[rows, codes] = 0
    return np.where(noise_mask[:, None], targets, np.eye(n_classes)[codes])


def weighted_rows(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn soft targets into weighted copies of rows.

    This is for estimators that take class labels and ``sample_weight``, but no soft
    targets. A row becomes one copy for each class whose target is above 0.

    Parameters
    ----------
    targets : ndarray of shape (n_samples, n_classes)
        Soft targets, each at least 0.

    Returns
    -------
    rows : ndarray of shape (n_copies,), dtype=intp
        Position of the row that each copy is made of, in ascending order.
    codes : ndarray of shape (n_copies,), dtype=intp
        Class of each copy.
    weights : ndarray of shape (n_copies,)
        Weight of each copy: the target of its class.

    Raises
    ------
    ValueError
        If a target is negative or not finite, or there is no column per class.
    """
    targets = _table(targets, "targets")
    if (targets < 0).any():
        raise ValueError(f"targets: must be at least 0, got {targets.min()}.")
    rows, codes = np.nonzero(targets > 0)
    return rows, codes, targets[rows, codes]


def _checked(
    codes: Any, noise_mask: Any, probabilities: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the arguments as arrays, or raise a ValueError that names one."""
    probabilities = _table(probabilities, "probabilities")
    n_rows, n_classes = probabilities.shape
    if (probabilities < 0).any() or (probabilities > 1 + TOLERANCE).any():
        raise ValueError(
            "probabilities: must lie in [0, 1], got values from "
            f"{probabilities.min()} to {probabilities.max()}."
        )
    if not probabilities.any(axis=1).all():
        row = (~probabilities.any(axis=1)).argmax()
        raise ValueError(f"probabilities: those of row {row} are all 0.")
    given, noise_mask = np.asarray(codes), check_mask(noise_mask, "noise_mask")
    for name, array in (("codes", given), ("noise_mask", noise_mask)):
        if array.shape != (n_rows,):
            raise ValueError(
                f"{name}: must have shape ({n_rows},), as probabilities have rows; "
                f"got {array.shape}."
            )
    if given.dtype.kind not in "iu":
        raise ValueError(
            f"codes: must be integers, positions among the classes; got {given.dtype}."
        )
    if n_rows and (given.min() < 0 or given.max() >= n_classes):
        raise ValueError(
            f"codes: must be positions among {n_classes} classes, 0 to "
            f"{n_classes - 1}; got {given.min()} to {given.max()}."
        )
    return given, noise_mask, probabilities


def _table(values: Any, name: str) -> np.ndarray:
    """Return finite numbers of shape (n_samples, n_classes), or raise a ValueError."""
    try:
        table = np.asarray(values)
    except ValueError as error:  # rows of several lengths
        raise ValueError(f"{name}: must be a table of numbers; {error}") from error
    if table.dtype.kind not in "biuf" or table.ndim != 2 or not table.shape[1]:
        raise ValueError(
            f"{name}: must be numbers of shape (n_samples, n_classes), got "
            f"{table.dtype} of shape {table.shape}."
        )
    if not np.isfinite(table).all():
        row = (~np.isfinite(table).all(axis=1)).argmax()
        raise ValueError(f"{name}: must be finite; those of row {row} are not.")
    return table


# The kinds of new targets, by the name that ``relabel`` takes.
TARGETS = {
    "hard": hard_targets,
    "probabilities": probability_targets,
    "influence": influence_targets,
}
