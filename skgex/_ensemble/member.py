"""One member of an ensemble: a net fine-tuned from θ*, and its losses of samples."""

from typing import Any, NamedTuple

import numpy as np

from skgex._data.records import take
from skgex._ensemble.fine_tuning import FineTuning, expect_member, fine_tune
from skgex._ensemble.retracing import RetracedSteps
from skgex._nets.batch_norm import reestimate_batch_norm
from skgex._nets.evaluation import Evaluation, evaluate
from skgex._nets.parts import bound
from skgex._nets.snapshot import TrainedNet, Weights, revive, weights_of
from skgex._utils.random import seeded
from skgex._utils.unfinished import NO_DRAFT, Draft


class Member(NamedTuple):
    """A member, and what it says of the samples.

    Attributes
    ----------
    weights : dict or None
        None where they are not kept.
    losses : ndarray of shape (n_samples,)
        In nats for a likelihood's criterion.
    outputs : ndarray of shape (n_samples, ...)
        Predictions.
    """

    weights: Weights | None
    losses: np.ndarray
    outputs: np.ndarray


class Plan(NamedTuple):
    """What sets one member apart from the others.

    Attributes
    ----------
    rows : ndarray of int or None
        The rows that it is fine-tuned on; None stands for all.
    seed : int
        Its shuffling, dropout and augmentation follow from it.
    start : dict or None, default=None
        The weights that it starts from; None stands for those of θ*.
    """

    rows: np.ndarray | None
    seed: int
    start: Weights | None = None

    def samples(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return the samples that the member is fine-tuned on."""
        return (X, y) if self.rows is None else take(X, y, self.rows)

    def weights(self, trained: TrainedNet) -> Weights:
        """Return the weights that the member starts from."""
        return trained.weights if self.start is None else self.start


def grow_member(
    trained: TrainedNet,
    X: Any,
    y: Any,
    tuning: FineTuning,
    plan: Plan,
    scored: tuple[Any, Any] | None = None,
    keep_weights: bool = True,
    draft: Draft = NO_DRAFT,
) -> Member:
    """Fine-tune one member, and evaluate samples under it.

    Parameters
    ----------
    trained : TrainedNet
        Where it starts, unless the plan has other weights.
    X : ndarray of shape (n_samples, ...) or Dataset
        Samples in the dtype of the net.
    y : ndarray of shape (n_samples, ...) or None
        Targets as the net takes them.
    tuning : FineTuning
    plan : Plan
    scored : tuple of X and y, or None
        The samples to evaluate; None stands for X and y.
    keep_weights : bool, default=True
    draft : Draft
        Keeps the state on the way, and the member once it is made.

    Returns
    -------
    member : Member
    """
    kept = draft.read()
    if isinstance(kept, Member):
        return kept
    samples = scored or (X, y)
    with seeded(plan.seed):
        net = revive(trained._replace(weights=plan.weights(trained)))
        expect_member(net, tuning.n_steps, len(samples[0]))
        with bound(net, plan.rows, len(X)):
            steps = RetracedSteps(net, *plan.samples(X, y), draft)
            fine_tune(net, steps.batches, tuning, steps)
            reestimate_batch_norm(net, steps.batches)
        evaluation = evaluate(net, *samples)
    member = member_of(weights_of(net), evaluation, keep_weights)
    draft.write_result(member)
    return member


def member_of(weights: Weights, evaluation: Evaluation, keep_weights: bool) -> Member:
    """Put a member together, with its weights only if they are kept."""
    kept = weights if keep_weights else None
    return Member(kept, evaluation.losses, evaluation.outputs)
