"""What a trained net and its members say of samples."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

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
        Which members count for which sample: those that did not train on it. None
        where all do.
    """

    reference: np.ndarray
    losses: np.ndarray
    outputs: np.ndarray
    targets: np.ndarray
    counted: np.ndarray | None = None

    def finite(self) -> "EnsembleEvaluation":
        """Return the answers with the largest loss in the place of any overflow."""
        return replace(
            self,
            reference=finite_losses(self.reference),
            losses=finite_losses(self.losses),
        )

    def take(self, rows: np.ndarray) -> "EnsembleEvaluation":
        """Return the answers for some of the samples, in the order of ``rows``."""
        parts = (getattr(self, field.name) for field in fields(self))
        return EnsembleEvaluation(
            *(None if part is None else part[rows] for part in parts)
        )

    def put(self, rows: np.ndarray, others: "EnsembleEvaluation") -> None:
        """Overwrite some samples' answers; all members count for them.

        Parameters
        ----------
        rows : ndarray
            Which samples, as indices or a mask.
        others : Answers
            Theirs, in order.
        """
        for name in ("reference", "losses", "outputs", "targets"):
            getattr(self, name)[rows] = getattr(others, name)
        if self.counted is not None:
            self.counted[rows] = True


def collect(
    reference: Evaluation,
    members: Iterable[Any],
    n_members: int,
    counted: np.ndarray | None = None,
) -> EnsembleEvaluation:
    """Put the members' losses side by side and average their predictions."""
    n_samples = len(reference.losses)
    losses = np.empty((n_samples, n_members), dtype=reference.losses.dtype)
    outputs = np.zeros_like(reference.outputs)
    share = 1 / (
        np.full(n_samples, n_members) if counted is None else counted.sum(axis=1)
    )
    for m, member in enumerate(members):
        losses[:, m] = member.losses
        weight = share if counted is None else share * counted[:, m]
        weighted = np.nan_to_num(member.outputs).T * weight
        outputs += weighted.T.astype(outputs.dtype)
    return EnsembleEvaluation(
        reference.losses, losses, outputs, reference.targets, counted
    )
