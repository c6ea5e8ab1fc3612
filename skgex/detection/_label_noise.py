"""How many class labels are wrong, and how probably each: from losses to odds."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from skgex.detection._held_out import HeldOutLabels, clean_probability
from skgex.detection._noise_rate import NoiseRate, estimate_noise_rate
from skgex.detection._noise_structure import other_classes
from skgex.detection._threshold import cut_off, threshold_of

# On which rows wrong labels are assumed to fall: on all of a class alike, or more often
# on rows that are hard to learn.
CLASS_CONDITIONAL = "class_conditional"
INSTANCE_DEPENDENT = "instance_dependent"

# Where the net predicts this share of held-out labels, classes hardly overlap. Then a
# label that it contradicts is probably wrong, whatever is assumed.
CLEAR = 0.95

# How fast the odds rise with the relative loss: as this power of it. What this and the
# halving below give is held against true noise by benchmarks/calibration.py.
STEEPNESS = 3.0

# A precision is promised of the surest rows alone. Where classes overlap, even these
# may be right, so that odds are taken to rise more slowly.
CAUTIOUS_STEEPNESS = 2.0

# Even odds are looked for among relative losses whose logarithm is at most this.
FAR = 50.0


@dataclass(frozen=True)
class Noise:
    """How many class labels are wrong, and from which relative loss on.

    Attributes
    ----------
    assumption : str
        On which rows wrong labels are assumed to fall.
    even_odds : float
        The relative loss at which a label is as probably wrong as right.
    rate : NoiseRate
        The share of wrong labels.
    own_rate : float
        The share of wrong labels by the ensemble alone, those of hard rows included.
    predictable : bool
        Whether the net predicts held-out labels better than guessing does.
    """

    assumption: str
    even_odds: float
    rate: NoiseRate
    own_rate: float
    predictable: bool

    def probabilities(self, relative: np.ndarray, preferred: np.ndarray) -> np.ndarray:
        """Return the probability that each label is wrong, (n_samples,)."""
        return noise_probability(relative, self.even_odds, preferred)

    def cautious_probabilities(
        self, relative: np.ndarray, preferred: np.ndarray
    ) -> np.ndarray:
        """Return probabilities of the same mean for fitted rows, but less sure ones."""
        rows, steepness = (relative, preferred), CAUTIOUS_STEEPNESS
        odds = even_odds_at(self.rate.mean, *rows, steepness)
        return noise_probability(relative, odds, preferred, steepness)


def judge_noise(
    relative: np.ndarray,
    preferred: np.ndarray,
    codes: np.ndarray,
    flow: np.ndarray,
    noise_type: str,
    held_out: HeldOutLabels | None,
) -> Noise:
    """Estimate how many class labels are wrong, under one of two assumptions.

    Parameters
    ----------
    relative : ndarray of shape (n_samples,)
        Mean relative losses of the fitted rows.
    preferred : ndarray of shape (n_samples,), dtype=bool
        Labels that the ensemble prefers to all others.
    codes : ndarray of shape (n_samples,), dtype=int
        Given labels.
    flow : ndarray of shape (n_classes, n_classes)
        Which labels wrong ones are, as for ``estimate_noise_rate``.
    noise_type : str
        "auto" or one of the assumptions.
    held_out : HeldOutLabels or None

    Returns
    -------
    noise : Noise
    """
    own_odds = own_even_odds(relative, preferred, held_out)
    own = noise_probability(relative, own_odds, preferred)
    own_rate = float(own.mean())
    frequencies = np.bincount(codes, minlength=len(flow)) / len(codes)
    predictable = held_out is None or held_out.predictable(frequencies)
    if resolve(noise_type, held_out, len(flow)) == INSTANCE_DEPENDENT:
        rate = NoiseRate(own_rate, float(np.sqrt((own * (1 - own)).sum())) / len(own))
        return Noise(INSTANCE_DEPENDENT, own_odds, rate, own_rate, predictable)
    assert held_out is not None  # the other assumption needs it
    if not predictable:  # then no label can be judged
        nothing = NoiseRate(0.0, np.nan)
        return Noise(CLASS_CONDITIONAL, np.inf, nothing, own_rate, False)
    rate = estimate_noise_rate(held_out.codes, held_out.probabilities, flow, own_rate)
    even_odds = even_odds_at(rate.mean, relative, preferred)
    return Noise(CLASS_CONDITIONAL, even_odds, rate, own_rate, True)


def resolve(noise_type: str, held_out: HeldOutLabels | None, n_classes: int) -> str:
    """Return which assumption is made."""
    if held_out is None or n_classes < 2:
        return INSTANCE_DEPENDENT
    if noise_type != "auto":
        return noise_type
    return INSTANCE_DEPENDENT if held_out.accuracy >= CLEAR else CLASS_CONDITIONAL


def own_even_odds(
    relative: np.ndarray, preferred: np.ndarray, held_out: HeldOutLabels | None
) -> float:
    """Return the relative loss of even odds by the ensemble's own losses.

    It is Otsu's cut on their root. But Otsu cuts every set in two, one without noise as
    well. So no more labels lie above it than that share times the probability that
    there is noise; or the share of held-out labels that contradict a sure net, if there
    is none.

    Parameters
    ----------
    relative, preferred, held_out
        As for :func:`judge_noise`.
    """
    cut = threshold_of(relative, "otsu")
    if held_out is None:
        return cut
    share = float(np.mean((relative > cut) & ~preferred))
    clean = clean_probability(held_out, share)
    contradicted = held_out.n_contradictions / held_out.n_sure
    wanted = (1 - clean) * share + clean * min(share, contradicted)
    return max(cut, cut_off(relative, wanted))


def even_odds_at(
    rate: float,
    relative: np.ndarray,
    preferred: np.ndarray,
    steepness: float = STEEPNESS,
) -> float:
    """Return the relative loss of even odds at which labels are wrong at a rate.

    Parameters
    ----------
    rate : float
        What the mean of the probabilities is to be.
    relative, preferred
        As for :func:`judge_noise`.
    steepness : float, default=STEEPNESS

    Returns
    -------
    even_odds : float
        Infinite at a rate of zero; 0 if no probabilities have so high a mean.
    """

    def excess(log_odds: float) -> float:
        odds = float(np.exp(log_odds))
        found = noise_probability(relative, odds, preferred, steepness)
        return float(found.mean()) - rate

    if excess(FAR) >= 0:
        return np.inf
    return 0.0 if excess(-FAR) <= 0 else float(np.exp(brentq(excess, -FAR, FAR)))


def noise_probability(
    scores: np.ndarray,
    even_odds: float,
    preferred: np.ndarray,
    steepness: float = STEEPNESS,
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
    steepness : float, default=STEEPNESS
        The power of the score that the odds rise with.

    Returns
    -------
    noise_proba : ndarray of shape (n_samples,), dtype=float64
        In [0, 1].
    """
    if np.isinf(even_odds):
        return np.zeros(len(scores))
    odds = np.maximum(scores, 0.0) ** steepness
    even = max(even_odds, np.finfo(float).eps) ** steepness
    return odds / (odds + even) * np.where(preferred, 0.5, 1.0)


