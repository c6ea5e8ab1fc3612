"""What GEXDetector ranks rows by: each member's part in a statistic, and their mean."""

from collections.abc import Callable
from dataclasses import dataclass

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
    """

    statistic: str
    coding: Coding
    loss_floor: float

    def scores(self, evaluation: EnsembleEvaluation) -> np.ndarray:
        """Return the statistic of samples, (n_samples,), higher = more suspicious."""
        return mean_over_members(self._parts(evaluation), evaluation.counted)

    def standard_errors(self, evaluation: EnsembleEvaluation) -> np.ndarray:
        """Return the standard error of the scores over the members, (n_samples,)."""
        return standard_error(self._parts(evaluation), evaluation.counted)

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
