"""Values as JSON and arrays, and back.

Small values are JSON. All others stand in a table of objects, each once, however often
it is used, and after all that it is made of.
"""

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any, NamedTuple

import numpy as np
import torch

from skgex.persistence._class_names import Names, name_of

PLAIN = (type(None), bool, int, str)


class Kind(NamedTuple):
    """A kind of object, and how it is written to a file and read from it.

    Attributes
    ----------
    name : str
        In the file.
    holds : callable
        Says whether an object is of this kind.
    write : callable
        Takes the object, the encoder and where the object was found; returns what is
        written, by name.
    read : callable
        Takes what was written and the decoder; returns the object.
    """

    name: str
    holds: Callable[[Any], bool]
    write: Callable[[Any, "Encoder", str], dict[str, Any]]
    read: Callable[[dict[str, Any], "Decoder"], Any]


class Encoder:
    """Turns values into JSON and arrays.

    Parameters
    ----------
    kinds : list of Kind
        The first that holds an object is taken.

    Attributes
    ----------
    objects : list of dict
        The table.
    arrays : dict of ndarray
        By name.
    """

    def __init__(self, kinds: list[Kind]):
        self.objects: list[dict[str, Any]] = []
        self.arrays: dict[str, np.ndarray] = {}
        self._kinds = kinds
        # Places in the table by id, and the objects, so that no id is used again.
        self._places: dict[int, tuple[int | None, Any]] = {}

    def encode(self, value: Any, where: str) -> Any:
        """Return a value as JSON.

        Parameters
        ----------
        value : object
        where : str
            Where it was found, for errors.

        Raises
        ------
        ValueError
            If it cannot be saved.
        """
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if kind is list:
            return self._all(value, where)
        if kind is dict:
            return {"dict": self.pairs(value, where)}
        if kind in (tuple, set, frozenset):
            items = value if kind is tuple else sorted(value, key=repr)
            return {kind.__name__: self._all(items, where)}
        if kind is slice:
            return {"slice": self._all([value.start, value.stop, value.step], where)}
        if isinstance(value, np.dtype) and value.kind in "biufcSUmM":
            return {"dtype": value.str}
        if isinstance(value, torch.dtype):
            return {"torch": str(value).removeprefix("torch.")}
        if isinstance(value, np.generic):
            return {"scalar": self._place(np.asarray(value), where)}
        if isinstance(value, (type, FunctionType)) or value is print:
            return {"name": self.name(value, where)}
        return {"object": self._place(value, where)}

    def pairs(self, values: Any, where: str) -> list[list[Any]]:
        """Return a mapping as a list of pairs."""
        return [
            [self.encode(key, where), self.encode(value, _inside(where, key))]
            for key, value in values.items()
        ]

    def name(self, value: Any, where: str) -> str:
        """Return the name of a class or function that can be passed when it is read."""
        last = value.__qualname__.rpartition(".")[2]
        if last == "<lambda>" or getattr(value, "__closure__", None):
            raise refusal(where, f"the function {value.__qualname__}", FUNCTION)
        name = name_of(value)
        if name.startswith("skgex.") and name.count(".") > 1:
            raise refusal(where, f"a {name}", PICKLE)
        return name

    def _all(self, values: Any, where: str) -> list[Any]:
        return [self.encode(v, f"{where}[{i}]") for i, v in enumerate(values)]

    def _place(self, value: Any, where: str) -> int:
        """Return where an object stands in the table, put there if it does not yet."""
        if id(value) in self._places:
            place = self._places[id(value)][0]
            if place is None:
                raise refusal(where, "an object that holds itself", "Remove it.")
            return place
        self._places[id(value)] = None, value
        kind = next((kind for kind in self._kinds if kind.holds(value)), None)
        if kind is None:
            raise refusal(where, f"a {type(value).__qualname__}", PICKLE)
        entry = {"kind": kind.name, **kind.write(value, self, where)}
        self.objects.append(entry)
        self._places[id(value)] = len(self.objects) - 1, value
        return len(self.objects) - 1


class Decoder:
    """Turns JSON and arrays into values.

    Parameters
    ----------
    kinds : list of Kind
    arrays : dict of ndarray
    names : Names
    """

    def __init__(self, kinds: list[Kind], arrays: dict[str, np.ndarray], names: Names):
        self.arrays, self.names = arrays, names
        self._kinds = {kind.name: kind for kind in kinds}
        self._made: list[Any] = []
        self._tags: dict[str, Callable[[Any], Any]] = {
            "float": _special_float,
            "dict": self.mapping,
            "tuple": lambda items: tuple(map(self.decode, items)),
            "set": lambda items: set(map(self.decode, items)),
            "frozenset": lambda items: frozenset(map(self.decode, items)),
            "slice": lambda items: slice(*map(self.decode, items)),
            "dtype": dtype_named,
            "torch": _torch_dtype,
            "scalar": lambda place: self._object(place)[()],
            "name": self.names.find,
            "object": self._object,
        }

    def make_all(self, objects: list[dict[str, Any]]) -> None:
        """Make the objects of a table."""
        for entry in objects:
            self._made.append(self._kinds[entry["kind"]].read(entry, self))

    def decode(self, node: Any) -> Any:
        """Return what JSON stands for."""
        if type(node) in (*PLAIN, float):
            return node
        if isinstance(node, list):
            return [self.decode(each) for each in node]
        ((tag, content),) = node.items()
        return self._tags[tag](content)

    def mapping(self, pairs: list[list[Any]]) -> dict:
        """Return a dict."""
        return {self.decode(key): self.decode(value) for key, value in pairs}

    def _object(self, place: int) -> Any:
        if type(place) is not int or place < 0:
            raise ValueError(f"no place in the table: {place!r}")
        return self._made[place]


PICKLE = (
    "Give the estimator something else in its place, or pickle it, which saves all "
    "that can be pickled."
)
FUNCTION = "Define the function at the top of a module, by its own name."


def refusal(where: str, what: str, cure: str) -> ValueError:
    """Return the error for what cannot be saved."""
    return ValueError(f"{where}: holds {what}, which cannot be saved. {cure}")


def dtype_named(name: str) -> np.dtype:
    """Return the dtype of a name that ``dtype.str`` gave; none of objects."""
    if type(name) is not str or name[1:2] not in set("biufcSUmM"):
        raise ValueError(f"no dtype: {name!r}")
    found = np.dtype(name)
    if found.kind != name[1]:
        raise ValueError(f"no dtype: {name!r}")
    return found


def _torch_dtype(name: str) -> torch.dtype:
    found = getattr(torch, name)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"no dtype: {name!r}")
    return found


def _special_float(name: str) -> float:
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[name]


def _inside(where: str, key: Any) -> str:
    return f"{where}.{key}" if isinstance(key, str) else f"{where}[{key!r}]"
