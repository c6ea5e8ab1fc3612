"""Decisions as cells: from a CSV file or a data frame, each with its place."""

import csv
from collections.abc import Iterator, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NamedTuple

from skgex._data.label_checks import is_missing

COLUMNS = ("row", "given_label", "decision", "new_label")

# What may stand between cells; some spreadsheets write semicolons.
DELIMITERS = ",;\t"


class Cell(NamedTuple):
    """A cell, and where it stands.

    Attributes
    ----------
    value : object
        Text, if it comes from a file.
    place : str
        For errors.
    """

    value: Any
    place: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing stands there."""
        text = isinstance(self.value, str)
        return not self.value.strip() if text else is_missing(self.value)

    def refuse(self, text: str) -> ValueError:
        """Return an error that names the place."""
        return ValueError(f"decisions: {self.place}: {text}")


class Entry(NamedTuple):
    """The cells of one decision; those of ``COLUMNS``."""

    row: Cell
    given_label: Cell
    decision: Cell
    new_label: Cell


def entries_of(decisions: Any) -> Iterator[Entry]:
    """Yield the decisions of a CSV file or a data frame, one after the other.

    Parameters
    ----------
    decisions : str, PathLike or DataFrame

    Raises
    ------
    TypeError
        If it is none of these.
    ValueError
        If columns are missing or double, or the file is no CSV in UTF-8.
    """
    if isinstance(decisions, (str, PathLike)):
        return _of_file(Path(fspath(decisions)))
    if hasattr(decisions, "columns"):
        return _of_frame(decisions)
    raise TypeError(
        "decisions: must be a DataFrame or the path of a CSV file, got "
        f"{type(decisions).__name__}."
    )


def _of_frame(frame: Any) -> Iterator[Entry]:
    _check_columns(list(frame.columns), "the DataFrame")
    columns = [list(frame[name]) for name in COLUMNS]
    for i, values in enumerate(zip(*columns, strict=True)):
        yield _entry(values, f"entry {i}")


def _of_file(path: Path) -> Iterator[Entry]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _of_lines(file, path.name)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"decisions: {path.name} is not in UTF-8 ({error}). Save it as CSV in "
            "UTF-8."
        ) from error


def _of_lines(file: Any, name: str) -> Iterator[Entry]:
    header = file.readline()
    file.seek(0)
    lines = csv.reader(file, delimiter=max(DELIMITERS, key=header.count), strict=True)
    try:
        columns = next(lines, [])
        _check_columns(columns, name)
        places = [columns.index(each) for each in COLUMNS]
        for values in filter(None, lines):
            where = f"{name}, line {lines.line_num}"
            if len(values) != len(columns):
                raise ValueError(
                    f"decisions: {where}: has {len(values)} cells, the first line has "
                    f"{len(columns)} columns."
                )
            yield _entry([values[place] for place in places], where)
    except csv.Error as error:
        raise ValueError(
            f"decisions: {name}, line {lines.line_num}: is no CSV: {error}."
        ) from error


def _entry(values: Sequence[Any], where: str) -> Entry:
    cells = (
        Cell(value, f"{where}, column {name!r}")
        for name, value in zip(COLUMNS, values, strict=True)
    )
    return Entry(*cells)


def _check_columns(found: Sequence[Any], name: str) -> None:
    missing = [each for each in COLUMNS if each not in found]
    double = [each for each in COLUMNS if list(found).count(each) > 1]
    if missing or double:
        what = f"lacks {missing}" if missing else f"has {double} more than once"
        raise ValueError(
            f"decisions: {name} {what}. The columns must be {list(COLUMNS)}, got "
            f"{list(found)}."
        )
