"""New targets for flagged rows: functions on arrays.

Each takes codes of shape (n_samples,), a mask of the rows whose label is judged wrong
and class probabilities of shape (n_samples, n_classes), and returns targets of shape
(n_samples, n_classes), dtype float64. A row that is not flagged keeps its label: 1 for
its class, 0 elsewhere.
"""

import numpy as np


def hard_targets(
    codes: np.ndarray, noise_mask: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """Give flagged rows the most probable class.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,), dtype=int
        Given labels, as positions among the classes.
    noise_mask : ndarray of shape (n_samples,), dtype=bool
        True where the label is judged wrong.
    probabilities : ndarray of shape (n_samples, n_classes)
        Of each class.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes), dtype=float64
        One 1 a row.
    """
    n_classes = probabilities.shape[1]
    new = np.where(noise_mask, probabilities.argmax(axis=1), codes)
    return np.eye(n_classes)[new]


def probability_targets(
    codes: np.ndarray, noise_mask: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """Give flagged rows the probabilities themselves.

    Parameters
    ----------
    codes, noise_mask, probabilities
        As for :func:`hard_targets`.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes), dtype=float64
        Rows sum to 1.
    """
    new = np.asarray(probabilities, dtype=np.float64)
    new = new / new.sum(axis=1, keepdims=True)
    return np.where(noise_mask[:, None], new, np.eye(new.shape[1])[codes])


def influence_targets(
    codes: np.ndarray, noise_mask: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """Give flagged rows the targets of Kong, Shen and Huang (2022).

    The target of a row with the label k among K classes is 0 at k, and
    ln(1 − p_k) / ((K − 1) ln p_j) at j ≠ k. Its cross entropy to p is −ln(1 − p_k): all
    that it asks is to leave the class k. Rows need not sum to 1.

    Parameters
    ----------
    codes, noise_mask, probabilities
        As for :func:`hard_targets`.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes), dtype=float64
        Not negative.

    References
    ----------
    Kong, S., Shen, Y. and Huang, L. "Resolving training biases via influence-based
    data relabeling." ICLR 2022.
    """
    # Certain probabilities have no finite logarithm, or none but zero.
    tiny = np.finfo(np.float64).eps
    p = np.clip(np.asarray(probabilities, dtype=np.float64), tiny, 1 - tiny)
    rows, n_classes = np.arange(len(p)), p.shape[1]
    targets = np.log1p(-p[rows, codes])[:, None] / ((n_classes - 1) * np.log(p))
    targets[rows, codes] = 0
    return np.where(noise_mask[:, None], targets, np.eye(n_classes)[codes])


def weighted_rows(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn soft targets into weighted copies, for estimators that take classes only.

    Parameters
    ----------
    targets : ndarray of shape (n_samples, n_classes)
        Not negative.

    Returns
    -------
    rows : ndarray of shape (n_copies,), dtype=intp
        The row that each copy is of, in ascending order.
    codes : ndarray of shape (n_copies,), dtype=intp
        The copy's class.
    weights : ndarray of shape (n_copies,)
        The copy's weight: the target, above 0.
    """
    rows, codes = np.nonzero(targets > 0)
    return rows, codes, targets[rows, codes]


# What a flagged row's new target can be, by name.
TARGETS = {
    "hard": hard_targets,
    "probabilities": probability_targets,
    "influence": influence_targets,
}
