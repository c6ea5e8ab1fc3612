"""The growing of members: each once, whoever asks for it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain as joined
from typing import Any

import numpy as np
from joblib import Memory
from tqdm.auto import tqdm

from skgex._ensemble.cache import DiskMemberCache, MemberCache
from skgex._ensemble.ensemble import GeometricEnsemble, ask_reference, groups
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation, collect
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.member import Member, grow_member, member_of
from skgex._ensemble.stability import sizes
from skgex._ensemble.stackable import can_batch
from skgex._ensemble.stacked import GROUP_SIZE, grow_group
from skgex._nets.devices import spread_over_devices
from skgex._nets.evaluation import Evaluation
from skgex._nets.snapshot import TrainedNet, Weights
from skgex._utils.parallel import run


def grow(
    trained: TrainedNet,
    X: Any,
    y: Any,
    tuning: FineTuning,
    seeds: Sequence[int],
    *,
    enough: Callable[[EnsembleEvaluation, EnsembleEvaluation], bool] | None = None,
    chain: bool = False,
    max_samples: float = 1.0,
    keep: bool = True,
    known: MemberCache | DiskMemberCache | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> tuple[GeometricEnsemble, EnsembleEvaluation]:
    """Fine-tune up to one member a seed, and take the losses of all samples under each.

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
    enough : callable or None
        Asked after 16, 32, ... members, with the answers of the first half of them
        and of the second; once it says so, no more are fine-tuned. Until then, each
        member's predictions are held.
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
    if known is None:
        known = DiskMemberCache(Memory(None)) if enough is None else MemberCache()
    growth = _Growth(
        trained, X, y, tuning, seeds, chain, max_samples, keep, known, n_jobs, verbose
    )
    reference = _reference(trained, X, y, known)
    for size in [len(seeds)] if enough is None else sizes(len(seeds)):
        weights: list[Weights | None] = []
        members = _noting_weights(growth.grow(size), weights)
        answers = collect(reference, members, size, growth.counted(slice(size)))
        if enough is None:
            break
        halves = slice(size // 2), slice(size // 2, size)
        if enough(*(growth.recall(reference, half) for half in halves)):
            break
    known.retain(["reference", *growth.names(slice(size))])
    return GeometricEnsemble(trained, weights if keep else None), answers


def _noting_weights(
    members: Iterable[Member], weights: list[Weights | None]
) -> Iterator[Member]:
    """Pass members on, and keep their weights."""
    for member in members:
        weights.append(member.weights)
        yield member


@dataclass(frozen=True)
class _Growth:
    """What :func:`grow` grows: the first members, or more of them later."""

    trained: TrainedNet
    X: Any
    y: Any
    tuning: FineTuning
    seeds: Sequence[int]
    chain: bool
    max_samples: float
    keep: bool
    known: MemberCache | DiskMemberCache
    n_jobs: int | None
    verbose: int

    def grow(self, size: int) -> Iterator[Member]:
        """Yield the first members, those that are not known newly grown."""
        names, parts = self.names(slice(size)), self._parts(slice(size))
        missing = [m for m, name in enumerate(names) if name not in self.known]
        if self.chain and missing:
            missing = list(range(missing[0], size))
        todo = [(parts[m], self.seeds[m]) for m in missing]
        if self.chain:
            start = self.trained
            if missing and missing[0] > 0:
                before = self.known[names[missing[0] - 1]]
                start = start._replace(weights=before.weights)
            bar = tqdm(todo, desc="members", disable=self.verbose < 1)
            grown = _chain(start, self.X, self.y, self.tuning, bar)
        else:
            net_and_data = self.trained, self.X, self.y, self.tuning
            how = self.keep, self.n_jobs, self.verbose
            grown = _independent(*net_and_data, todo, *how)
        for m, name in enumerate(names):
            yield (
                self.known.keep(name, next(grown)) if m in missing else self.known[name]
            )
        next(grown, None)  # lets the jobs end, and the progress bar

    def recall(self, reference: Evaluation, members: slice) -> EnsembleEvaluation:
        """Answer by some members that are known."""
        names, counted = self.names(members), self.counted(members)
        known = (self.known[name] for name in names)
        return collect(reference, known, len(names), counted)

    def names(self, members: slice) -> list[tuple]:
        """Return what members are known by."""
        # A member follows from the seeds on the way to it: several in a chain.
        where = range(len(self.seeds))[members]
        ways = (self.seeds[0 if self.chain else m : m + 1] for m in where)
        return [(self.tuning, self.max_samples, self.keep, tuple(way)) for way in ways]

    def counted(self, members: slice) -> np.ndarray | None:
        """Say which members did not train on which rows; None where all saw all."""
        if self.max_samples == 1:
            return None
        return _left_out(self._parts(members), len(self.X))

    def _parts(self, members: slice) -> list[np.ndarray | None]:
        seeds = self.seeds[members]
        return [_part(len(self.X), self.max_samples, seed) for seed in seeds]


def _reference(
    trained: TrainedNet, X: Any, y: Any, known: MemberCache | DiskMemberCache
) -> Evaluation:
    if "reference" in known:
        return known["reference"]
    return known.keep("reference", ask_reference(trained, X, y))


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
    jobs = [
        (net, X, y, tuning, keep, group)
        for net, group in spread_over_devices(trained, groups(plans, size))
    ]
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
    return [member_of(weights, evaluation, keep) for weights, evaluation in grown]


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
