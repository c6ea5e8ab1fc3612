"""Objects that are no more than their attributes or items, in files."""

from dataclasses import fields, is_dataclass
from typing import Any

from sklearn.base import BaseEstimator
from skorch import NeuralNet
from torch import nn

from skgex.persistence._coder import PICKLE, Decoder, Encoder, Kind, refusal

# Methods by which a class says itself how it is copied. Its attributes may not be all.
_OWN_WAYS = ("__getstate__", "__setstate__", "__reduce__", "__reduce_ex__")


def _is_record(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "_fields")


def _write_record(value: Any, encoder: Encoder, where: str) -> dict[str, Any]:
    return {
        "class": encoder.name(type(value), where),
        "fields": encoder.pairs(value._asdict(), where),
    }


def _read_record(entry: dict[str, Any], decoder: Decoder) -> Any:
    cls = decoder.names.find(entry["class"])
    if not (issubclass(cls, tuple) and hasattr(cls, "_fields")):
        raise ValueError(f"{cls.__name__} is no record")
    return cls(**decoder.mapping(entry["fields"]))


def _write_mapping(value: Any, encoder: Encoder, where: str) -> dict[str, Any]:
    if getattr(value, "__dict__", None):
        raise refusal(where, f"a {type(value).__qualname__} with attributes", PICKLE)
    return {
        "class": encoder.name(type(value), where),
        "items": encoder.pairs(value, where),
    }


def _read_mapping(entry: dict[str, Any], decoder: Decoder) -> Any:
    cls = decoder.names.find(entry["class"])
    if not issubclass(cls, dict):
        raise ValueError(f"{cls.__name__} is no dict")
    return cls(decoder.mapping(entry["items"]))


def _is_plain(value: Any) -> bool:
    """Return whether an object is no more than its attributes."""
    lineage = type(value).__mro__
    makes: Any = type(value).__new__
    if makes is not object.__new__ or not hasattr(value, "__dict__"):
        return False
    if any(vars(cls).get("__slots__") for cls in lineage):
        return False
    owners = [
        next(cls for cls in lineage if name in vars(cls))
        for name in _OWN_WAYS
        if hasattr(type(value), name)
    ]
    return all(
        cls in (object, BaseEstimator) or cls.__module__.startswith("skgex.")
        for cls in owners
    )


def _write_instance(value: Any, encoder: Encoder, where: str) -> dict[str, Any]:
    state = dict(vars(value))
    if isinstance(value, BaseEstimator) and "memory" in state:
        # A folder that a file names must not be read: what is there can be code.
        state["memory"] = None
    _check_names(type(value), state)
    return {
        "class": encoder.name(type(value), where),
        "attributes": encoder.pairs(state, where),
    }


def _read_instance(entry: dict[str, Any], decoder: Decoder) -> Any:
    cls, state = (
        decoder.names.find(entry["class"]),
        decoder.mapping(entry["attributes"]),
    )
    if issubclass(cls, (NeuralNet, nn.Module)):
        raise ValueError(f"{cls.__name__} is more than its attributes")
    _check_names(cls, state)
    if state.get("memory") is not None and issubclass(cls, BaseEstimator):
        raise ValueError("a file must not name a folder of pickles")
    value = object.__new__(cls)
    vars(value).update(state)
    return value


def _check_names(cls: Any, state: dict[str, Any]) -> None:
    """Raise unless attributes are those of a class, and hide no method."""
    needed: set[str] = set()
    if is_dataclass(cls):
        needed = {field.name for field in fields(cls)}
    elif issubclass(cls, BaseEstimator):
        needed = set(cls._get_param_names())
    missing = sorted(needed - state.keys())
    hidden = [name for name in state if callable(getattr(cls, name, None))]
    if missing or hidden:
        raise ValueError(
            f"{cls.__name__}: attributes {missing} are missing, {hidden} hide methods"
        )


OBJECT_KINDS = [
    Kind("record", _is_record, _write_record, _read_record),
    Kind(
        "mapping", lambda value: isinstance(value, dict), _write_mapping, _read_mapping
    ),
    Kind("instance", _is_plain, _write_instance, _read_instance),
]
