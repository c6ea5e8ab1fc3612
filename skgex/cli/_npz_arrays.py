"""The arrays of an NPZ file as samples and labels."""

import io
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np

from skgex.cli._errors import CommandError
from skgex.cli._label_column import check_groups_of, check_labels_of, find_column
from skgex.cli._loaded import Loaded

LABELS, SAMPLES = ("y", "Y", "labels"), ("X", "x")


def load_npz(path: Path, label: str | None, groups: str | None) -> Loaded:
    """Read an NPZ file with arrays X (or x) and y, or as ``--label`` names the labels.

    If there is no X, the only other array with as many rows as there are labels is
    taken.
    """
    arrays = _read_arrays(path)
    label = label or next((name for name in LABELS if name in arrays), None)
    label = find_column(list(arrays), label, path.name, kind="array")
    y = arrays[label]
    if y.ndim != 1:
        raise CommandError(
            f"{path.name}: array {label!r} has the shape {y.shape}; one label per row "
            "is needed"
        )
    places = [f"row {row}" for row in range(len(y))]
    check_labels_of(y, path.name, label, places.__getitem__)
    given_groups = _groups_of(arrays, groups, path.name, places)
    X = arrays[_samples_name(arrays, {label, groups}, len(y), path.name)]

    def write(kept: np.ndarray, labels: Any) -> bytes:
        return _rewritten(arrays, label, kept, labels)

    kind, X = _kind_of(X, path.name)
    return Loaded(kind, X, y, label, given_groups, places, "row", ".npz", write)


def npz_columns(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of one axis, by name."""
    arrays = _read_arrays(path)
    return {name: array for name, array in arrays.items() if array.ndim == 1}


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    if not is_zipfile(path):  # np.load would take it for a pickle
        raise CommandError(f"{path.name}: cannot be read as NPZ: it is no zip archive")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: _read_array(file, name, path) for name in file}
    except CommandError:
        raise
    except Exception as error:  # a damaged archive makes zipfile raise anything
        raise CommandError(f"{path.name}: cannot be read as NPZ: {error}") from error
    if not arrays:
        raise CommandError(f"{path.name}: holds no arrays")
    return arrays


def _read_array(file: Any, name: str, path: Path) -> np.ndarray:
    try:
        array = file[name]
    except Exception as error:
        if "allow_pickle" not in str(error):
            raise CommandError(
                f"{path.name}: cannot be read as NPZ: array {name!r}: {error}"
            ) from error
        raise CommandError(
            f"{path.name}: array {name!r} holds Python objects, which could run code; "
            "save it as numbers or as texts, by array.astype(str)"
        ) from error
    if not isinstance(array, np.ndarray):
        raise CommandError(f"{path.name}: {name!r} is no array")
    return array


def _samples_name(
    arrays: dict[str, np.ndarray], taken: set, n_rows: int, name: str
) -> str:
    """Return which array holds the samples."""
    free = [
        each
        for each, array in arrays.items()
        if each not in taken and array.ndim > 0 and len(array) == n_rows
    ]
    named = [each for each in SAMPLES if each in free]
    if named or len(free) == 1:
        return (named or free)[0]
    found = f"{', '.join(free)} might be" if free else "none is"
    raise CommandError(
        f"{name}: an array X with {n_rows} rows is needed, as many as there are labels;"
        f" {found}: name the samples X"
    )


def _groups_of(
    arrays: dict[str, np.ndarray], groups: str | None, name: str, places: list[str]
) -> np.ndarray | None:
    if groups is None:
        return None
    groups = find_column(list(arrays), groups, name, option="--groups", kind="array")
    if arrays[groups].shape != (len(places),):
        raise CommandError(
            f"{name}: --groups: array {groups!r} has the shape {arrays[groups].shape};"
            f" ({len(places)},) is needed"
        )
    check_groups_of(arrays[groups], name, groups, places.__getitem__)
    return arrays[groups]


def _kind_of(X: np.ndarray, name: str) -> tuple[str, Any]:
    """Return what kind of samples an array holds, and the samples."""
    if X.dtype.kind == "U" and X.ndim == 1:
        return "text", X.tolist()
    if X.dtype.kind not in "biuf":
        raise CommandError(f"{name}: samples of the type {X.dtype} cannot be judged")
    if X.ndim == 1:
        return "numbers", X[:, None]
    return ("images" if X.ndim > 2 else "numbers"), X


def _rewritten(
    arrays: dict[str, np.ndarray], label: str, kept: np.ndarray, labels: Any
) -> bytes:
    """Return an NPZ file of some rows with new labels, and of all other arrays."""
    n_rows = len(arrays[label])
    parts: dict[str, Any] = {
        name: array[kept] if array.ndim and len(array) == n_rows else array
        for name, array in arrays.items()
    }
    parts[label] = np.asarray(labels)
    file = io.BytesIO()
    np.savez_compressed(file, **parts)
    return file.getvalue()
