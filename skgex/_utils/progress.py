"""How far a long computation is: its stages say so, to whoever listens.

A fit has several stages, some of which have stages inside. Whoever shows a progress bar
over all of them listens; if nobody does, stages cost nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Protocol

# Says how many steps of a stage are done; and, if it has changed, of how many.
Reach = Callable[..., None]


class Listener(Protocol):
    """Who hears of stages, in the thread that computes; it should return soon."""

    def begin(self, name: str, total: float, *, shown: bool) -> Any:
        """Hear that a stage begins inside the present one; return what identifies it.

        Parameters
        ----------
        name : str
        total : float
            Number of its steps, if it is not cut short.
        shown : bool
            Whether users want to know of it.
        """

    def reach(self, stage: Any, done: float, total: float | None = None) -> None:
        """Hear how many steps of a stage are done; all stages inside it have ended."""

    def end(self, stage: Any) -> None:
        """Hear that a stage is over; it is not called if an error ends it."""

    def expect(self, work: Mapping[str, float]) -> None:
        """Hear how much work stages inside the present one are."""


_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Tell a listener of all stages inside this context."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def anyone_listens() -> bool:
    """Return whether stages are heard of."""
    return _LISTENER.get() is not None


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Run a stage that users are shown, by a name that says what is done."""
    with _stage(name, 1, shown=True):
        yield


@contextmanager
def steps(name: str, total: float) -> Iterator[Reach]:
    """Run a stage that has steps, inside a phase or another stage.

    Yields
    ------
    reach : callable
        To be called with the number of steps that are done, and with their new total
        where that changes.
    """
    with _stage(name, total, shown=False) as reach:
        yield reach


def expect(work: Mapping[str, float]) -> None:
    """Say how much work stages are, so that the time left can be estimated.

    Parameters
    ----------
    work : mapping of str to float
        By the name of the stage, in any unit that is common to all of them. They take
        place inside the present step of the present stage. What was said of a stage
        before is corrected, also if it is over.
    """
    listener = _LISTENER.get()
    if listener is not None:
        listener.expect(work)


@contextmanager
def _stage(name: str, total: float, *, shown: bool) -> Iterator[Reach]:
    listener = _LISTENER.get()
    if listener is None:
        yield _ignore
        return
    stage = listener.begin(name, total, shown=shown)
    yield partial(listener.reach, stage)
    listener.end(stage)


def _ignore(*_: float) -> None:
    """Do what is done if nobody listens."""
