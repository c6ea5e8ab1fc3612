"""What a trained net and its members say of samples."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skgex._ensemble.member import Member
from skgex._ensemble.statistics import finite_losses
from skgex._nets.evaluation import Evaluation

# What an evaluation has of each sample.
PER_SAMPLE = ("reference", "losses", "outputs", "targets", "counted", "disagreement")


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
    n_starts : int, default=1
        From how many nets members start in turn: the first of each turn from θ*.
    disagreement : ndarray of shape (n_samples,) or None
        Share of each sample's neighbours that have another label; None if they were
        not looked for.
    """

    reference: np.ndarray
    losses: np.ndarray
    outputs: np.ndarray
    targets: np.ndarray
    counted: np.ndarray | None = None
    n_starts: int = 1
    disagreement: np.ndarray | None = None

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

    def around_trained(self) -> "EnsembleEvaluation":
        """Return the losses under those members alone that start from θ*.

        The predictions stay those of all members. A sample for which none of these
        members counts, counts under all of them.
        """
        if self.n_starts == 1:
            return self
        counted = self.counted
        if counted is not None:
            counted = counted[:, :: self.n_starts]
            counted = counted | ~counted.any(axis=1, keepdims=True)
        losses = self.losses[:, :: self.n_starts]
        return replace(self, losses=losses, counted=counted, n_starts=1)

    def take(self, rows: np.ndarray) -> "EnsembleEvaluation":
        """Return the evaluation of some of the samples, in the order of ``rows``."""
        taken: dict[str, Any] = {}
        for name in PER_SAMPLE:
            values = getattr(self, name)
            taken[name] = None if values is None else values[rows]
        return replace(self, **taken)

    def put(self, rows: np.ndarray, others: "EnsembleEvaluation") -> None:
        """Overwrite the evaluation of some samples; all members count for them.

        Parameters
        ----------
        rows : ndarray
            Which samples, as indices or a mask.
        others : EnsembleEvaluation
            Theirs, in order.
        """
        for name in PER_SAMPLE:
            if getattr(others, name) is not None:
                getattr(self, name)[rows] = getattr(others, name)
        if self.counted is not None:
            self.counted[rows] = True


def combine(
    reference: Evaluation,
    members: Iterable[Member | Evaluation],
    n_members: int,
    counted: np.ndarray | None = None,
    n_starts: int = 1,
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
    counted, n_starts
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
    # What comes from a worker may not be written to.
    own = np.array(reference.losses)
    return EnsembleEvaluation(
        own, losses, outputs, reference.targets, counted, n_starts
    )
