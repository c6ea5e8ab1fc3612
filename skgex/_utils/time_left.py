"""How much of a computation is done, and how long it will still take.

Each stage predicts its own seconds from the steps that it has done. Stages that are yet
to come are predicted by the seconds that a unit of work took so far.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

# From this share of its steps on, a stage is predicted by them alone. Before, the work
# that was expected of it counts as well.
TRUSTED = 0.2

# As much seems to be done at most before the end.
ALMOST = 0.99


class Phase(NamedTuple):
    """A stage that is over, and that users want to know of.

    Attributes
    ----------
    name : str
    depth : int
        In how many other phases it took place.
    seconds : float
    """

    name: str
    depth: int
    seconds: float


@dataclass
class _Past:
    """A stage that is over, inside a step of another one."""

    name: str
    work: float | None
    seconds: float


@dataclass(eq=False)
class Stage:
    """A stage that is running.

    Attributes
    ----------
    name : str
    total, done : float
        Number of its steps.
    begun, reached : float
        When it began, and when its last step was done.
    first : tuple of (float, float) or None
        How many steps were done when it was first heard of, and when that was. What
        comes before is often a start that is not repeated.
    work : float or None
        As expected in its parent; None if nothing was.
    shown : bool
        Whether users want to know of it.
    inside : Stage or None
        The one that is running inside its present step.
    past : list
        Those that are over, inside the present step.
    plan : dict
        The work of those that are to come.
    """

    name: str
    total: float
    begun: float
    work: float | None = None
    shown: bool = False
    done: float = 0.0
    reached: float = 0.0
    first: tuple[float, float] | None = None
    inside: "Stage | None" = None
    past: list[_Past] = field(default_factory=list)
    plan: dict[str, float] = field(default_factory=dict)

    def reach(self, done: float, total: float | None, now: float) -> None:
        """Note how many steps are done."""
        self.total = max(self.total if total is None else total, done)
        self.done, self.reached, self.inside = done, now, None
        self.first = self.first or (done, now)
        self.past, self.plan = [], {}

    @property
    def is_planned(self) -> bool:
        """Whether the work of a stage inside the present step is known."""
        works = [past.work for past in self.past]
        works += [] if self.inside is None else [self.inside.work]
        return bool(self.plan) or any(work is not None for work in works)

    def expect(self, work: Mapping[str, float]) -> None:
        """Note the work of stages inside the present step."""
        for name, units in work.items():
            over = [past for past in self.past if past.name == name]
            if over:
                over[-1].work = units
            else:
                self.plan[name] = units

    def left(self, now: float, expected: float | None = None) -> float | None:
        """Return how many seconds it will still take; None if that is unknown.

        Parameters
        ----------
        now : float
        expected : float or None
            How many seconds it takes in all, by the work that is expected of it.
        """
        by_steps = self._left_by_steps(now)
        if expected is None:
            return by_steps
        by_work = max(expected - (now - self.begun), 0.0)
        if by_steps is None:
            return by_work
        elapsed = max(now - self.begun, 1e-9)
        trust = min(elapsed / (elapsed + by_steps) / TRUSTED, 1.0)
        return trust * by_steps + (1 - trust) * by_work

    def _left_by_steps(self, now: float) -> float | None:
        in_step = self._left_in_step(now)
        if in_step is not None:
            per_step = (now - self.begun + in_step) / (self.done + 1)
            return in_step + per_step * max(self.total - self.done - 1, 0.0)
        if self.done == 0:
            return None
        rest = self._seconds_per_step() * (self.total - self.done)
        return max(rest - (now - self.reached), 0.0)

    def _seconds_per_step(self) -> float:
        n_first, when_first = self.first or (0.0, self.begun)
        if self.done > n_first:
            return (self.reached - when_first) / (self.done - n_first)
        return (self.reached - self.begun) / self.done

    def _left_in_step(self, now: float) -> float | None:
        """Return the seconds left of the present step, by the stages inside it."""
        if self.inside is None and not self.is_planned:
            return None
        seconds = sum(past.seconds for past in self.past if past.work)
        units = sum(past.work for past in self.past if past.work)
        left = 0.0
        if self.inside is not None:
            work = self.inside.work
            expected = seconds / units * work if units and work else None
            found = self.inside.left(now, expected)
            if found is None:
                return None
            left = found
            if work:
                seconds += now - self.inside.begun + left
                units += work
        to_come = sum(self.plan.values())
        if to_come and not units:
            return None
        return left + (seconds / units * to_come if to_come else 0.0)


class TimeLeft:
    """A listener to stages that predicts how long they will still take.

    Parameters
    ----------
    name : str
        Of the computation as a whole.
    on_change : callable, default=None
        Called without arguments whenever a stage begins, advances or ends.
    clock : callable, default=time.perf_counter
        Returns the time, in seconds.

    Attributes
    ----------
    phases : list of Phase
        Those that are over.
    """

    def __init__(
        self,
        name: str,
        on_change: Callable[[], None] | None = None,
        clock: Callable[[], float] = perf_counter,
    ):
        self.phases: list[Phase] = []
        self._on_change, self._clock = on_change, clock
        self._running = [Stage(name, 1, clock())]
        self._share = 0.0

    @property
    def name(self) -> str:
        """The innermost phase that is running; else the computation as a whole."""
        shown = [stage.name for stage in self._running if stage.shown]
        return shown[-1] if shown else self._running[0].name

    @property
    def seconds(self) -> float:
        """How long the computation has been running."""
        return self._clock() - self._running[0].begun

    def progress(self) -> tuple[float, float | None]:
        """Return which share is done, which never falls, and how many seconds are left.

        The share is that of the time that the whole is predicted to take. None stands
        for an unknown time.
        """
        now, whole = self._clock(), self._running[0]
        left = whole.left(now) if whole.is_planned else None
        if left is not None:
            elapsed = now - whole.begun
            share = elapsed / (elapsed + left) if elapsed + left > 0 else 0.0
            self._share = max(self._share, min(share, ALMOST))
        return self._share, left

    def begin(self, name: str, total: float, *, shown: bool) -> Stage:
        """Note that a stage begins inside the one that is running."""
        parent, now = self._running[-1], self._clock()
        stage = Stage(name, total, now, parent.plan.pop(name, None), shown)
        parent.inside = stage
        self._running.append(stage)
        self._changed()
        return stage

    def reach(self, stage: Stage, done: float, total: float | None = None) -> None:
        """Note how many steps of a stage are done."""
        if stage in self._running:
            del self._running[self._running.index(stage) + 1 :]
            stage.reach(done, total, self._clock())
            self._changed()

    def end(self, stage: Stage) -> None:
        """Note that a stage is over."""
        if stage not in self._running:  # one around it was ended first
            return
        del self._running[self._running.index(stage) :]
        parent, seconds = self._running[-1], self._clock() - stage.begun
        parent.inside = None
        parent.past.append(_Past(stage.name, stage.work, seconds))
        if stage.shown:
            depth = sum(each.shown for each in self._running)
            self.phases.append(Phase(stage.name, depth, seconds))
        self._changed()

    def expect(self, work: Mapping[str, float]) -> None:
        """Note the work of stages inside the one that is running."""
        self._running[-1].expect(work)

    def _changed(self) -> None:
        if self._on_change is not None:
            self._on_change()
