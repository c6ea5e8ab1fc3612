"""joblib's Memory, except that what was damaged on disk is made again.

joblib reads whatever is there: a truncated file raises an error, and one with changed
bytes gives another answer. Here a result is followed by a seal, an empty file with the
checksum of the result in its name, and is only read if it still has that checksum.
Seals are files of their own, so that two processes that store the same result at the
same time do not undo each other's.
"""

import os
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import joblib
from joblib import Memory
from joblib.func_inspect import filter_args
from joblib.memory import (
    FileSystemStoreBackend,
    MemorizedFunc,
    MemorizedResult,
    extract_first_line,
)
from sklearn.utils.validation import check_memory as _check_memory

from skgex._utils.unfinished import NOWHERE, Place, working_at
from skgex._utils.warnings import warn_caller
from skgex.exceptions import DamagedCacheWarning

CHUNK = 2**20  # bytes that are read at once for a checksum
UNFINISHED = "unfinished"  # the folder for drafts, beside the results


class CheckedMemory:
    """A ``joblib.Memory`` whose results are checked before they are read.

    Parameters
    ----------
    memory : joblib.Memory
    """

    def __init__(self, memory: Memory):
        self._memory = memory

    @property
    def location(self) -> Any:
        """Where results are kept; None if nowhere."""
        return self._memory.location

    def place(self, identify: Callable[[], str]) -> Place:
        """Return where drafts of some work are kept.

        Parameters
        ----------
        identify : callable
            Returns a hash of what the work follows from.
        """
        return _place(self._memory, identify)

    def cache(
        self, function: Callable, ignore: Sequence[str] | None = None
    ) -> "CheckedFunction":
        """Return a function whose results are kept, except for ignored arguments."""
        return CheckedFunction(self._memory, function, ignore)


class CheckedFunction:
    """A function whose results are kept on disk, and checked before they are read.

    Parameters
    ----------
    memory : joblib.Memory
    function : callable
    ignore : sequence of str or None
        Names of arguments that the result does not depend on.
    """

    def __init__(
        self, memory: Memory, function: Callable, ignore: Sequence[str] | None
    ):
        self._memory, self._function, self._ignore = memory, function, ignore

    def __call__(self, *args: Any) -> Any:
        """Return the result: what was stored, if it is whole, or else a new one."""
        if self._memory.location is None:
            return self._function(*args)
        place = _place(self._memory, partial(self._identify, args))
        with working_at(place):
            result = self._read_or_make(args)
        place.clear()
        return result

    def _read_or_make(self, args: tuple) -> Any:
        for _ in range(2):  # what is damaged is removed first, and then made again
            stored, found = self._store(args)
            if not found:
                _seal(stored)
            if not found or _is_whole(stored):
                with suppress(Exception):  # as many kinds as there are ways to fail
                    return stored.get()
            _discard(stored)
        return self._function(*args)  # it cannot be stored: the disk may be full

    def _identify(self, args: tuple) -> str:
        """Return a hash of the function and the arguments that count."""
        counting = filter_args(self._function, self._ignore or [], args)
        name = self._function.__module__, self._function.__qualname__
        return joblib.hash((name, counting), coerce_mmap=True)

    def check_call_in_cache(self, *args: Any) -> bool:
        """Return whether a result is stored and whole; remove it if it is damaged."""
        if self._memory.location is None:
            return False
        if not self._cached().check_call_in_cache(*args):
            return False
        stored, _ = self._store(args)
        if not _is_whole(stored):
            _discard(stored)
            return False
        return True

    def _store(self, args: tuple) -> tuple[MemorizedResult, bool]:
        """Return where the result is, made now if need be, and whether it was there."""
        found: list[dict] = []

        def note(metadata: dict) -> bool:
            found.append(metadata)
            return True

        return self._cached(note).call_and_shelve(*args), bool(found)

    def _cached(self, note: Callable[[dict], bool] | None = None) -> MemorizedFunc:
        """Return joblib's function, which calls ``note`` for what is stored."""
        cached = self._memory.cache(
            self._function, ignore=self._ignore, cache_validation_callback=note
        )
        _check_code(cached)
        return cached


def check_memory(memory: str | Memory | CheckedMemory | None) -> CheckedMemory:
    """Return a memory for what estimators take as ``memory``."""
    if isinstance(memory, CheckedMemory):
        return memory
    return CheckedMemory(_check_memory(memory))


def _place(memory: Memory, identify: Callable[[], str]) -> Place:
    """Return where drafts are kept: beside the results, to be removed with them.

    A store of the user's own, which need not be a folder, has no drafts.
    """
    store = memory.store_backend
    if not isinstance(store, FileSystemStoreBackend):
        return NOWHERE
    return Place(os.path.join(os.path.abspath(store.location), UNFINISHED), identify)


def _file_of(stored: MemorizedResult) -> str:
    """Return the path of a result, where results are files."""
    place = stored.store_backend.location, stored.func_id, stored.args_id
    return os.path.join(*map(str, place), "output.pkl")


def _seal_of(stored: MemorizedResult) -> str:
    """Return the path of the seal that fits a result as it is now."""
    checksum = 0
    with open(_file_of(stored), "rb") as file:
        while chunk := file.read(CHUNK):
            checksum = zlib.crc32(chunk, checksum)
        size = file.tell()
    folder = os.path.dirname(_file_of(stored))
    return os.path.join(folder, f"seal-{size}-{checksum:08x}")


def _seal(stored: MemorizedResult) -> None:
    """Put a seal beside a new result."""
    with suppress(OSError), open(_seal_of(stored), "wb"):
        pass


def _is_whole(stored: MemorizedResult) -> bool:
    """Return whether a result is as it was when it was stored."""
    if not os.path.isdir(os.path.dirname(_file_of(stored))):
        return True  # a store of the user's own, which looks after itself
    try:
        return os.path.exists(_seal_of(stored))
    except OSError:
        return False


def _discard(stored: MemorizedResult) -> None:
    """Remove a damaged result."""
    _warn(_file_of(stored))
    stored.clear()


def _check_code(cached: MemorizedFunc) -> None:
    """Forget the results of a function whose recorded source is damaged.

    joblib compares it with the source of today, but cannot read all that may be there.
    """
    store, name = cached.store_backend, cached.func_id
    try:
        extract_first_line(store.get_cached_func_code([name]))
    except OSError:
        pass  # nothing is recorded yet
    except ValueError:
        _warn(os.path.join(str(store.location), name, "func_code.py"))
        cached.clear(warn=False)


def _warn(path: str) -> None:
    warn_caller(
        f"memory: {path} is damaged, or was not written to the end; what it held is "
        "made again.",
        DamagedCacheWarning,
    )