def noise_matrix(
    codes: np.ndarray,
    noise_proba: np.ndarray,
    probabilities: np.ndarray,
    flow: np.ndarray,
) -> np.ndarray:
    """Estimate how labels were given, class by class.

    A row counts for its given class with the probability that its label is right, and
    for each other class in proportion to what the ensemble says of it, times the
    probability that a wrong label of that class is the given one.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,), dtype=int
        Given labels, as positions among the classes.
    noise_proba : ndarray of shape (n_samples,)
        Their probabilities of being wrong.
    probabilities : ndarray of shape (n_samples, n_classes)
        By the ensemble.
    flow : ndarray of shape (n_classes, n_classes)
        Which labels wrong ones are, as for ``estimate_noise_rate``.

    Returns
    -------
    noise_matrix : ndarray of shape (n_classes, n_classes), dtype=float64
        P(given label = column | true label = row); rows sum to 1. That of a class
        without rows says that its labels are right.
    """
    right = np.bincount(codes, weights=1 - noise_proba, minlength=len(flow))
    counts = np.diag(right)
    if len(flow) > 1:
        others = other_classes(probabilities, codes) * flow.T[codes]
        others /= others.sum(axis=1, keepdims=True)
        np.add.at(counts.T, codes, noise_proba[:, None] * others)
    totals = counts.sum(axis=1, keepdims=True)
    empty = totals == 0
    return np.where(empty, np.eye(len(flow)), counts / np.where(empty, 1.0, totals))
