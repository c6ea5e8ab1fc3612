"""What was made once, found again by the names of what it follows from."""

from collections.abc import Iterable
from typing import Any

import joblib
from joblib import Memory


class MemberCache(dict):
    """What one estimator holds between its fits: a mapping from names to things."""

    def keep(self, name: Any, value: Any) -> Any:
        """Keep a thing, and return it."""
        self[name] = value
        return value

    def retain(self, names: Iterable) -> None:
        """Forget all that has none of these names."""
        for name in self.keys() - set(names):
            del self[name]


class DiskMemberCache:
    """The same mapping on disk, shared by all fits from an equal origin.

    Parameters
    ----------
    memory : joblib.Memory
        With no location, nothing is remembered.
    origin : object
        What things follow from besides their names; hashed once.
    """

    def __init__(self, memory: Memory, origin: Any = None):
        self._origin = None if memory.location is None else joblib.hash(origin)
        self._call = memory.cache(_given, ignore=["value"])

    def __contains__(self, name: Any) -> bool:
        return self._call.check_call_in_cache(self._origin, name, None)

    def __getitem__(self, name: Any) -> Any:
        return self._call(self._origin, name, None)

    def keep(self, name: Any, value: Any) -> Any:
        """Keep a thing, and return it: mapped to memory if the memory maps."""
        return self._call(self._origin, name, value)

    def retain(self, names: Iterable) -> None:
        """Forget nothing: other estimators may ask for it."""


def _given(origin: str, name: Any, value: Any) -> Any:
    """Return a value that is made already, for the memory to keep."""
    if value is None:
        raise KeyError(name)  # it was forgotten since it was looked for
    return value
