"""Growth of an ensemble: members fine-tuned once each, and reused from a cache."""

from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

import joblib
import numpy as np
from joblib import Memory

from skgex._data.groups import draw_groups
from skgex._ensemble.cache import AnyCache, DiskMemberCache
from skgex._ensemble.ensemble import GeometricEnsemble, evaluate_trained, in_groups
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation, combine
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.member import Member, Plan, grow_member, member_of
from skgex._ensemble.stackable import can_batch
from skgex._ensemble.stacked import GROUP_SIZE, grow_group
from skgex._nets.devices import spread_over_devices
from skgex._nets.evaluation import Evaluation
from skgex._nets.snapshot import TrainedNet, Weights
from skgex._utils.parallel import run
from skgex._utils.progress import expect, steps
from skgex._utils.unfinished import NO_DRAFT, Draft

Keys: TypeAlias = Sequence[Hashable]
Rows: TypeAlias = Sequence[np.ndarray | None]


def _no_cache() -> AnyCache:
    return DiskMemberCache(Memory(None))


@dataclass(frozen=True)
class Growth:
    """How the members around one trained net are made, from the first to the last.

    Attributes
    ----------
    trained : TrainedNet
        θ*, where members start.
    X : ndarray of shape (n_samples, ...) or Dataset
        Samples in the dtype of the net.
    y : ndarray of shape (n_samples, ...) or None
        Targets as the net takes them.
    tuning : FineTuning
        Steps, learning rate, momentum and schedule.
    seeds : sequence of int
        One per member: its shuffling, dropout, augmentation and part of the samples.
    chain : bool
        Start each member from the one before instead of θ*.
    max_samples : float in (0, 1]
        Share of the samples that each member is fine-tuned on; it counts for the
        others.
    keep_weights : bool
        Keep the members' weights. Without them, no other samples can be evaluated.
    cache : MemberCache or DiskMemberCache
        What was made before from the same net and samples; what is new goes there.
    n_jobs : int or None
        Independent members made side by side; the answer does not depend on it.
    groups : ndarray of shape (n_samples,), dtype=int or None
        Samples of the same group are drawn or left out together.
    reference : Evaluation or None
        Of the samples under θ*; None if it is yet to be made.
    start : dict or None
        Weights of another net that every second member starts from; None lets all
        start from θ*. Not for a chain.
    """

    trained: TrainedNet
    X: Any
    y: Any
    tuning: FineTuning
    seeds: Sequence[int]
    chain: bool = False
    max_samples: float = 1.0
    keep_weights: bool = True
    cache: AnyCache = field(default_factory=_no_cache)
    n_jobs: int | None = None
    groups: np.ndarray | None = None
    reference: Evaluation | None = None
    start: Weights | None = None

    @property
    def n_starts(self) -> int:
        """From how many nets members start in turn: the first of each from θ*."""
        return 1 if self.start is None else 2

    def grow(self, n_members: int) -> tuple[GeometricEnsemble, EnsembleEvaluation]:
        """Fine-tune the first members, reusing those already in the cache.

        Parameters
        ----------
        n_members : int
            How many, no more than there are seeds.

        Returns
        -------
        ensemble : GeometricEnsemble
        evaluation : EnsembleEvaluation
            Of all samples, in order.
        """
        weights: list[Weights | None] = []
        with closing(self._members(n_members)) as members:
            evaluation = combine(
                self._reference(),
                _noting_weights(members, weights),
                n_members,
                self._counted(slice(n_members)),
                self.n_starts,
            )
        if not self.keep_weights:
            return GeometricEnsemble(self.trained, None, self.n_starts), evaluation
        kept = [each for each in weights if each is not None]
        return GeometricEnsemble(self.trained, kept, self.n_starts), evaluation

    def halves(self, n_members: int) -> tuple[EnsembleEvaluation, EnsembleEvaluation]:
        """Return what the first and the second half of the members say.

        They must have been grown, into a cache that keeps them.
        """
        first = self._recall(slice(n_members // 2))
        return first, self._recall(slice(n_members // 2, n_members))

    def retain(self, n_members: int) -> None:
        """Drop all but the first members from the cache."""
        self.cache.retain(["reference", *self._keys(slice(n_members))])

    def _members(self, n_members: int) -> Generator[Member, None, None]:
        """Yield the first members, those that are not in the cache newly grown."""
        keys = self._keys(slice(n_members))
        rows = self._rows(slice(n_members))
        missing = [m for m, key in enumerate(keys) if key not in self.cache]
        if self.chain and missing:  # all that follow a missing one start from it
            missing = list(range(missing[0], n_members))
        plans = {m: Plan(rows[m], self.seeds[m], self._start(m)) for m in missing}
        if self.chain:
            start = self._start_of(missing[0], keys, rows) if missing else self.trained
            grown = self._grow_chain(start, keys, plans)
        else:
            grown = self._grow_independent(keys, plans)
        with closing(grown):  # an interrupt ends the jobs, whoever holds its traceback
            for m, key in enumerate(keys):
                if m in missing:
                    yield self.cache.keep(key, next(grown))
                else:
                    yield self._find(m, keys, rows)
            next(grown, None)  # lets the jobs end

    def _find(self, m: int, keys: Keys, rows: Rows) -> Member:
        """Return a member that was in the cache, grown anew if it is so no more."""
        with suppress(KeyError):
            return self.cache[keys[m]]
        plan = Plan(rows[m], self.seeds[m], self._start(m))
        if self.chain:
            (member,) = self._grow_chain(self._start_of(m, keys, rows), keys, {m: plan})
        else:
            (member,) = self._grow_independent(keys, {m: plan})
        return self.cache.keep(keys[m], member)

    def _start(self, m: int) -> Weights | None:
        """Return the weights that a member starts from; None stands for those of θ*."""
        return self.start if m % 2 else None

    def _start_of(self, m: int, keys: Keys, rows: Rows) -> TrainedNet:
        """Return what a member of a chain starts from: the one before."""
        if m == 0:
            return self.trained
        before = self._find(m - 1, keys, rows).weights
        assert before is not None  # members of a chain are cached with them
        return self.trained._replace(weights=before)

    def _grow_chain(
        self, start: TrainedNet, keys: Keys, plans: dict[int, Plan]
    ) -> Generator[Member, None, None]:
        """Grow each member from the one before, one after the other."""
        with steps("members", len(plans)) as reach:
            for done, (m, plan) in enumerate(plans.items(), 1):
                draft = self.cache.draft("growing", keys[m])
                # The next member needs the weights, whether or not they are kept.
                given = start, self.X, self.y, self.tuning, plan
                member = grow_member(*given, draft=draft)
                reach(done)
                yield member
                draft.remove()
                assert member.weights is not None
                start = start._replace(weights=member.weights)

    def _grow_independent(
        self, keys: Keys, plans: dict[int, Plan]
    ) -> Generator[Member, None, None]:
        """Grow members that do not depend on each other, side by side.

        Parameters
        ----------
        keys : sequence
            Of all members, those in the cache among them.
        plans : dict of Plan by int
            Of the others, by position.

        Yields
        ------
        member : Member
            Of each plan. It is to be kept before the next one is asked for.
        """
        expect({"jobs": 1})  # not what is tried to see whether they can be stacked
        grow_some, size = _grow_each, 1
        several = bool(plans) and len(keys) > 1
        if several and can_batch(self.trained, self.X, self.y, self.start):
            grow_some, size = _grow_together, GROUP_SIZE
        tasks = [
            self._task(keys, group, plans)
            for group in in_groups(range(len(keys)), size)
            if any(m in plans for m in group)
        ]
        jobs = [
            (grow_some, net, self.X, self.y, self.tuning, self.keep_weights, task)
            for net, task in spread_over_devices(self.trained, tasks)
        ]
        groups = run(_grow_task, jobs, n_jobs=self.n_jobs)
        for task, members in zip(tasks, groups, strict=True):
            yield from members
            task.forget()

    def _task(
        self, keys: Sequence[Hashable], group: Sequence[int], plans: dict[int, Plan]
    ) -> "_Task":
        """Return the task to grow those members of a group that have plans.

        Groups are cut by position, whichever members are missing. So what was made of a
        group is found again even if the process ended while its members were stored.
        """
        wanted = [m for m in group if m in plans]
        return _Task(
            [keys[m] for m in wanted],
            [plans[m] for m in wanted],
            self.cache.draft("growing", *(keys[m] for m in wanted)),
            self.cache.draft("grown", *(keys[m] for m in group)),
        )

    def _reference(self) -> Evaluation:
        if self.reference is not None:
            return self.reference
        return evaluate_once(self.trained, self.X, self.y, self.cache)

    def _recall(self, which: slice) -> EnsembleEvaluation:
        """Return what some members in the cache say."""
        start, stop, _ = which.indices(len(self.seeds))
        members = islice(self._members(stop), start, None)
        counted = self._counted(which)
        return combine(self._reference(), members, stop - start, counted, self.n_starts)

    def _keys(self, which: slice) -> list[Hashable]:
        """Return what identifies some members among all of this net and data."""
        # A member follows from the seeds on the way to it: several in a chain.
        positions = range(len(self.seeds))[which]
        ways = (self.seeds[0 if self.chain else m : m + 1] for m in positions)
        settings: tuple = self.tuning, self.max_samples, self.keep_weights
        if self.groups is not None and self.max_samples < 1:
            settings += (joblib.hash(self.groups),)
        other = () if self.start is None else (joblib.hash(self.start),)
        return [
            (*settings, tuple(way), *(other if self._start(m) else ()))
            for m, way in zip(positions, ways, strict=True)
        ]

    def _counted(self, which: slice) -> np.ndarray | None:
        """Return which members were not fine-tuned on which rows; None if on all."""
        if self.max_samples == 1:
            return None
        return _left_out(self._rows(which), len(self.X))

    def _rows(self, which: slice) -> list[np.ndarray | None]:
        """Return the rows that some members are fine-tuned on."""
        seeds = self.seeds[which]
        size = len(self.X), self.max_samples
        return [_draw_rows(*size, seed, self.groups) for seed in seeds]


def evaluate_once(trained: TrainedNet, X: Any, y: Any, cache: AnyCache) -> Evaluation:
    """Evaluate samples under θ*, or take it from the cache."""
    with suppress(KeyError):
        return cache["reference"]
    return cache.keep("reference", evaluate_trained(trained, X, y))


def _noting_weights(
    members: Iterable[Member], weights: list[Weights | None]
) -> Iterator[Member]:
    """Pass members on, and keep their weights."""
    for member in members:
        weights.append(member.weights)
        yield member


class _Task(NamedTuple):
    """Some members to be grown by one job.

    Attributes
    ----------
    keys : list
        What identifies each among all of this net and data.
    plans : list of Plan
    state : Draft
        Keeps the state of their fine-tuning on the way.
    results : Draft
        Keeps several members by key, until all of them are in the cache. Another
        process may make them, long before it is their turn to be stored.
    """

    keys: list[Hashable]
    plans: list[Plan]
    state: Draft
    results: Draft

    def forget(self) -> None:
        """Remove what was kept: all members are in the cache."""
        self.state.remove()
        self.results.remove()


def _grow_task(grow_some: Callable, *arguments: Any) -> list[Member]:
    """Grow the members of a task, unless that was done and only not stored yet."""
    *others, task = arguments
    kept = task.results.read() or {}
    if all(key in kept for key in task.keys):
        return [kept[key] for key in task.keys]
    members: list[Member] = grow_some(*others, task.plans, task.state)
    if len(members) > 1:
        # They are stored one after the other. What is missing of a group that is stored
        # in part would be grown in a smaller group, which has other last bits.
        task.results.write(dict(zip(task.keys, members, strict=True)))
        task.state.remove()
    return members


def _grow_each(
    trained: TrainedNet,
    X: Any,
    y: Any,
    tuning: FineTuning,
    keep_weights: bool,
    plans: Sequence[Plan],
    draft: Draft,
) -> list[Member]:
    """Grow members one by one."""
    if len(plans) > 1:  # one draft cannot hold the state of several
        draft = NO_DRAFT
    given = trained, X, y, tuning
    members: list[Member] = []
    with steps("members", len(plans)) as reach:
        for plan in plans:
            members.append(grow_member(*given, plan, None, keep_weights, draft))
            reach(len(members))
    return members


def _grow_together(
    trained: TrainedNet,
    X: Any,
    y: Any,
    tuning: FineTuning,
    keep_weights: bool,
    plans: Sequence[Plan],
    draft: Draft,
) -> list[Member]:
    """Grow members as one program, unless their batches turn out to differ in size."""
    grown = grow_group(trained, X, y, tuning, plans=plans, draft=draft)
    if grown is None:
        return _grow_each(trained, X, y, tuning, keep_weights, plans, draft)
    return [member_of(*member, keep_weights) for member in grown]


def _draw_rows(
    n_samples: int, max_samples: float, seed: int, groups: np.ndarray | None = None
) -> np.ndarray | None:
    """Draw the rows that a member is fine-tuned on; None stands for all."""
    if max_samples == 1:
        return None
    size = max(1, int(max_samples * n_samples))
    if groups is not None:
        return draw_groups(groups, size, seed)
    return np.random.RandomState(seed).choice(n_samples, size, replace=False)


def _left_out(seen: Sequence[np.ndarray | None], n_samples: int) -> np.ndarray:
    """Return which members did not see which rows.

    A row that all of them saw counts under all: there is nothing better.
    """
    counted = np.ones((n_samples, len(seen)), dtype=bool)
    for m, rows in enumerate(seen):
        counted[rows, m] = False
    counted[~counted.any(axis=1)] = True
    return counted
