"""A CSV file as samples and labels."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from skgex._utils.optional import import_optional
from skgex.cli._csv_records import CsvRecords, read_csv_records
from skgex.cli._label_column import check_groups_of, check_labels_of, find_column
from skgex.cli._loaded import Loaded
from skgex.cli._text_columns import samples_of


def load_csv(path: Path, label: str | None, groups: str | None) -> Loaded:
    """Read a CSV file whose first row names the columns.

    Labels are texts, just as the file has them. The types of the other columns are
    found by pandas.
    """
    records = read_csv_records(path, label)
    header = records.header.cells
    label = find_column(header, label, path.name)
    column = header.index(label)
    y = np.array([record.cells[column] for record in records.rows])
    lines = [f"line {record.line}" for record in records.rows]
    check_labels_of(y, path.name, label, lines.__getitem__)
    given_groups = _groups_of(records, groups, path.name, lines)
    dropped = {column} if groups is None else {column, header.index(groups)}
    frame, notes = _frame_of(records, dropped)
    kind, X = samples_of(frame, path.name)

    def write(kept: np.ndarray, labels: Any) -> bytes:
        return records.rewrite(kept.tolist(), [str(each) for each in labels], column)

    suffix = path.suffix.lower()
    return Loaded(
        kind, X, y, label, given_groups, lines, "line", suffix, write, tuple(notes)
    )


def csv_columns(path: Path) -> dict[str, np.ndarray]:
    """Return the cells of each column as they are, by name."""
    records = read_csv_records(path, None)
    header = records.header.cells
    return {
        name: np.array([record.cells[column] for record in records.rows])
        for column, name in enumerate(header)
        if header.count(name) == 1
    }


def _groups_of(
    records: CsvRecords, groups: str | None, name: str, lines: list[str]
) -> np.ndarray | None:
    if groups is None:
        return None
    header = records.header.cells
    column = header.index(find_column(header, groups, name, option="--groups"))
    cells = np.array([record.cells[column] for record in records.rows])
    check_groups_of(cells, name, groups, lines.__getitem__)
    return cells


def _frame_of(records: CsvRecords, dropped: set[int]) -> tuple[Any, list[str]]:
    """Return the columns that labels are judged by, as a data frame, and notes."""
    pandas = import_optional("pandas", "cli", "Reading a table")
    frame = pandas.read_csv(
        io.StringIO(records.plain_text()), sep=records.delimiter, low_memory=False
    )
    header, notes = records.header.cells, []
    if header[0] == "" and 0 not in dropped:
        dropped = {*dropped, 0}
        notes.append("The first column has no name and is left out: row numbers?")
    kept = [column for column in range(len(header)) if column not in dropped]
    return frame.iloc[:, kept], notes
