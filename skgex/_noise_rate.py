"""How many labels are wrong, by held-out samples."""

import numpy as np

# The part of the held-out samples that is looked at: those that a net is surest of.
SURE = 0.5


def noise_rate(codes: np.ndarray, probabilities: np.ndarray) -> float:
    """Estimate the share of wrong labels among samples that no net was trained on.

    Where a net is sure of a sample and its label disagrees, the sample is seldom hard
    and the label mostly wrong. The share of such labels is that of all wrong ones if
    these fall on sure and unsure samples alike; it is too low if hard samples have
    more of them.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,), dtype=int
        Given labels, as positions among the classes.
    probabilities : ndarray of shape (n_samples, n_classes)
        Of each class.

    Returns
    -------
    noise_rate : float
        In [0, 1].
    """
    surest = np.argsort(-probabilities.max(axis=1), kind="stable")
    sure = surest[: max(1, round(SURE * len(codes)))]
    return float(np.mean(probabilities[sure].argmax(axis=1) != codes[sure]))
