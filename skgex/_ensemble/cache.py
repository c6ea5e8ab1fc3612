"""Members that were made once, found again by what they follow from."""

from collections.abc import Hashable, Iterable
from typing import Any, cast

import joblib
from joblib import Memory

from skgex._utils.memory import CheckedMemory, check_memory
from skgex._utils.unfinished import NO_DRAFT, Draft


class MemberCache(dict):
    """What one estimator keeps between its fits: a mapping from keys to members."""

    def keep(self, key: Hashable, value: Any) -> Any:
        """Store a value, and return it."""
        self[key] = value
        return value

    def retain(self, keys: Iterable[Hashable]) -> None:
        """Drop everything that has none of these keys."""
        for key in self.keys() - set(keys):
            del self[key]

    def draft(self, *key: Hashable) -> Draft:
        """Return a draft that nothing is kept in: this ends with its process."""
        return NO_DRAFT


class DiskMemberCache:
    """The same mapping on disk, shared by all fits on the same data and net.

    Parameters
    ----------
    memory : joblib.Memory
        With no location, nothing is kept.
    origin : object
        What the values follow from besides their key; hashed once.
    """

    def __init__(self, memory: Memory | CheckedMemory, origin: Any = None):
        self._origin = None if memory.location is None else joblib.hash(origin)
        checked = check_memory(memory)
        self._call = checked.cache(_given, ignore=["value"])
        self._place = checked.place(lambda: cast(str, self._origin))

    def __contains__(self, key: Hashable) -> bool:
        return self._call.check_call_in_cache(self._origin, key, None)

    def __getitem__(self, key: Hashable) -> Any:
        return self._call(self._origin, key, None)

    def keep(self, key: Hashable, value: Any) -> Any:
        """Store a value, and return it, memory-mapped if the memory maps."""
        return self._call(self._origin, key, value)

    def retain(self, keys: Iterable[Hashable]) -> None:
        """Drop nothing: other estimators may ask for it."""

    def draft(self, *key: Hashable) -> Draft:
        """Return where a value that is not there yet may be kept in the making."""
        return self._place.draft(*key)


AnyCache = MemberCache | DiskMemberCache


def _given(origin: str, key: Hashable, value: Any) -> Any:
    """Return a value that is made already, so that the memory stores it."""
    if value is None:
        raise KeyError(key)  # deleted from the disk since it was looked for
    return value
