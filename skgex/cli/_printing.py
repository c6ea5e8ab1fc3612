"""What the command prints: results on stdout, errors and progress on stderr.

Nothing that comes from a file may steer the terminal: characters that do not print are
replaced, and square brackets are no markup.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wider than a terminal, so that a file or pipe gets each row of a table on one line,
# unless the environment variable COLUMNS says otherwise.
PIPE_WIDTH = 120
# Cells of a table are cut to this, and, in a narrow terminal, no further than to that.
LONGEST_CELL = 60
LEAST_WIDTH = 12


def stdout() -> Console:
    """Return where results go; without colours unless it is a terminal."""
    is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if is_known else PIPE_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def stderr() -> Console:
    """Return where errors and progress go."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def printable(text: object) -> str:
    """Return a text without characters that would steer a terminal, on one line."""
    flat = " ".join(str(text).split())
    return "".join(char if char.isprintable() else "\ufffd" for char in flat)


def print_error(message: str) -> None:
    """Print one line on stderr, however long it is."""
    line = Text("error: ", style="bold red") + Text(printable(message), style="default")
    stderr().print(line, soft_wrap=True)


def print_text(text: str = "", style: str = "") -> None:
    """Print a paragraph, wrapped to the terminal."""
    stdout().print(Text(printable(text), style=style))


def print_heading(text: str) -> None:
    """Print what stands above a table, after an empty line."""
    stdout().print()
    print_text(text, style="bold")


def print_facts(facts: Iterable[tuple[str, str]]) -> None:
    """Print names and values below each other."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(printable(name)), Text(printable(value)))
    stdout().print(table)


class Column(NamedTuple):
    """How a column of a table looks.

    Attributes
    ----------
    name : str
    is_short : bool, default=True
        Whether its cells are always shown as a whole.
    justify : {"left", "right"}, default="left"
    style : str, default=""
    """

    name: str
    is_short: bool = True
    justify: Literal["left", "right"] = "left"
    style: str = ""


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; cells that may be long are cut where there is no room.

    Parameters
    ----------
    columns : sequence of Column
    rows : iterable of sequences
        One cell per column.
    """
    cells = [[_cut(printable(cell)) for cell in row] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    for i, (name, is_short, justify, style) in enumerate(columns):
        width = max([len(name), *(cell_len(row[i]) for row in cells)])
        table.add_column(
            name,
            justify=justify,
            style=style,
            no_wrap=is_short,  # rich narrows only the others
            min_width=width if is_short else min(width, LEAST_WIDTH),
        )
    for row in cells:
        table.add_row(*(Text(cell, no_wrap=True, overflow="ellipsis") for cell in row))
    stdout().print(table)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
