"""The file of a saved estimator: safetensors, with JSON as one of the arrays.

The header has versions and a checksum of all else, so that damage is noticed.
"""

import hashlib
import json
import os
from typing import Any, NamedTuple

import numpy as np

from skgex._utils.atomic import written_atomically
from skgex._utils.environment import library_versions
from skgex.exceptions import LoadError

# Raised when files of earlier versions can no longer be read.
FORMAT = "1"

# The array that holds the JSON.
_JSON = "json"


class Content(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    tree : object
        JSON.
    arrays : dict of ndarray
        By name, in C order and of a dtype that safetensors has.
    skgex_version : str
        Of the skgex that wrote it.
    """

    tree: Any
    arrays: dict[str, np.ndarray]
    skgex_version: str


def write_file(path: str | os.PathLike, content: Content) -> None:
    """Write a file, such that there is all of it or none."""
    from safetensors.numpy import save_file

    text = json.dumps(content.tree, allow_nan=False, separators=(",", ":"))
    arrays = {**content.arrays, _JSON: np.frombuffer(text.encode(), np.uint8)}
    header = {
        "format": f"skgex {FORMAT}",
        "skgex": content.skgex_version,
        **library_versions(),
    }
    header["sha256"] = checksum(header, arrays)
    with written_atomically(path, overwrite=True) as new:
        save_file(arrays, new, metadata=header)


def read_file(path: str | os.PathLike) -> Content:
    """Read a file that was written by this version of the format.

    Raises
    ------
    LoadError
        If it is another file, of another version of the format, or damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            header = file.metadata() or {}
            _check_format(header)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError) as error:
        raise LoadError(
            f"it is damaged, or no file of skgex: {error}. Only what an estimator's "
            "save wrote can be loaded."
        ) from error
    if header.pop("sha256", None) != checksum(header, arrays):
        raise LoadError("it is damaged: its content does not have its checksum.")
    return Content(json.loads(arrays.pop(_JSON).tobytes()), arrays, header["skgex"])


def checksum(header: dict[str, str], arrays: dict[str, np.ndarray]) -> str:
    """Return the SHA-256 of a header and arrays, whatever their order in the file."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _check_format(header: dict[str, str]) -> None:
    name, _, number = header.get("format", "").partition(" ")
    if name != "skgex":
        raise LoadError(
            "it is no file of skgex. Only what an estimator's save wrote can be loaded."
        )
    if number != FORMAT:
        raise LoadError(
            f"its format is {number}, of skgex {header.get('skgex')}; this skgex reads "
            f"format {FORMAT}. Load it by that version, or fit again."
        )
