"""What GEXDetector ranks rows by: each member's part in a statistic, and their mean."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from skgex._data.label_coding import ClassLabels, Coding
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._ensemble.statistics import (
    loss_deviations,
    mean_over_members,
    relative_losses,
    squares,
    standard_error,
)
from skgex.detection._neighbours import odds_of
from skgex.detection._noise_rate import flow_of
from skgex.detection._noise_structure import NoiseStructure, fit_noise_structure


@dataclass(frozen=True)
class Ranking:
    """A statistic, with what it needs to know besides the members' losses.

    Attributes
    ----------
    statistic : str
        One of ``STATISTICS``.
    coding : Coding
        What the labels' codes mean.
    loss_floor : float
        The loss under θ* counts as at least this, in nats.
    structure : NoiseStructure or None
        Where wrong labels go; None if that is not known.
    """

    statistic: str
    coding: Coding
    loss_floor: float
    structure: NoiseStructure | None = None

    @property
    def lifts(self) -> bool:
        """Whether structure and neighbours count besides the statistic."""
        return self.statistic == "relative_loss" and isinstance(
            self.coding, ClassLabels
        )

    @property
    def splits_start(self) -> bool:
        """Whether members may start from the trial net, which has no self-influence."""
        return self.statistic != "self_influence" and isinstance(
            self.coding, ClassLabels
        )

    def statistics(self, evaluation: EnsembleEvaluation) -> np.ndarray:
        """Return the statistic of samples, (n_samples,), higher = more suspicious."""
        return mean_over_members(self._parts(evaluation), evaluation.counted)

    def scores(self, evaluation: EnsembleEvaluation, codes: np.ndarray) -> np.ndarray:
        """Return the statistic times the odds of structure and neighbours."""
        return self.statistics(evaluation) * self._odds(evaluation, codes)

    def member_scores(
        self, evaluation: EnsembleEvaluation, codes: np.ndarray
    ) -> np.ndarray:
        """Return each member's part in the scores, NaN where it does not count.

        Returns
        -------
        member_scores : ndarray of shape (n_samples, n_members), dtype=float64
            Their mean over the members that count is :meth:`scores`.
        """
        parts = self._parts(evaluation) * self._odds(evaluation, codes)[:, None]
        counted = evaluation.counted
        return parts if counted is None else np.where(counted, parts, np.nan)

    def standard_errors(
        self, evaluation: EnsembleEvaluation, codes: np.ndarray
    ) -> np.ndarray:
        """Return the standard error of the scores over the members, (n_samples,)."""
        errors = standard_error(self._parts(evaluation), evaluation.counted)
        return errors * self._odds(evaluation, codes)

    def learn_structure(
        self, evaluation: EnsembleEvaluation, codes: np.ndarray, cut: float
    ) -> "Ranking":
        """Return the same ranking with the structure of the noise, if it counts.

        Parameters
        ----------
        evaluation : EnsembleEvaluation
            Of the fitted rows.
        codes : ndarray of shape (n_samples,), dtype=int
            Their labels.
        cut : float
            The relative loss above which a label is taken for wrong.
        """
        if not self.lifts:
            return self
        probabilities = self.coding.probabilities(evaluation.outputs)
        structure = fit_noise_structure(
            self.statistics(evaluation), probabilities, codes, cut
        )
        return replace(self, structure=structure)

    def flow(self, n_classes: int) -> np.ndarray:
        """Return which labels wrong ones are, by the class of the row (row)."""
        lift = None if self.structure is None else self.structure.lift
        return flow_of(lift, n_classes)

    def _odds(self, evaluation: EnsembleEvaluation, codes: np.ndarray) -> np.ndarray:
        """Return what structure and neighbours multiply each statistic by."""
        odds = np.ones(len(codes))
        if self.structure is not None:
            probabilities = self.coding.probabilities(evaluation.outputs)
            odds *= self.structure.odds(probabilities, codes)
        if self.lifts and evaluation.disagreement is not None:
            odds *= odds_of(evaluation.disagreement)
        return odds

    def _parts(self, evaluation: EnsembleEvaluation) -> np.ndarray:
        return STATISTICS[self.statistic](self, evaluation)


def mean_relative_losses(evaluation: EnsembleEvaluation, coding: Coding) -> np.ndarray:
    """Return the mean relative loss of samples, (n_samples,)."""
    return mean_over_members(_relative_losses(evaluation, coding), evaluation.counted)


def _relative_losses(evaluation: EnsembleEvaluation, coding: Coding) -> np.ndarray:
    probabilities = coding.probabilities(evaluation.outputs)
    return relative_losses(evaluation.losses, probabilities)


def _relative_loss(ranking: Ranking, evaluation: EnsembleEvaluation) -> np.ndarray:
    """Return relative losses; without classes there is no entropy to divide by."""
    if not isinstance(ranking.coding, ClassLabels):
        return evaluation.losses
    return _relative_losses(evaluation, ranking.coding)


def _mean_loss(ranking: Ranking, evaluation: EnsembleEvaluation) -> np.ndarray:
    return evaluation.losses


def _self_influence(ranking: Ranking, evaluation: EnsembleEvaluation) -> np.ndarray:
    floor = ranking.loss_floor
    return squares(loss_deviations(evaluation.losses, evaluation.reference, floor))


# Each member's part in a statistic, (n_samples, n_members), by the statistic's name.
STATISTICS: dict[str, Callable[[Ranking, EnsembleEvaluation], np.ndarray]] = {
    "relative_loss": _relative_loss,
    "mean_loss": _mean_loss,
    "self_influence": _self_influence,
}
