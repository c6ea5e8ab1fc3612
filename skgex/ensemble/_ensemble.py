"""The geometric ensemble: checkpoints around a trained net, and their losses."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain as joined
from typing import Any, NamedTuple

import numpy as np
from tqdm.auto import tqdm

from skgex._net import (
    Evaluation,
    TrainedNet,
    Weights,
    endless_batches,
    evaluate,
    reestimate_batch_norm,
    revive,
    take,
    weights_of,
)
from skgex._parallel import run
from skgex._random import seeded
from skgex.ensemble._batchable import can_batch
from skgex.ensemble._batched import GROUP_SIZE, evaluate_group, grow_group
from skgex.ensemble._member import FineTuning, fine_tune
from skgex.ensemble._statistics import finite_losses


@dataclass(frozen=True)
class Answers:
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

    def finite(self) -> "Answers":
        """Return the answers with the largest loss in the place of any overflow."""
        return replace(
            self,
            reference=finite_losses(self.reference),
            losses=finite_losses(self.losses),
        )

    def take(self, rows: np.ndarray) -> "Answers":
        """Return the answers for some of the samples, in the order of ``rows``."""
        parts = (getattr(self, field.name) for field in fields(self))
        return Answers(*(None if part is None else part[rows] for part in parts))

    def put(self, rows: np.ndarray, others: "Answers") -> None:
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


class GeometricEnsemble(NamedTuple):
    """A trained net and M checkpoints near it (Kim et al. 2023, section 4).

    Attributes
    ----------
    trained : TrainedNet
        θ*.
    members : list of dict
        Weights of θ_1, ..., θ_M.
    """

    trained: TrainedNet
    members: list[Weights]

    def answer(self, X: Any, y: Any = None, *, n_jobs: int | None = None) -> Answers:
        """Take losses and mean predictions of any samples.

        Parameters
        ----------
        X : ndarray of shape (n_samples, ...) or torch Dataset
            Samples in the dtype of the net.
        y : ndarray of shape (n_samples, ...) or None
            Targets as the net takes them.
        n_jobs : int or None
            Members evaluated side by side.

        Returns
        -------
        answers : Answers
        """
        ask, size = _ask_each, 1
        if len(self.members) > 1 and can_batch(self.trained, X, y):
            ask, size = evaluate_group, GROUP_SIZE
        jobs = [(self.trained, group, X, y) for group in _groups(self.members, size)]
        evaluations = joined.from_iterable(run(ask, jobs, n_jobs=n_jobs))
        reference = _ask_reference(self.trained, X, y)
        return _collect(reference, evaluations, len(self.members))


def grow(
    trained: TrainedNet,
    X: Any,
    y: Any,
    tuning: FineTuning,
    seeds: Sequence[int],
    *,
    chain: bool = False,
    max_samples: float = 1.0,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> tuple[GeometricEnsemble, Answers]:
    """Fine-tune one member a seed, and take the losses of all samples under each.

    Parameters
    ----------
    trained : TrainedNet
        θ*, where members start.
    X : ndarray of shape (n_samples, ...) or torch Dataset
        Samples in the dtype of the net.
    y : ndarray of shape (n_samples, ...) or None
        Targets as the net takes them.
    tuning : FineTuning
        Steps, rate, momentum and schedule.
    seeds : sequence of int
        One a member: its shuffling, dropout, augmentation and part of the samples.
    chain : bool
        Start each member from the one before, in the place of θ*.
    max_samples : float in (0, 1]
        Share of the samples that each member trains on; it counts for the others.
    n_jobs : int or None
        Independent members made side by side; the answer does not depend on it.
    verbose : int
        From 1, a progress bar over the members.

    Returns
    -------
    ensemble : GeometricEnsemble
    answers : Answers
        For the given samples, in order.
    """
    seen = [_part(len(X), max_samples, seed) for seed in seeds]
    plans = list(zip(seen, seeds, strict=True))
    reference = _ask_reference(trained, X, y)
    if chain:
        bar = tqdm(plans, desc="members", disable=verbose < 1)
        grown = _chain(trained, X, y, tuning, bar)
    else:
        grow_some, size = _grow_each, 1
        if len(seeds) > 1 and can_batch(trained, X, y):
            grow_some, size = _grow_together, GROUP_SIZE
        jobs = [(trained, X, y, tuning, group) for group in _groups(plans, size)]
        bar = {"verbose": verbose, "description": "members"}
        grown = joined.from_iterable(run(grow_some, jobs, n_jobs=n_jobs, **bar))
    members: list[Weights] = []

    def evaluations() -> Iterator[Evaluation]:
        for weights, evaluation in grown:
            members.append(weights)
            yield evaluation

    counted = None if max_samples == 1 else _left_out(seen, len(X))
    answers = _collect(reference, evaluations(), len(seeds), counted)
    return GeometricEnsemble(trained, members), answers


def grow_member(
    trained: TrainedNet,
    X: Any,
    y: Any,
    seen: np.ndarray | None,
    asked: np.ndarray | None,
    tuning: FineTuning,
    seed: int,
) -> tuple[Weights, Evaluation]:
    """Fine-tune one member on the rows ``seen``, and evaluate the rows ``asked``.

    None stands for all rows.
    """
    with seeded(seed):
        net = revive(trained)
        batches = endless_batches(net, *take(X, y, seen))
        fine_tune(net, batches, tuning)
        reestimate_batch_norm(net, batches)
        return weights_of(net), evaluate(net, *take(X, y, asked))


def _grow_each(
    trained: TrainedNet, X: Any, y: Any, tuning: FineTuning, plans: Sequence[tuple]
) -> list[tuple[Weights, Evaluation]]:
    """Grow members one by one."""
    return [
        grow_member(trained, X, y, rows, None, tuning, seed) for rows, seed in plans
    ]


def _grow_together(
    trained: TrainedNet, X: Any, y: Any, tuning: FineTuning, plans: Sequence[tuple]
) -> list[tuple[Weights, Evaluation]]:
    """Grow members as one program, unless their batches turn out to differ in size."""
    grown = grow_group(trained, X, y, tuning, plans)
    return _grow_each(trained, X, y, tuning, plans) if grown is None else grown


def _chain(
    trained: TrainedNet, X: Any, y: Any, tuning: FineTuning, plans: Iterable[tuple]
) -> Iterator[tuple]:
    """Grow each member from the one before: one after the other, on all threads."""
    for plan in plans:
        ((weights, evaluation),) = _grow_each(trained, X, y, tuning, [plan])
        yield weights, evaluation
        trained = trained._replace(weights=weights)


def _ask_each(
    trained: TrainedNet, members: Sequence[Weights], X: Any, y: Any
) -> list[Evaluation]:
    """Evaluate members one by one."""
    evaluations = []
    for weights in members:
        with seeded(0):  # a Dataset may augment, and loaders draw
            net = revive(trained._replace(weights=weights))
            evaluations.append(evaluate(net, X, y))
    return evaluations


def _ask_reference(trained: TrainedNet, X: Any, y: Any) -> Evaluation:
    ((reference,),) = run(_ask_each, [(trained, [trained.weights], X, y)])
    return reference


def _groups(values: Sequence, size: int) -> list[Sequence]:
    return [values[i : i + size] for i in range(0, len(values), size)]


def _collect(
    reference: Evaluation,
    evaluations: Iterable[Evaluation],
    n_members: int,
    counted: np.ndarray | None = None,
) -> Answers:
    """Put the members' losses side by side and average their predictions."""
    n_samples = len(reference.losses)
    losses = np.empty((n_samples, n_members), dtype=reference.losses.dtype)
    outputs = np.zeros_like(reference.outputs)
    share = np.broadcast_to(1 / n_members, losses.shape)
    if counted is not None:
        share = counted / counted.sum(axis=1, keepdims=True)
    for m, evaluation in enumerate(evaluations):
        losses[:, m] = evaluation.losses
        weighted = np.nan_to_num(evaluation.outputs).T * share[:, m]
        outputs += weighted.T.astype(outputs.dtype)
    return Answers(reference.losses, losses, outputs, reference.targets, counted)


def _part(n_samples: int, max_samples: float, seed: int) -> np.ndarray | None:
    """Draw the rows that a member trains on; None stands for all."""
    if max_samples == 1:
        return None
    size = max(1, int(max_samples * n_samples))
    return np.random.RandomState(seed).choice(n_samples, size, replace=False)


def _left_out(seen: Sequence[np.ndarray], n_samples: int) -> np.ndarray:
    """Say which members did not train on which rows; all count where none is left."""
    counted = np.ones((n_samples, len(seen)), dtype=bool)
    for m, rows in enumerate(seen):
        counted[rows, m] = False
    counted[~counted.any(axis=1)] = True
    return counted
