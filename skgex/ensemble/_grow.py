"""The growing of members: each once, whoever asks for it."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain as joined
from typing import Any, NamedTuple

import numpy as np
from joblib import Memory
from tqdm.auto import tqdm

from skgex._batches import endless_batches
from skgex._evaluation import Evaluation, evaluate
from skgex._net import (
    TrainedNet,
    Weights,
    reestimate_batch_norm,
    revive,
    take,
    weights_of,
)
from skgex._parallel import run
from skgex._random import seeded
from skgex.ensemble._answers import Answers, collect
from skgex.ensemble._batchable import can_batch
from skgex.ensemble._batched import GROUP_SIZE, grow_group
from skgex.ensemble._ensemble import GeometricEnsemble, ask_reference, groups
from skgex.ensemble._known import Held, Remembered
from skgex.ensemble._member import FineTuning, fine_tune


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


def grow(
    trained: TrainedNet,
    X: Any,
    y: Any,
    tuning: FineTuning,
    seeds: Sequence[int],
    *,
    chain: bool = False,
    max_samples: float = 1.0,
    keep: bool = True,
    known: Held | Remembered | None = None,
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
    keep : bool
        Keep the members' weights. Without them, no more samples can be asked about.
    known : Held, Remembered or None
        What was grown before from the same net and samples; what is new goes there.
    n_jobs : int or None
        Independent members made side by side; the answer does not depend on it.
    verbose : int
        From 1, a progress bar over the members that are yet to be grown.

    Returns
    -------
    ensemble : GeometricEnsemble
    answers : Answers
        For the given samples, in order.
    """
    known = Remembered(Memory(None)) if known is None else known
    # A member follows from the seeds on the way to it: several in a chain.
    ways = [tuple(seeds[: m + 1]) if chain else (seeds[m],) for m in range(len(seeds))]
    names = [(tuning, max_samples, keep, way) for way in ways]
    missing = [m for m, name in enumerate(names) if name not in known]
    if chain and missing:
        missing = list(range(missing[0], len(names)))
    plans = [(_part(len(X), max_samples, seed), seed) for seed in seeds]
    reference = _reference(trained, X, y, known)
    todo = [plans[m] for m in missing]
    if chain:
        start = trained
        if missing and missing[0] > 0:
            start = start._replace(weights=known[names[missing[0] - 1]].weights)
        bar = tqdm(todo, desc="members", disable=verbose < 1)
        grown = _chain(start, X, y, tuning, bar)
    else:
        grown = _independent(trained, X, y, tuning, todo, keep, n_jobs, verbose)
    weights: list[Weights | None] = []

    def members() -> Iterator[Member]:
        for m, name in enumerate(names):
            if m in missing:
                known[name] = member = next(grown)
            else:
                member = known[name]
            weights.append(member.weights)
            yield member
        next(grown, None)  # lets the jobs end, and the progress bar

    counted = None
    if max_samples < 1:
        counted = _left_out([rows for rows, _ in plans], len(X))
    answers = collect(reference, members(), len(seeds), counted)
    known.retain(["reference", *names])
    return GeometricEnsemble(trained, weights if keep else None), answers


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
        return _member(weights_of(net), evaluate(net, *take(X, y, asked)), keep)


def _reference(
    trained: TrainedNet, X: Any, y: Any, known: Held | Remembered
) -> Evaluation:
    if "reference" in known:
        return known["reference"]
    known["reference"] = reference = ask_reference(trained, X, y)
    return reference


def _chain(
    trained: TrainedNet, X: Any, y: Any, tuning: FineTuning, plans: Iterable[tuple]
) -> Iterator[Member]:
    """Grow each member from the one before: one after the other, on all threads."""
    for rows, seed in plans:
        member = grow_member(trained, X, y, rows, None, tuning, seed)
        yield member
        trained = trained._replace(weights=member.weights)


def _independent(
    trained: TrainedNet,
    X: Any,
    y: Any,
    tuning: FineTuning,
    plans: Sequence[tuple],
    keep: bool,
    n_jobs: int | None,
    verbose: int,
) -> Iterator[Member]:
    """Grow members from the trained net, side by side."""
    grow_some, size = _grow_each, 1
    if len(plans) > 1 and can_batch(trained, X, y):
        grow_some, size = _grow_together, GROUP_SIZE
    jobs = [(trained, X, y, tuning, keep, group) for group in groups(plans, size)]
    bar = {"verbose": verbose, "description": "members"}
    return joined.from_iterable(run(grow_some, jobs, n_jobs=n_jobs, **bar))


def _grow_each(
    trained: TrainedNet,
    X: Any,
    y: Any,
    tuning: FineTuning,
    keep: bool,
    plans: Sequence[tuple],
) -> list[Member]:
    """Grow members one by one."""
    return [
        grow_member(trained, X, y, rows, None, tuning, seed, keep)
        for rows, seed in plans
    ]


def _grow_together(
    trained: TrainedNet,
    X: Any,
    y: Any,
    tuning: FineTuning,
    keep: bool,
    plans: Sequence[tuple],
) -> list[Member]:
    """Grow members as one program, unless their batches turn out to differ in size."""
    grown = grow_group(trained, X, y, tuning, plans)
    if grown is None:
        return _grow_each(trained, X, y, tuning, keep, plans)
    return [_member(weights, evaluation, keep) for weights, evaluation in grown]


def _member(weights: Weights, evaluation: Evaluation, keep: bool) -> Member:
    return Member(weights if keep else None, evaluation.losses, evaluation.outputs)


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
