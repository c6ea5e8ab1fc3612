"""Data from whatever the user has: a table, arrays or a folder of images."""

import warnings
from pathlib import Path

import numpy as np

from skgex.cli._csv_table import csv_columns, load_csv
from skgex.cli._errors import BAD_INPUT, CommandError, blaming
from skgex.cli._loaded import Loaded
from skgex.cli._npz_arrays import load_npz, npz_columns
from skgex.cli._parquet_table import load_parquet, parquet_columns
from skgex.cli._picture_folder import load_folder

LOADERS = {
    ".csv": (load_csv, csv_columns),
    ".tsv": (load_csv, csv_columns),
    ".parquet": (load_parquet, parquet_columns),
    ".pq": (load_parquet, parquet_columns),
    ".npz": (load_npz, npz_columns),
}


def load(
    path: Path, label: str | None, groups: str | None = None, size: int | None = None
) -> Loaded:
    """Read data with labels.

    Parameters
    ----------
    path : Path
        A CSV, Parquet or NPZ file, or a folder of images by class.
    label : str or None
        The column or array of the labels.
    groups : str or None, default=None
        That of the groups.
    size : int or None, default=None
        Side of the images, in pixels.

    Raises
    ------
    CommandError
        If the data cannot be read or judged; it names file, row and column.
    """
    if not path.is_dir():
        loader, _ = LOADERS[_suffix_of(path)]
        if size is not None:
            raise CommandError(f"{path.name}: --size is for a folder of images")
    with blaming(BAD_INPUT, f"{path.name}: "), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries name lines of their own code
        if path.is_dir():
            return load_folder(path, label, groups, size)
        return loader(path, label, groups)


def columns_of(path: Path) -> dict[str, np.ndarray]:
    """Return what might be labels, by the name of its column or array."""
    _, columns = LOADERS[_suffix_of(path)]
    with blaming(BAD_INPUT, f"{path.name}: "):
        return columns(path)


def _suffix_of(path: Path) -> str:
    if not path.exists():
        raise CommandError(f"{path}: there is no such file or folder")
    suffix = path.suffix.lower()
    if suffix not in LOADERS:
        raise CommandError(
            f"{path.name}: files of the kinds {', '.join(LOADERS)} can be read, and "
            "folders of images by class"
        )
    if path.stat().st_size == 0:
        raise CommandError(f"{path.name}: is empty")
    return suffix
