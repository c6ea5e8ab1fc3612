"""One member of an ensemble: fine-tuned, and asked about samples."""

from typing import Any, NamedTuple

import numpy as np

from skgex._data.records import take
from skgex._ensemble.fine_tuning import FineTuning, fine_tune
from skgex._nets.batch_norm import reestimate_batch_norm
from skgex._nets.batches import endless_batches
from skgex._nets.evaluation import Evaluation, evaluate
from skgex._nets.snapshot import TrainedNet, Weights, revive, weights_of
from skgex._utils.random import seeded


class Member(NamedTuple):
    """A member, and what it says of the samples.

    Attributes
    ----------
    weights : dict or None
        None where they are not kept.
    losses : ndarray of shape (n_samples,)
    outputs : ndarray of shape (n_samples, ...)
    """

    weights: Weights | None
    losses: np.ndarray
    outputs: np.ndarray


def grow_member(
    trained: TrainedNet,
    X: Any,
    y: Any,
    seen: np.ndarray | None,
    asked: np.ndarray | None,
    tuning: FineTuning,
    seed: int,
    keep: bool = True,
) -> Member:
    """Fine-tune one member on the rows ``seen``, and evaluate the rows ``asked``.

    None stands for all rows.
    """
    with seeded(seed):
        net = revive(trained)
        batches = endless_batches(net, *take(X, y, seen))
        fine_tune(net, batches, tuning)
        reestimate_batch_norm(net, batches)
        return member_of(weights_of(net), evaluate(net, *take(X, y, asked)), keep)


def member_of(weights: Weights, evaluation: Evaluation, keep: bool) -> Member:
    return Member(weights if keep else None, evaluation.losses, evaluation.outputs)
