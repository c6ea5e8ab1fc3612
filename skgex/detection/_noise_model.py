"""How many labels are wrong, which, and how probably: from scores to a mask."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import confusion_matrix

from skgex._data.label_coding import ClassLabels, Coding
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._ensemble.learning_rate import LearningRateChoice
from skgex.detection._ranking import Ranking, mean_relative_losses
from skgex.detection._threshold import cut_off, parse_precision, threshold_of

# How fast the odds rise with the score: as its third power. What this and the halving
# below give is held against true noise by benchmarks/calibration.py.
STEEPNESS = 3

# Up to this rate of noise no larger a share of rows can be even odds. Most sets
# without noise are below, all with 10 % of it above (benchmarks/false_alarms.py).
RARE = 0.02

# The part of the held-out samples that is looked at: those that a net is surest of.
SURE = 0.5


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """What turns the losses of any samples into probabilities and flags.

    Attributes
    ----------
    ranking : Ranking
        The statistic that ``cut`` is on the scale of.
    coding : Coding
    cut : float
        Scores above it are flagged.
    even_odds : float or None
        The relative loss at which a label is as probably wrong as right; None where
        there are no classes.
    spares_preferred : bool
        Whether labels that the ensemble prefers to all others are never flagged.
    """

    ranking: Ranking
    coding: Coding
    cut: float
    even_odds: float | None
    spares_preferred: bool

    def flags(self, evaluation: EnsembleEvaluation, codes: np.ndarray) -> np.ndarray:
        """Return the mask of labels that are judged wrong, (n_samples,)."""
        mask = self.ranking.scores(evaluation, codes) > self.cut
        mask &= has_loss(evaluation, self.coding)
        if self.spares_preferred:
            mask &= ~prefers_label(evaluation, codes, self.coding)
        return mask

    def probabilities(
        self, evaluation: EnsembleEvaluation, codes: np.ndarray
    ) -> np.ndarray:
        """Return the probability that each label is wrong, (n_samples,)."""
        assert self.even_odds is not None
        return _probabilities(evaluation, codes, self.coding, self.even_odds)


def fit_noise_model(
    evaluation: EnsembleEvaluation,
    codes: np.ndarray,
    ranking: Ranking,
    threshold: str | float,
    choice: LearningRateChoice | None,
    diverged: bool = False,
) -> NoiseModel:
    """Find the cut, and the relative loss of even odds, from the fitted rows.

    Parameters
    ----------
    evaluation : EnsembleEvaluation
        Of the fitted rows.
    codes : ndarray of shape (n_samples, ...)
        Their labels.
    ranking : Ranking
    threshold : str or float
        As for :class:`skgex.GEXDetector`.
    choice : LearningRateChoice or None
        What a trial says of held-out rows, from which noise may turn out to be rare.
    diverged : bool, default=False
        Whether all members diverged, so that no row can be flagged.

    Returns
    -------
    model : NoiseModel
    """
    coding, statistics = ranking.coding, ranking.statistics(evaluation)
    scores = ranking.scores(evaluation, codes)
    classes = isinstance(coding, ClassLabels)
    rate = held_out_rate(choice, coding)
    even_odds = None
    if classes:
        relative = mean_relative_losses(evaluation, coding)
        even_odds = otsu_unless_rare(relative, rate)
    precision = parse_precision(threshold) if isinstance(threshold, str) else None
    # A number, or a share of rows, cuts the scores themselves.
    rule = threshold in ("otsu", "otsu_raw")
    counted = (statistics if rule else scores)[has_loss(evaluation, coding)]
    if diverged or not len(counted):
        cut = np.inf
    elif threshold == "otsu":
        cut = otsu_unless_rare(counted, rate)
    elif precision is None:
        cut = threshold_of(counted, threshold)
    else:
        assert even_odds is not None  # a precision needs classes
        rows = ~prefers_label(evaluation, codes, coding)
        noise_proba = _probabilities(evaluation, codes, coding, even_odds)
        cut = cut_of_precision(scores[rows], noise_proba[rows], precision)
    spares = classes and (threshold == "otsu" or precision is not None)
    if ranking.lifts and rule and not diverged:
        # As many rows as the statistic alone would flag, but those of highest score.
        rows = ~(prefers_label(evaluation, codes, coding) & spares)
        above = (statistics > cut) & rows
        among = rows | ~above.any()
        cut = cut_off(scores[among], above[among].mean())
    return NoiseModel(ranking, coding, cut, even_odds, spares)


def held_out_rate(choice: LearningRateChoice | None, coding: Coding) -> float:
    """Return the share of wrong labels by the held-out rows; 1 if there are none."""
    if choice is None or not isinstance(coding, ClassLabels):
        return 1.0
    return noise_rate(choice.codes, coding.probabilities(choice.outputs))


def has_loss(evaluation: EnsembleEvaluation, coding: Coding) -> np.ndarray:
    """Return which rows have a label to judge, (n_samples,), dtype=bool.

    Without classes, the loss of a row is zero under all members if its targets are all
    ignored, as padding is, or predicted exactly.
    """
    if isinstance(coding, ClassLabels):
        return np.ones(len(evaluation.losses), dtype=bool)
    return (evaluation.losses != 0).any(axis=1)


def prefers_label(
    evaluation: EnsembleEvaluation, codes: np.ndarray, coding: Coding
) -> np.ndarray:
    """Return which labels the ensemble prefers to all others, (n_samples,)."""
    return coding.code_of(evaluation.outputs) == codes


def _probabilities(
    evaluation: EnsembleEvaluation, codes: np.ndarray, coding: Coding, even_odds: float
) -> np.ndarray:
    relative = mean_relative_losses(evaluation, coding)
    preferred = prefers_label(evaluation, codes, coding)
    return noise_probability(relative, even_odds, preferred)


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
    # No cut lies between equal scores.
    last = np.diff(scores[order], append=-np.inf) < 0
    enough = np.flatnonzero((reached >= precision) & last)
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
    classes = np.arange(n_classes)
    matrix = confusion_matrix(true, given, labels=classes, normalize="true")
    empty = matrix.sum(axis=1) == 0
    matrix[empty] = np.eye(n_classes)[empty]
    return matrix


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
