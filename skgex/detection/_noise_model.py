"""How probable it is that a label is wrong, by its score and the scores of all."""

import numpy as np

from skgex.detection._threshold import cut_off, threshold_of

# How fast the odds rise with the score: as its third power. What this and the halving
# below give is held against true noise by benchmarks/calibration.py.
STEEPNESS = 3

# Up to this rate of noise no larger a share of rows can be even odds. Most sets
# without noise are below, all with 10 % of it above (benchmarks/false_alarms.py).
RARE = 0.02


def otsu_unless_rare(scores: np.ndarray, held_out_rate: float) -> float:
    """Return Otsu's cut on the root of scores, or where noise is rare a higher one.

    Otsu cuts every data set in two, one without noise as well.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Higher = more suspicious.
    held_out_rate : float
        Estimate of the share of noise by held-out samples; 1 where there is none.

    Returns
    -------
    cut : float
        On the scale of ``scores``.
    """
    cut = threshold_of(scores, "otsu")
    return max(cut, cut_off(scores, held_out_rate)) if held_out_rate <= RARE else cut


def noise_probability(
    scores: np.ndarray, even_odds: float, preferred: np.ndarray
) -> np.ndarray:
    """Return the probability that each label is wrong.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Relative losses, at least 0.
    even_odds : float
        The score at which a label is as probably wrong as right.
    preferred : ndarray of shape (n_samples,), dtype=bool
        Labels that the ensemble prefers to all others. Theirs is half the probability.

    Returns
    -------
    noise_proba : ndarray of shape (n_samples,), dtype=float64
        In [0, 1].
    """
    odds = np.maximum(scores, 0.0) ** STEEPNESS
    even = max(even_odds, np.finfo(float).eps) ** STEEPNESS
    return odds / (odds + even) * np.where(preferred, 0.5, 1.0)


def cut_of_precision(
    scores: np.ndarray, noise_proba: np.ndarray, precision: float
) -> float:
    """Return the lowest cut above which labels are wrong to a wanted share.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Of the rows that may be flagged; higher = more suspicious.
    noise_proba : ndarray of shape (n_samples,)
        Their probabilities of being wrong.
    precision : float
        The expected share of wrong labels among those above the cut, in (0, 1].

    Returns
    -------
    cut : float
        On the scale of ``scores``; infinite where no row is sure enough.
    """
    order = np.argsort(-scores, kind="stable")
    reached = np.cumsum(noise_proba[order]) / np.arange(1, len(scores) + 1)
    enough = np.flatnonzero(reached >= precision)
    if not len(enough):
        return np.inf
    return cut_off(scores, (enough[-1] + 1) / len(scores))


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
