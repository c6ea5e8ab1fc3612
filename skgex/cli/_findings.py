"""What the command prints of data and of what was found in them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from skgex.cli._loaded import Loaded
from skgex.cli._printing import (
    Column,
    print_facts,
    print_heading,
    print_table,
    print_text,
)

N_SHOWN = 10
# As many values of a row as the table of the worst rows shows.
N_VALUES = 6

NAMES = {
    "table": "a table",
    "text": "texts",
    "numbers": "numbers",
    "images": "images",
}
# What a row's content is called.
_VALUES = {"table": "values", "text": "text", "numbers": "values"}


def print_data(path: Path, data: Loaded) -> None:
    names, counts = np.unique(data.y, return_counts=True)
    sizes = [f"{name} ({n:,})" for name, n in zip(names, counts, strict=True)]
    more = f", and {len(sizes) - 8} more" if len(sizes) > 8 else ""
    shape = ""
    if data.kind in ("table", "numbers"):
        columns = "column" if data.n_features == 1 else "columns"
        shape = f", {data.n_features:,} {columns}"
    if data.kind == "images":
        shape = f" of {' by '.join(map(str, data.X.shape[1:]))}"
    print_facts(
        [
            ("data", f"{path.name}: {len(data):,} rows, {NAMES[data.kind]}{shape}"),
            ("labels", f"{data.label}: {', '.join(sizes[:8])}{more}"),
        ]
    )
    print_text()


def print_findings(data: Loaded, detector: Any, notes: Sequence[str]) -> None:
    summary = detector.summary()
    print_text(_with_options(summary))
    for note in notes:
        if note not in summary:  # which has most doubts
            print_text(f"Note: {_with_options(note)}", style="yellow")
    worst = detector.issues().head(N_SHOWN)
    print_heading(f"The {len(worst)} most suspicious labels")
    print_table(_columns(data), [_cells(data, each) for each in worst.itertuples()])


def _with_options(text: str) -> str:
    """Return a text that names options of the command instead of parameters."""
    return re.sub(r"noise_type='(\w+)'", r"--noise-type \1", text)


def _columns(data: Loaded) -> list[Column]:
    """Return the columns of the table of suspicious labels."""
    is_file = data.unit == "file"
    columns = [
        Column(data.unit, not is_file, "left" if is_file else "right"),
        Column("wrong", justify="right"),
        Column("flagged"),
        Column("given", is_short=False),
        Column("suggested", is_short=False, style="bold"),
    ]
    if data.kind != "images":
        columns.append(Column(_VALUES[data.kind], is_short=False, style="dim"))
    return columns


def _cells(data: Loaded, issue: Any) -> list[object]:
    """Return the cells of one suspicious label."""
    values = [] if data.kind == "images" else [_values(data.X, issue.row)]
    return [
        data.place(issue.row),
        f"{issue.noise_proba:.0%}",
        "yes" if issue.flagged else "no",
        issue.given_label,
        issue.suggested_label,
        *values,
    ]


def _values(X: Any, row: int) -> str:
    """Return what a row holds, in a line."""
    if isinstance(X, list):
        return X[row]
    if isinstance(X, np.ndarray):
        flat = X[row].ravel()
        return ", ".join(f"{value:g}" for value in flat[:N_VALUES].tolist())
    values = X.iloc[row].dropna().astype(str)
    return ", ".join(values.tolist()[:N_VALUES])
