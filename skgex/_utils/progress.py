"""What a long computation says of how far it is, to whoever listens.

A fit has several stages, deep inside of each other. Whoever shows a progress bar over
all of them listens; if nobody does, announcements cost nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Of a stage's name, how many of its steps are done, and how many it has at most.
Listener = Callable[[str, int, int], None]

_LISTENER: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Pass all that is announced inside this context to a listener.

    Parameters
    ----------
    listener : callable
        It is called in the thread that computes, and should return soon.
    """
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def announce(stage: str, done: int, total: int) -> None:
    """Tell the listener, if there is one, how far a stage is.

    Parameters
    ----------
    stage : str
    done : int
        Number of steps that are done; 0 where the stage begins.
    total : int
        Number of steps that the stage has, if it is not cut short.
    """
    listener = _LISTENER.get()
    if listener is not None:
        listener(stage, done, total)


def anyone_listens() -> bool:
    """Return whether announcements are heard."""
    return _LISTENER.get() is not None
