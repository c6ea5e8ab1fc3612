"""New targets for rows flagged as wrong: functions on arrays.

Each function takes the given labels as codes of shape (n_samples,), a mask of the rows
whose label is flagged as wrong, and class probabilities of shape
(n_samples, n_classes). It returns targets of shape (n_samples, n_classes), dtype
float64. A row that is not flagged keeps its label: 1 for its class, 0 elsewhere.
"""

import numpy as np


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
    """
    n_classes = probabilities.shape[1]
    new = np.where(noise_mask, probabilities.argmax(axis=1), codes)
    return np.eye(n_classes)[new]


def probability_targets(
    codes: np.ndarray, noise_mask: np.ndarray, probabilities: np.ndarray
) -> np.ndarray:
    """Give each flagged row its class probabilities as a soft target.

    Parameters
    ----------
    codes, noise_mask, probabilities
        As for :func:`hard_targets`.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes), dtype=float64
        Each row sums to 1.
    """
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
    codes, noise_mask, probabilities
        As for :func:`hard_targets`.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_classes), dtype=float64
        Each at least 0.

    References
    ----------
    Kong, S., Shen, Y. and Huang, L. "Resolving training biases via influence-based
    data relabeling." ICLR 2022.
    """
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
    """
    rows, codes = np.nonzero(targets > 0)
    return rows, codes, targets[rows, codes]


# The kinds of new targets, by the name that ``relabel`` takes.
TARGETS = {
    "hard": hard_targets,
    "probabilities": probability_targets,
    "influence": influence_targets,
}
