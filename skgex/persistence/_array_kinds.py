"""Arrays and tensors, generators of random numbers and names of rows, in files."""

import sys
from math import prod
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array
from skorch.helper import SliceDict

from skgex._utils.optional import import_optional
from skgex.persistence._coder import (
    PICKLE,
    PLAIN,
    Decoder,
    Encoder,
    Kind,
    dtype_named,
    refusal,
)

# What safetensors stores as it is. Other dtypes are stored as bytes.
_NATIVE = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"}


def _write_array(value: np.ndarray, encoder: Encoder, where: str) -> dict[str, Any]:
    wide = value.dtype.kind == "f" and value.dtype.itemsize > 8  # as processors differ
    if value.dtype.kind not in "biufcSUmM" or wide:
        raise refusal(where, f"an array of dtype {value.dtype}", PICKLE)
    plain = np.asarray(value)
    columns_first = plain.flags.f_contiguous and not plain.flags.c_contiguous
    rows = np.ascontiguousarray(plain.T if columns_first else plain)
    rows = rows.reshape(plain.T.shape if columns_first else plain.shape)  # of 0-d, too
    written: dict[str, Any] = {"transposed": columns_first}
    if value.dtype.str[1:] not in _NATIVE or not value.dtype.isnative:
        written |= {"dtype": value.dtype.str, "shape": list(rows.shape)}
        rows = np.frombuffer(rows.tobytes(), np.uint8)
    name = f"array_{len(encoder.arrays)}"
    encoder.arrays[name] = rows
    return {"array": name, **written}


def _read_array(entry: dict[str, Any], decoder: Decoder) -> np.ndarray:
    values = decoder.arrays[entry["array"]]
    if "dtype" in entry:
        flat = np.frombuffer(values.tobytes(), dtype_named(entry["dtype"]))
        values = flat.reshape(entry["shape"]).copy()
    return values.T if entry["transposed"] else values


def _write_objects(value: np.ndarray, encoder: Encoder, where: str) -> dict[str, Any]:
    items = [encoder.encode(each, f"{where}[{i}]") for i, each in enumerate(value.flat)]
    return {"shape": list(value.shape), "items": items}


def _read_objects(entry: dict[str, Any], decoder: Decoder) -> np.ndarray:
    items = [decoder.decode(item) for item in entry["items"]]
    if prod(entry["shape"]) != len(items):
        raise ValueError("an array of another size")
    values = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        values[i] = item
    return values.reshape(entry["shape"])


def _write_sparse(value: csr_array, encoder: Encoder, where: str) -> dict[str, Any]:
    parts = [value.data, value.indices, value.indptr]
    return {
        "parts": [encoder.encode(part, where) for part in parts],
        "shape": list(value.shape),
    }


def _read_sparse(entry: dict[str, Any], decoder: Decoder) -> csr_array:
    parts = tuple(map(decoder.decode, entry["parts"]))
    matrix = csr_array(parts, shape=tuple(entry["shape"]))
    matrix.check_format(full_check=True)  # scipy reads where the indices point
    return matrix


def _write_tensor(value: torch.Tensor, encoder: Encoder, where: str) -> dict[str, Any]:
    if type(value) not in (torch.Tensor, torch.nn.Parameter):
        raise refusal(where, f"a {type(value).__qualname__}", PICKLE)
    if value.layout is not torch.strided or value.dtype is torch.bfloat16:
        raise refusal(where, f"a tensor of {value.layout} and {value.dtype}", PICKLE)
    return {
        "values": encoder.encode(value.detach().cpu().numpy(), where),
        "parameter": isinstance(value, torch.nn.Parameter),
        "requires_grad": value.requires_grad,
    }


def _read_tensor(entry: dict[str, Any], decoder: Decoder) -> torch.Tensor:
    tensor = torch.from_numpy(decoder.decode(entry["values"]))
    if entry["parameter"]:
        return torch.nn.Parameter(tensor, requires_grad=entry["requires_grad"])
    return tensor.requires_grad_(entry["requires_grad"])


def _write_random_state(
    value: np.random.RandomState, encoder: Encoder, where: str
) -> dict[str, Any]:
    return {"state": encoder.encode(value.get_state(legacy=True), where)}


def _read_random_state(
    entry: dict[str, Any], decoder: Decoder
) -> np.random.RandomState:
    state = np.random.RandomState()
    state.set_state(decoder.decode(entry["state"]))
    return state


def _is_index(value: Any) -> bool:
    """Return whether a value is an index of pandas, which need not be installed."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.Index)


def _write_index(value: Any, encoder: Encoder, where: str) -> dict[str, Any]:
    """Write an index level by level, each as an array."""
    levels = [value.get_level_values(i) for i in range(value.nlevels)]
    for level in levels:
        if not _is_plain(level):
            raise refusal(where, f"rows named by a {type(level).__name__}", INDEX)
    return {
        "levels": encoder.encode([level.to_numpy() for level in levels], where),
        "texts": [str(level.dtype) in _TEXTS for level in levels],
        "names": encoder.encode(list(value.names), where),
    }


def _is_plain(level: Any) -> bool:
    """Return whether an index is no more than an array of numbers, texts or dates."""
    array = level.to_numpy()
    if array.dtype == object:
        texts = str(level.dtype) in (*_TEXTS, "object")
        return texts and all(type(value) in (*PLAIN, float) for value in array)
    return array.dtype == level.dtype


def _read_index(entry: dict[str, Any], decoder: Decoder) -> Any:
    pandas = import_optional("pandas", "tabular", "The index of the rows of the fit")
    levels = [
        pandas.Index(array, dtype="str" if text else array.dtype)
        for array, text in zip(
            decoder.decode(entry["levels"]), entry["texts"], strict=True
        )
    ]
    names = decoder.decode(entry["names"])
    if len(levels) > 1:
        return pandas.MultiIndex.from_arrays(levels, names=names)
    return levels[0].rename(names[0])


# What pandas calls an index of texts alone.
_TEXTS = ("str", "string")

INDEX = "Reset the index of X, or turn it into numbers, strings or plain dates."

ARRAY_KINDS = [
    Kind(
        "objects",
        lambda value: isinstance(value, np.ndarray) and value.dtype == object,
        _write_objects,
        _read_objects,
    ),
    Kind(
        "array",
        lambda value: isinstance(value, np.ndarray),
        _write_array,
        _read_array,
    ),
    Kind(
        "sparse",
        lambda value: type(value) is csr_array,
        _write_sparse,
        _read_sparse,
    ),
    Kind(
        "dict_of_arrays",
        lambda value: type(value) is SliceDict,
        lambda value, encoder, where: {"parts": encoder.pairs(value, where)},
        lambda entry, decoder: SliceDict(**decoder.mapping(entry["parts"])),
    ),
    Kind(
        "tensor",
        lambda value: isinstance(value, torch.Tensor),
        _write_tensor,
        _read_tensor,
    ),
    Kind(
        "random_state",
        lambda value: type(value) is np.random.RandomState,
        _write_random_state,
        _read_random_state,
    ),
    Kind("index", _is_index, _write_index, _read_index),
]
