"""Results in the store of a ``joblib.Memory``, each with a seal that shows damage.

joblib reads whatever is there: a truncated file raises an error, and one with changed
bytes gives another answer. Here a result is only read if a seal fits it, an empty file
with the checksum of the result in its name. Result and seal are put there such that
readers, and other writers of the same result, see it sealed or not at all.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import joblib
from joblib import Memory
from joblib.memory import FileSystemStoreBackend

from skgex._utils.checksum import checksum_of
from skgex._utils.environment import environment
from skgex._utils.unfinished import NOWHERE, Place
from skgex._utils.warnings import warn_caller
from skgex.exceptions import DamagedCacheWarning, UnkeptResultWarning

RESULT = "output.pkl"
UNFINISHED = "unfinished"  # the folder for drafts, beside the results


class FolderResults:
    """Results of one kind in a folder.

    Those of other versions and processors are kept apart.

    Parameters
    ----------
    memory : joblib.Memory
    kind : str
        A dotted name, such as that of a function.
    """

    def __init__(self, memory: Memory, kind: str):
        self._memory = memory
        self._root = _root(memory)
        self._folder = os.path.join(self._root, *kind.split("."))

    def holds(self, key: str) -> bool:
        """Return whether a result is there and whole; remove it if it is damaged."""
        path = self._path(key)
        if not os.path.exists(path):
            return False
        with suppress(OSError):
            if os.path.exists(_seal_of(path, path)):
                return True
        _discard(path)
        return False

    def find(self, key: str) -> tuple[bool, Any]:
        """Return whether a result is there and whole, and the result."""
        if self.holds(key):
            path = self._path(key)
            try:
                return True, joblib.load(path, mmap_mode=self._memory.mmap_mode)
            except Exception:  # as many kinds as there are ways to fail
                _discard(path)
        return False, None

    def keep(self, key: str, value: Any) -> tuple[bool, Any]:
        """Store a result, and return whether that worked, and the result.

        It is memory-mapped, if the memory maps. If it cannot be stored, a warning says
        so: the disk may be full.
        """
        path = self._path(key)
        part = os.path.join(os.path.dirname(path), f"{secrets.token_hex(8)}.part")
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            joblib.dump(value, part, compress=self._memory.compress)
            with open(_seal_of(path, part), "wb"):
                pass
            os.replace(part, path)
        except Exception as error:  # a part of the value may not be picklable
            with suppress(OSError):
                os.remove(part)
            _warn_unkept(self._root, error)
            return False, value
        found, stored = self.find(key)
        return found, stored if found else value

    def _path(self, key: str) -> str:
        return os.path.join(self._folder, key, RESULT)


class StoreResults:
    """Results of one kind in a store of the user's own, which looks after itself.

    Parameters
    ----------
    memory : joblib.Memory
    kind : str
    """

    def __init__(self, memory: Memory, kind: str):
        self._store = memory.store_backend
        self._kind = os.path.join(environment(), *kind.split("."))

    def holds(self, key: str) -> bool:
        """Return whether a result is there."""
        return self._store.contains_item([self._kind, key])

    def find(self, key: str) -> tuple[bool, Any]:
        """Return whether a result is there, and the result."""
        if not self.holds(key):
            return False, None
        try:
            return True, self._store.load_item([self._kind, key])
        except Exception:  # as many kinds as there are ways to fail
            return False, None

    def keep(self, key: str, value: Any) -> tuple[bool, Any]:
        """Store a result, and return whether that worked, and the result."""
        self._store.dump_item([self._kind, key], value)
        return self.holds(key), value


class NoResults:
    """No results, for a memory that is nowhere."""

    def holds(self, key: str) -> bool:
        """Return that nothing is there."""
        return False

    def find(self, key: str) -> tuple[bool, Any]:
        """Return that nothing is there."""
        return False, None

    def keep(self, key: str, value: Any) -> tuple[bool, Any]:
        """Return a result as it is."""
        return False, value


AnyResults = FolderResults | StoreResults | NoResults


def results_in(memory: Memory, kind: str) -> AnyResults:
    """Return the results of one kind in a memory.

    Parameters
    ----------
    memory : joblib.Memory
    kind : str
        A dotted name, such as that of a function.
    """
    if memory.store_backend is None:
        return NoResults()
    if isinstance(memory.store_backend, FileSystemStoreBackend):
        return FolderResults(memory, kind)
    return StoreResults(memory, kind)


def place_in(memory: Memory, identify: Callable[[], str]) -> Place:
    """Return where drafts of some work are kept: beside the results.

    A store of the user's own, which need not be a folder, has no drafts.

    Parameters
    ----------
    memory : joblib.Memory
    identify : callable
        Returns a hash of what the work follows from.
    """
    if not isinstance(memory.store_backend, FileSystemStoreBackend):
        return NOWHERE
    return Place(os.path.join(_root(memory), UNFINISHED), identify)


def _root(memory: Memory) -> str:
    """Return the folder for what is computed with these versions, on this processor."""
    # A job in another process may have another working directory.
    return os.path.join(os.path.abspath(memory.store_backend.location), environment())


def _seal_of(path: str, content: str) -> str:
    """Return the path of the seal of a result that has the content of a file."""
    with open(content, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        checksum = checksum_of(file, size)
    return os.path.join(os.path.dirname(path), f"seal-{size}-{checksum:08x}")


def _discard(path: str) -> None:
    """Remove a damaged result."""
    warn_caller(
        f"memory: {path} is damaged, or was not written to the end; what it held is "
        "made again.",
        DamagedCacheWarning,
    )
    with suppress(OSError):
        os.remove(path)


def _warn_unkept(folder: str, error: Exception) -> None:
    reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    warn_caller(
        f"memory: a result cannot be kept in {folder} ({reason}); the fit goes on.",
        UnkeptResultWarning,
    )
