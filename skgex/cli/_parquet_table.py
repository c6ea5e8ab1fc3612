"""A Parquet file as samples and labels."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from skgex._utils.optional import import_optional
from skgex.cli._errors import CommandError
from skgex.cli._label_column import check_groups_of, check_labels_of, find_column
from skgex.cli._loaded import Loaded
from skgex.cli._text_columns import samples_of


def load_parquet(path: Path, label: str | None, groups: str | None) -> Loaded:
    """Read a Parquet file; labels keep their type."""
    table = _read_table(path)
    names = table.column_names
    label = find_column(names, label, path.name)
    y = _labels(table, label)
    places = [f"row {row}" for row in range(len(y))]
    check_labels_of(y, path.name, label, places.__getitem__)
    given_groups = None
    if groups is not None:
        groups = find_column(names, groups, path.name, option="--groups")
        given_groups = _labels(table, groups)
        check_groups_of(given_groups, path.name, groups, places.__getitem__)
    dropped = [label] if groups is None else [label, groups]
    frame = table.drop_columns(dropped).to_pandas().reset_index(drop=True)
    kind, X = samples_of(frame, path.name)

    def write(kept: np.ndarray, labels: Any) -> bytes:
        return _rewritten(table, label, kept, labels)

    return Loaded(
        kind, X, y, label, given_groups, places, "row", path.suffix.lower(), write
    )


def parquet_columns(path: Path) -> dict[str, np.ndarray]:
    """Return the values of each column, by name."""
    table = _read_table(path)
    return {name: _labels(table, name) for name in table.column_names}


def _read_table(path: Path) -> Any:
    import_optional("pyarrow", "cli", "Reading a Parquet file")
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
        table.validate(full=True)
    except Exception as error:  # a damaged file makes pyarrow raise anything
        raise CommandError(
            f"{path.name}: cannot be read as Parquet: {error}"
        ) from error
    if table.num_rows == 0:
        raise CommandError(f"{path.name}: has no rows")
    return table


def _labels(table: Any, label: str) -> np.ndarray:
    """Return a column as an array of numbers or strings."""
    values = table[label].to_pylist()
    if all(isinstance(value, str) for value in values):
        return np.array(values)
    if any(value is None for value in values):
        return np.array(values, dtype=object)
    return np.asarray(values)


def _rewritten(table: Any, label: str, kept: np.ndarray, labels: Any) -> bytes:
    """Return a Parquet file of some rows with new labels, of the same schema."""
    import pyarrow
    from pyarrow import parquet

    part = table.take(pyarrow.array(kept))
    column = table.column_names.index(label)
    field = table.schema.field(label)
    new = pyarrow.array(np.asarray(labels).tolist(), type=field.type)
    file = io.BytesIO()
    parquet.write_table(part.set_column(column, field, new), file)
    return file.getvalue()
