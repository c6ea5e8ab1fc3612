"""What a trained net and its members say of samples."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skgex._ensemble.member import Member
from skgex._ensemble.statistics import finite_losses
from skgex._nets.evaluation import Evaluation


@dataclass(frozen=True)
class EnsembleEvaluation:
    """What the trained net and its members say of samples.

    Attributes
    ----------
    reference : ndarray of shape (n_samples,)
        Losses under the trained net, in nats for a likelihood's criterion.
    losses : ndarray of shape (n_samples, n_members)
        Losses under each member; not finite where a member diverged.
    outputs : ndarray of shape (n_samples, ...)
        Predictions, averaged over the members that count.
    targets : ndarray of shape (n_samples, ...)
        The targets that the losses are of.
    counted : ndarray of shape (n_samples, n_members) or None
        Which members count for which sample: those that were not fine-tuned on it.
        None where all do.
    """

    reference: np.ndarray
    losses: np.ndarray
    outputs: np.ndarray
    targets: np.ndarray
    counted: np.ndarray | None = None

    @property
    def n_members(self) -> int:
        """The number of members."""
        return self.losses.shape[1]

    def finite(self) -> "EnsembleEvaluation":
        """Return a copy in which the largest loss replaces any that overflowed."""
        return replace(
            self,
            reference=finite_losses(self.reference),
            losses=finite_losses(self.losses),
        )

    def take(self, rows: np.ndarray) -> "EnsembleEvaluation":
        """Return the evaluation of some of the samples, in the order of ``rows``."""
        counted = None if self.counted is None else self.counted[rows]
        return EnsembleEvaluation(
            self.reference[rows],
            self.losses[rows],
            self.outputs[rows],
            self.targets[rows],
            counted,
        )

    def put(self, rows: np.ndarray, others: "EnsembleEvaluation") -> None:
        """Overwrite the evaluation of some samples; all members count for them.

        Parameters
        ----------
        rows : ndarray
            Which samples, as indices or a mask.
        others : EnsembleEvaluation
            Theirs, in order.
        """
        for name in ("reference", "losses", "outputs", "targets"):
            getattr(self, name)[rows] = getattr(others, name)
        if self.counted is not None:
            self.counted[rows] = True


def combine(
    reference: Evaluation,
    members: Iterable[Member | Evaluation],
    n_members: int,
    counted: np.ndarray | None = None,
) -> EnsembleEvaluation:
    """Put the members' losses side by side, and average their predictions.

    Parameters
    ----------
    reference : Evaluation
        Of the trained net.
    members : iterable of Member or Evaluation
        Consumed one by one, so that only one member's predictions are held.
    n_members : int
        How many there are.
    counted : ndarray of shape (n_samples, n_members) or None
        As in :class:`EnsembleEvaluation`.

    Returns
    -------
    evaluation : EnsembleEvaluation
    """
    n_samples = len(reference.losses)
    losses = np.empty((n_samples, n_members), dtype=reference.losses.dtype)
    outputs = np.zeros_like(reference.outputs)
    share: Any = 1 / (
        np.full(n_samples, n_members) if counted is None else counted.sum(axis=1)
    )
    for m, member in enumerate(members):
        losses[:, m] = member.losses
        weight = share if counted is None else share * counted[:, m]
        # A diverged member must not turn the mean into nan for all.
        weighted = np.nan_to_num(member.outputs).T * weight
        outputs += weighted.T.astype(outputs.dtype)
    return EnsembleEvaluation(
        reference.losses, losses, outputs, reference.targets, counted
    )
