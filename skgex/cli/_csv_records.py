"""A CSV file as records that can be written again, byte for byte."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from skgex.cli._errors import CommandError

DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Record:
    """One row of a CSV file.

    Attributes
    ----------
    cells : list of str
    raw : str
        What the file has for it, with its line end, and empty lines that follow; of the
        header, also those before.
    line : int
        Where it begins, from 1, as an editor counts.
    """

    cells: list[str]
    raw: str
    line: int

    def with_cell(self, column: int, value: str, delimiter: str) -> str:
        """Return the raw text with another value in one cell."""
        body = self.raw.rstrip("\r\n")
        cells = list(self.cells)
        cells[column] = value
        text, end = io.StringIO(), "\r\n"  # cells with either character are quoted
        csv.writer(text, delimiter=delimiter, lineterminator=end).writerow(cells)
        return text.getvalue().removesuffix(end) + self.raw[len(body) :]


@dataclass(frozen=True)
class CsvRecords:
    """All of a CSV file.

    Attributes
    ----------
    mark : str
        The byte order mark, or nothing.
    delimiter : str
    header : Record
    rows : list of Record
    """

    mark: str
    delimiter: str
    header: Record
    rows: list[Record]

    def plain_text(self) -> str:
        """Return the file without empty lines, and with line ends of one kind.

        After an empty line that ends in a single carriage return, pandas would lose an
        empty first cell.
        """
        records = [self.header, *self.rows]
        return "\n".join(record.raw.strip("\r\n") for record in records)

    def rewrite(self, kept: list[int], labels: list[str], column: int) -> bytes:
        """Return the file with some of its rows, and the labels that they now have.

        A row whose label stays is the same byte for byte.
        """
        parts = [self.mark, self.header.raw]
        for row, label in zip(kept, labels, strict=True):
            record = self.rows[row]
            same = record.cells[column] == label
            new = record.raw if same else None
            parts.append(new or record.with_cell(column, label, self.delimiter))
        return "".join(parts).encode()


def read_csv_records(path: Path, label: str | None) -> CsvRecords:
    """Read a CSV file.

    Parameters
    ----------
    path : Path
    label : str or None
        A column that the header should have: it tells how cells are separated.

    Raises
    ------
    CommandError
        If the file is empty or no text, a line cannot be read, or a row has more or
        fewer cells than the header.
    """
    mark, text = _read_text(path)
    delimiter = _find_delimiter(text, label)
    records = list(_records(path, text, delimiter))
    if not records:
        raise CommandError(f"{path.name}: is empty")
    header, *rows = records
    if not rows:
        raise CommandError(f"{path.name}: has a header, but no rows")
    for record in rows:
        if len(record.cells) != len(header.cells):
            raise CommandError(
                f"{path.name}: line {record.line} has {len(record.cells)} cells, the "
                f"header has {len(header.cells)} columns"
            )
    return CsvRecords(mark, delimiter, header, rows)


def _read_text(path: Path) -> tuple[str, str]:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CommandError(
            f"{path.name}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x}); "
            "save the file as UTF-8"
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise CommandError(f"{path.name}: line {line} holds a zero byte; is it a CSV?")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    return mark, text.removeprefix(mark)


def _find_delimiter(text: str, label: str | None) -> str:
    """Return what separates the cells of the header: the label's column decides."""
    headers = {each: _first_cells(text, each) for each in DELIMITERS}
    fitting = [each for each, cells in headers.items() if label in cells]
    return max(fitting or DELIMITERS, key=lambda each: len(headers[each]))


def _first_cells(text: str, delimiter: str) -> list[str]:
    """Return the cells of the first row; none if another delimiter is needed."""
    lines = io.StringIO(text, newline="")
    try:
        return next(
            filter(None, csv.reader(lines, delimiter=delimiter, strict=True)), []
        )
    except csv.Error:
        return []


def _records(path: Path, text: str, delimiter: str) -> Iterator[Record]:
    """Yield the records of a text, each with the lines that it was read from."""
    taken: list[str] = []
    last: Record | None = None
    begin = 1

    def lines() -> Iterator[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            raise CommandError(f"{path.name}: line {begin}: {error}") from error
        if cells:
            if last is not None:
                yield last
            last = Record(cells, "".join(taken), begin)
            taken.clear()
        elif last is not None:  # an empty line belongs to the row before
            last = Record(last.cells, last.raw + "".join(taken), last.line)
            taken.clear()
        begin = reader.line_num + 1
    if last is not None:
        yield last
