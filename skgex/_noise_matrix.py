"""How often each class is labelled as each."""

import numpy as np


def noise_matrix(given: np.ndarray, true: np.ndarray, n_classes: int) -> np.ndarray:
    """Count how labels were given, class by class.

    Parameters
    ----------
    given : ndarray of shape (n_samples,), dtype=int
        Given labels, as positions among the classes.
    true : ndarray of shape (n_samples,), dtype=int
        True ones, or what is taken for them.
    n_classes : int

    Returns
    -------
    noise_matrix : ndarray of shape (n_classes, n_classes), dtype=float64
        P(given label = column | true label = row); rows sum to 1. That of a class
        without rows says that its labels are right.
    """
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (true, given), 1)
    empty = counts.sum(axis=1) == 0
    counts[empty] = np.eye(n_classes)[empty]
    return counts / counts.sum(axis=1, keepdims=True)
