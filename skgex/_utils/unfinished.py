"""The state of long work, kept on disk while it goes on, so that a kill costs seconds.

What is done is kept by :mod:`skgex._utils.memory`. Here is what is not done yet. A
draft is a file with the state from which a part of some work can go on. It is written
every few seconds, read when the same work begins again, and removed once the work is
done. A draft that cannot be written or read costs time, and never changes an answer.

A function whose results ``memory`` keeps finds its place by :func:`current_place`:

>>> from skgex._utils.unfinished import current_place
>>> def count_to(n):
...     draft = current_place().draft("count")
...     done = draft.read() or 0
...     for step in range(done, n):
...         if draft.is_due():
...             draft.write(step)
...     return n
>>> count_to(3)
3
"""

import os
import pickle
import shutil
import time
import zlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, BinaryIO, cast

import joblib

from skgex._utils.checksum import checksum_of

# Seconds of work before the first write, and between two.
INTERVAL = 5.0
# Writing takes at most one of this many parts of the time.
PATIENCE = 20
# Seconds of work from which on its result is worth a file.
WORTH_KEEPING = 0.5

CHECKSUM = 4  # bytes at the end of a file that hold it


class Place:
    """Where the drafts of some work are kept: a folder, or nowhere.

    Parameters
    ----------
    store : str or None
        The folder of all unfinished work; None keeps nothing.
    identify : callable
        Returns a hash of what the work follows from. It is called when a draft is read
        or written for the first time, since large data take long to hash.
    """

    def __init__(self, store: str | None, identify: Callable[[], str] = str):
        self._store, self._identify = store, identify
        self._folder: str | None = None
        self._counts: Counter[str] = Counter()

    def draft(self, *key: Hashable) -> "Draft":
        """Return the draft of a part of the work, which its key tells from others."""
        return Draft(self, joblib.hash(key) if self.keeps else "")

    def next_draft(self, kind: str) -> "Draft":
        """Return the draft of the next part of a kind; parts come in the same order."""
        self._counts[kind] += 1
        return self.draft(kind, self._counts[kind])

    @property
    def keeps(self) -> bool:
        """Whether drafts are kept at all."""
        return self._store is not None

    def may_hold_any(self) -> bool:
        """Return whether there are drafts, be it of other work."""
        return self._store is not None and os.path.isdir(self._store)

    def folder(self) -> str:
        """Return the folder of this work, in a place that keeps drafts."""
        if self._folder is None:
            self._folder = os.path.join(cast(str, self._store), self._identify())
        return self._folder

    def clear(self) -> None:
        """Remove all drafts of this work: it is done."""
        if self._folder is not None:  # else there never was one
            shutil.rmtree(self._folder, ignore_errors=True)
            self.tidy()

    def tidy(self) -> None:
        """Remove folders that hold nothing any more."""
        with suppress(OSError):
            os.rmdir(self.folder())
        with suppress(OSError):
            os.rmdir(os.path.dirname(self.folder()))

    def __getstate__(self) -> dict:
        """Find the folder before this goes to another process, which has no data."""
        folder = self.folder() if self.keeps else None
        return {**vars(self), "_folder": folder, "_identify": str}


NOWHERE = Place(None)

_CURRENT: ContextVar[Place] = ContextVar("place", default=NOWHERE)


def current_place() -> Place:
    """Return where the call that is computed just now may keep its drafts."""
    return _CURRENT.get()


@contextmanager
def working_at(place: Place) -> Iterator[None]:
    """Keep the drafts of what is computed in this context at a place.

    It holds for this thread. Jobs for other threads and processes take a draft along
    as an argument.
    """
    token = _CURRENT.set(place)
    try:
        yield
    finally:
        _CURRENT.reset(token)


class Draft:
    """The state of one part of some work, in a file.

    Its clock begins to run when it is made, and anew in another process.

    Parameters
    ----------
    place : Place
    name : str
        Of the file.
    """

    def __init__(self, place: Place, name: str):
        self._place, self._name = place, name
        self._start()

    @property
    def keeps(self) -> bool:
        """Whether anything is kept."""
        return self._place.keeps

    def read(self) -> Any:
        """Return what was written last; None if there is none, or it is damaged."""
        if not self._place.may_hold_any():
            return None
        # There are as many kinds of exceptions as ways to fail.
        with suppress(Exception), open(self._path(), "rb") as file:
            if _is_whole(file):
                return pickle.load(file)
        return None

    def is_due(self) -> bool:
        """Return whether the state should be written now."""
        return self.keeps and time.monotonic() - self._written >= self._pause

    def write(self, state: Any) -> None:
        """Write a state, which replaces the last one.

        If that fails, the work goes on without: the disk may be full, the folder may be
        on another machine, or a part of the state may not be picklable.
        """
        if not self.keeps:
            return
        before = time.monotonic()
        new = self._path() + ".part"
        try:
            os.makedirs(os.path.dirname(new), exist_ok=True)
            with open(new, "wb") as file:
                _dump(state, file)
            os.replace(new, self._path())
        except Exception:  # whatever a state raises that cannot be pickled
            with suppress(OSError):
                os.remove(new)
        self._written = time.monotonic()
        self._pause = max(INTERVAL, PATIENCE * (self._written - before))

    def write_result(self, result: Any) -> None:
        """Write what came out, unless it can be made again in no time."""
        if time.monotonic() - self._begun >= WORTH_KEEPING:
            self.write(result)

    def remove(self) -> None:
        """Remove the file: what it holds is kept elsewhere, or is not needed."""
        if self._place.may_hold_any():
            with suppress(OSError):
                os.remove(self._path())
            self._place.tidy()

    def _start(self) -> None:
        self._begun = self._written = time.monotonic()
        self._pause = INTERVAL

    def _path(self) -> str:
        return os.path.join(self._place.folder(), self._name)

    def __getstate__(self) -> dict:
        return {"_place": self._place, "_name": self._name}

    def __setstate__(self, state: dict) -> None:
        vars(self).update(state)
        self._start()


NO_DRAFT = NOWHERE.draft()


class _Summed:
    """A file that is written to, and the checksum of what was written."""

    def __init__(self, file: BinaryIO):
        self._file, self.checksum = file, 0

    def write(self, content: Any) -> int:
        """Write, and add to the checksum."""
        self.checksum = zlib.crc32(content, self.checksum)
        return self._file.write(content)


def _dump(state: Any, file: BinaryIO) -> None:
    """Write a state, and a checksum after it."""
    summed = _Summed(file)
    pickle.dump(state, summed, protocol=5)
    file.write(summed.checksum.to_bytes(CHECKSUM, "big"))


def _is_whole(file: BinaryIO) -> bool:
    """Return whether a file ends with its checksum, and go back to its beginning."""
    size = os.fstat(file.fileno()).st_size - CHECKSUM
    if size <= 0:
        return False
    checksum = checksum_of(file, size)
    whole = file.read(CHECKSUM) == checksum.to_bytes(CHECKSUM, "big")
    file.seek(0)
    return whole
