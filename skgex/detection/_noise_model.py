"""Which labels are flagged: from scores and probabilities to a cut and a mask."""

from dataclasses import dataclass

import numpy as np

from skgex._data.label_coding import ClassLabels, Coding
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex.detection._held_out import HeldOutLabels
from skgex.detection._label_noise import Noise, judge_noise
from skgex.detection._ranking import Ranking, mean_relative_losses
from skgex.detection._threshold import cut_off, parse_precision, threshold_of


@dataclass(frozen=True, eq=False)
class NoiseModel:
    """What turns the losses of any samples into probabilities and flags.

    Attributes
    ----------
    ranking : Ranking
        Scores are its.
    cut : float
        Scores above it are flagged.
    spares_preferred : bool
        Whether labels that the ensemble prefers to all others are never flagged.
    noise : Noise or None
        None where there are no classes.
    """

    ranking: Ranking
    cut: float
    spares_preferred: bool
    noise: Noise | None

    @property
    def coding(self) -> Coding:
        """What the labels' codes mean."""
        return self.ranking.coding

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
        assert self.noise is not None
        relative = mean_relative_losses(evaluation, self.coding)
        preferred = prefers_label(evaluation, codes, self.coding)
        return self.noise.probabilities(relative, preferred)


def fit_noise_model(
    evaluation: EnsembleEvaluation,
    codes: np.ndarray,
    ranking: Ranking,
    threshold: str | float,
    noise_type: str,
    held_out: HeldOutLabels | None,
    diverged: bool = False,
) -> NoiseModel:
    """Find how many labels are wrong, and the cut, from the fitted rows.

    Parameters
    ----------
    evaluation : EnsembleEvaluation
        Of the fitted rows.
    codes : ndarray of shape (n_samples, ...)
        Their labels.
    ranking : Ranking
    threshold, noise_type
        As for :class:`skgex.GEXDetector`.
    held_out : HeldOutLabels or None
        None where no trial was made, or there are no classes.
    diverged : bool, default=False
        Whether all members diverged, so that no row can be flagged.

    Returns
    -------
    model : NoiseModel
    """
    coding, scores = ranking.coding, ranking.scores(evaluation, codes)
    if not isinstance(coding, ClassLabels):
        counted = scores[has_loss(evaluation, coding)]
        rule = "otsu" if threshold == "auto" else threshold
        known = len(counted) and not diverged
        cut = threshold_of(counted, rule) if known else np.inf
        return NoiseModel(ranking, cut, False, None)
    probabilities = coding.probabilities(evaluation.outputs)
    relative = mean_relative_losses(evaluation, coding)
    preferred = prefers_label(evaluation, codes, coding)
    flow = ranking.flow(probabilities.shape[1])
    noise = judge_noise(relative, preferred, codes, flow, noise_type, held_out)
    noise_proba = noise.probabilities(relative, preferred)
    own = ranking.statistic == "self_influence" and threshold == "auto"
    precision = parse_precision(threshold) if isinstance(threshold, str) else None
    spares = threshold in ("auto", "otsu") or precision is not None
    cut, rule = np.inf, "otsu" if own else threshold
    if not (diverged or (rule == "auto" and np.isinf(noise.even_odds))):
        statistics = ranking.statistics(evaluation)
        may_be = ~(preferred & spares)
        if rule == "auto":
            cut = _cut_of_as_many(scores, noise_proba > 0.5, may_be)
        elif rule in ("otsu", "otsu_raw"):
            cut = threshold_of(statistics, rule)
            if ranking.lifts:
                cut = _cut_of_as_many(scores, statistics > cut, may_be)
        elif precision is None:
            cut = threshold_of(scores, rule)
        elif may_be.any():
            cautious = noise.cautious_probabilities(relative, preferred)
            cut = cut_of_precision(scores[may_be], cautious[may_be], precision)
    return NoiseModel(ranking, cut, spares, noise)


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


def _cut_of_as_many(
    scores: np.ndarray, flagged: np.ndarray, may_be: np.ndarray
) -> float:
    """Return the cut that as many rows exceed as are flagged, those of highest scores.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
    flagged : ndarray of shape (n_samples,), dtype=bool
        By other numbers than the scores.
    may_be : ndarray of shape (n_samples,), dtype=bool
        Rows that may be flagged.
    """
    flagged = flagged & may_be
    among = may_be | ~flagged.any()  # or new rows would be held against too few
    return cut_off(scores[among], float(flagged[among].mean()))


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
