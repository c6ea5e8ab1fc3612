"""The progress of a fit on stderr: a bar where somebody watches, lines in a file."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from typing import Any, Protocol

from skgex._utils.progress import anyone_listens, listening
from skgex._utils.time_left import TimeLeft

# Seconds between two pictures of the bar, and between two lines in a file.
BAR_INTERVAL = 0.1
LINE_INTERVAL = 10.0

# The size of a terminal that does not know its own, as in some containers.
UNKNOWN_SIZE = {"ncols": 80, "nrows": 24}

# From this ``verbose`` on, the seconds of each phase are printed.
PHASES = 2


@contextmanager
def showing_progress(name: str, verbose: int) -> Iterator[None]:
    """Show how far the computation inside this context is, if ``verbose`` is above 0.

    Nothing is shown inside a computation whose progress is shown already.

    Parameters
    ----------
    name : str
        Of the computation, such as the class of the estimator.
    verbose : int
        From 1, progress is shown; from 2, also the seconds that each phase took.
    """
    if verbose < 1 or sys.stderr is None or anyone_listens():
        yield
        return
    display = _Display(name, verbose)
    with listening(display.time_left):
        try:
            yield
        except BaseException:
            display.close(finished=False)
            raise
        display.close(finished=True)


class _Display:
    """Draws what is known of a computation, not too often."""

    def __init__(self, name: str, verbose: int):
        self.time_left = TimeLeft(name, self._refresh)
        self._name, self._verbose = name, verbose
        self._n_listed = 0
        self._surface = _surface(name)
        self._next = self._surface.interval

    def _refresh(self) -> None:
        with self._surviving():
            self._list_phases()
            if self.time_left.seconds >= self._next:
                self._next = self.time_left.seconds + self._surface.interval
                self._surface.draw(self.time_left)

    def close(self, *, finished: bool) -> None:
        """Leave the last picture; that of the whole if the computation is over."""
        with self._surviving():
            self._list_phases()
            self._surface.close(self._name, self.time_left.seconds, finished=finished)

    def _list_phases(self) -> None:
        """Print phases that are over, if the user wants to know of each."""
        phases = self.time_left.phases
        if self._verbose >= PHASES:
            for phase in phases[self._n_listed :]:
                indent = "  " * phase.depth
                self._surface.write(f"{indent}{phase.name}: {phase.seconds:.1f} s")
        self._n_listed = len(phases)

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        """Give up the display, not the fit, if nobody can be shown anything any more.

        A terminal may be closed, and a pipe may end, while a long fit runs.
        """
        try:
            yield
        except (OSError, ValueError):  # ValueError: the stream was closed
            self._surface = _Nowhere()


class _Surface(Protocol):
    """Where progress is shown."""

    interval: float

    def draw(self, time_left: TimeLeft) -> None:
        """Show how far it is."""

    def write(self, line: str) -> None:
        """Print a line that stays."""

    def close(self, name: str, seconds: float, *, finished: bool) -> None:
        """Show that it is over; if it is not finished, leave it where it was."""


def _surface(name: str) -> _Surface:
    """Return where to show progress: a bar in terminals and notebooks, else lines.

    Worker processes share one terminal, and their bars would overwrite each other.
    """
    from tqdm.auto import tqdm

    in_notebook = any(cls.__module__ == "tqdm.notebook" for cls in tqdm.__mro__)
    in_terminal = sys.stderr.isatty() and parent_process() is None
    return _Bar(name, tqdm) if in_notebook or in_terminal else _Lines()


class _Bar:
    """A bar of tqdm's, that of the terminal or that of the notebook."""

    def __init__(self, name: str, kind: Any):
        self.interval = BAR_INTERVAL
        # No thread that watches for bars that seldom advance.
        quiet = type("Bar", (kind,), {"monitor_interval": 0})
        self._bar = quiet(
            total=1.0,
            desc=name,
            file=sys.stderr,
            bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}{postfix}",
            **_size(),
        )

    def draw(self, time_left: TimeLeft) -> None:
        self._bar.n, left = time_left.progress()
        self._bar.set_description_str(time_left.name, refresh=False)
        if left is not None:
            text = f"{self._bar.format_interval(left)} left"
            self._bar.set_postfix_str(text, refresh=False)
        self._bar.refresh()

    def write(self, line: str) -> None:
        self._bar.write(line, file=sys.stderr)

    def close(self, name: str, seconds: float, *, finished: bool) -> None:
        if finished:
            self._bar.n = self._bar.total
            self._bar.set_description_str(name, refresh=False)
        self._bar.set_postfix_str("", refresh=False)
        self._bar.refresh()
        self._bar.close()


def _size() -> dict[str, int]:
    """Return tqdm's arguments on the size of the terminal, which may change."""
    try:
        is_known = os.get_terminal_size(sys.stderr.fileno()).columns > 0
    except (OSError, ValueError):  # a notebook
        is_known = True
    return {"dynamic_ncols": True} if is_known else UNKNOWN_SIZE


class _Lines:
    """Plain lines, few enough for a file."""

    def __init__(self) -> None:
        self.interval = LINE_INTERVAL

    def draw(self, time_left: TimeLeft) -> None:
        share, left = time_left.progress()
        text = f"{time_left.name}: {share:.0%}, {_minutes(time_left.seconds)} passed"
        self.write(text if left is None else f"{text}, {_minutes(left)} left")

    def write(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def close(self, name: str, seconds: float, *, finished: bool) -> None:
        if finished:
            self.write(f"{name}: 100%, {seconds:.1f} s")


class _Nowhere:
    """Shows nothing."""

    interval = float("inf")

    def draw(self, time_left: TimeLeft) -> None:
        pass

    def write(self, line: str) -> None:
        pass

    def close(self, name: str, seconds: float, *, finished: bool) -> None:
        pass


def _minutes(seconds: float) -> str:
    """Return a time as tqdm writes it, such as 02:30."""
    from tqdm import tqdm

    return tqdm.format_interval(seconds)
