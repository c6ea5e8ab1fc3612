"""Members that were made once, found again by what they follow from."""

from collections.abc import Hashable, Iterable
from typing import Any

from joblib import Memory

from skgex._utils.memory import CheckedMemory, check_memory
from skgex._utils.unfinished import NO_DRAFT, Draft
from skgex._utils.value_hash import hash_of


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
        checked = check_memory(memory)
        self._is_somewhere = memory.location is not None
        self._origin = hash_of(origin) if self._is_somewhere else ""
        self._results = checked.results(__name__)
        self._place = checked.place(lambda: self._origin)
        self._unkept: dict[str, Any] = {}  # for which there was no room

    def __contains__(self, key: Hashable) -> bool:
        name = self._name(key)
        return name in self._unkept or self._results.holds(name)

    def __getitem__(self, key: Hashable) -> Any:
        name = self._name(key)
        if name in self._unkept:
            return self._unkept[name]
        found, value = self._results.find(name)
        if not found:
            raise KeyError(key)  # deleted from the disk since it was looked for
        return value

    def keep(self, key: Hashable, value: Any) -> Any:
        """Store a value, and return it, memory-mapped if the memory maps."""
        name = self._name(key)
        kept, value = self._results.keep(name, value)
        if self._is_somewhere and not kept:
            self._unkept[name] = value
        return value

    def retain(self, keys: Iterable[Hashable]) -> None:
        """Drop nothing: other estimators may ask for it."""

    def draft(self, *key: Hashable) -> Draft:
        """Return where a value that is not there yet may be kept in the making."""
        return self._place.draft(*key)

    def _name(self, key: Hashable) -> str:
        return hash_of((self._origin, key))


AnyCache = MemberCache | DiskMemberCache
