"""joblib's Memory, except that what was damaged on disk is made again.

A result follows from the name of a function, from its arguments, and from the versions
and the processor that it is computed with. joblib would compare the source of the
function instead, and forget all results of a function that differs: two versions that
share a folder would undo each other's work.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from joblib import Memory
from sklearn.utils.validation import check_memory as _check_memory

from skgex._utils.results import AnyResults, place_in, results_in
from skgex._utils.unfinished import Place, working_at
from skgex._utils.value_hash import hash_of


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
        return place_in(self._memory, identify)

    def results(self, kind: str) -> AnyResults:
        """Return the results of a kind, which has a dotted name."""
        return results_in(self._memory, kind)

    def cache(
        self, function: Callable, ignore: Sequence[str] | None = None
    ) -> "CheckedFunction":
        """Return a function whose results are kept, except for ignored arguments."""
        return CheckedFunction(self._memory, function, ignore or ())


class CheckedFunction:
    """A function whose results are kept on disk, and checked before they are read.

    Parameters
    ----------
    memory : joblib.Memory
    function : callable
    ignore : sequence of str
        Names of arguments that the result does not depend on.
    """

    def __init__(self, memory: Memory, function: Callable, ignore: Sequence[str]):
        self._memory, self._function, self._ignore = memory, function, ignore

    def __call__(self, *args: Any) -> Any:
        """Return the result: what was stored, if it is whole, or else a new one."""
        if self._memory.location is None:
            return self._function(*args)
        results, name, key = self._results(), self._name(), self._key(args)
        found, result = results.find(key)
        if found:
            return result
        place = place_in(self._memory, lambda: hash_of((name, key)))
        with working_at(place):
            result = self._function(*args)
        _, result = results.keep(key, result)
        place.clear()
        return result

    def check_call_in_cache(self, *args: Any) -> bool:
        """Return whether a result is stored and whole; remove it if it is damaged."""
        return self._memory.location is not None and self._results().holds(
            self._key(args)
        )

    def _results(self) -> AnyResults:
        """Return where the results are, in the process that this is called in."""
        return results_in(self._memory, self._name())

    def _name(self) -> str:
        return f"{self._function.__module__}.{self._function.__qualname__}"

    def _key(self, args: tuple) -> str:
        """Return a hash of the arguments that count."""
        bound = inspect.signature(self._function).bind(*args)
        bound.apply_defaults()
        counting = {
            name: value
            for name, value in bound.arguments.items()
            if name not in self._ignore
        }
        return hash_of(counting)


def check_memory(memory: str | Memory | CheckedMemory | None) -> CheckedMemory:
    """Return a memory for what estimators take as ``memory``."""
    if isinstance(memory, CheckedMemory):
        return memory
    return CheckedMemory(_check_memory(memory))
