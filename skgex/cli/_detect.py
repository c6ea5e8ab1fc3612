"""``skgex detect``: find the wrong labels of a file or a folder."""

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skgex._utils.spreadsheet import escape_cell
from skgex.cli._detector_choice import Wishes, fit, make_detector
from skgex.cli._errors import BAD_INPUT, FAILED, CommandError, blaming
from skgex.cli._loaded import Loaded
from skgex.cli._printing import (
    Column,
    print_facts,
    print_heading,
    print_table,
    print_text,
)
from skgex.cli._progress_bar import progress_bar
from skgex.cli._reading import LOADERS, load
from skgex.cli._writing import Output, check_outputs, write_output
from skgex.exceptions import SkgexWarning
from skgex.report import write_report

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


class Outputs(NamedTuple):
    """The files that were asked for; None where one was not."""

    out: Path | None
    report: Path | None
    drop: Path | None
    relabel: Path | None

    def planned(self, data: Path) -> list[Output]:
        """Return them with the endings that they may have."""
        table = data.is_dir() or data.suffix.lower() not in LOADERS
        clean = (".csv",) if table else (data.suffix.lower(),)
        each = [
            ("--report", self.report, (".html", ".htm")),
            ("--out", self.out, (".csv",)),
            ("--drop", self.drop, clean),
            ("--relabel", self.relabel, clean),
        ]
        return [Output(o, path, ends) for o, path, ends in each if path is not None]


def detect(
    path: Path,
    label: str | None,
    groups: str | None,
    size: int | None,
    outputs: Outputs,
    wishes: Wishes,
    force: bool,
) -> None:
    """Read data, judge the labels, print the worst, and write what was asked for."""
    planned = outputs.planned(path)
    check_outputs(planned, [path], force)
    data = load(path, label, groups, size)
    _print_data(path, data)
    detector, notes = _judge(data, wishes)
    _print_findings(data, detector, [*data.notes, *notes])
    _write(planned, data, detector, path, wishes, force)


def _judge(data: Loaded, wishes: Wishes) -> tuple[Any, list[str]]:
    """Return a fitted detector, and what it warned of."""
    with blaming(BAD_INPUT):
        model = make_detector(data, wishes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with blaming(FAILED, "the labels cannot be judged: "), progress_bar():
            detector = fit(model, data)
    ours = [each for each in caught if issubclass(each.category, SkgexWarning)]
    return detector, list(dict.fromkeys(str(each.message) for each in ours))


def _print_data(path: Path, data: Loaded) -> None:
    names, counts = np.unique(data.y, return_counts=True)
    sizes = [f"{name} ({n:,})" for name, n in zip(names, counts, strict=True)]
    more = f", and {len(sizes) - 8} more" if len(sizes) > 8 else ""
    shape = ""
    if data.kind in ("table", "numbers"):
        shape = f", {data.n_features:,} columns"
    if data.kind == "images":
        shape = f" of {data.X.shape[1]} by {data.X.shape[2]} pixels"
    print_facts(
        [
            ("data", f"{path.name}: {len(data):,} rows, {NAMES[data.kind]}{shape}"),
            ("labels", f"{data.label}: {', '.join(sizes[:8])}{more}"),
        ]
    )
    print_text()


def _print_findings(data: Loaded, detector: Any, notes: Sequence[str]) -> None:
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
        _place(data, issue.row),
        f"{issue.noise_proba:.0%}",
        "yes" if issue.flagged else "no",
        issue.given_label,
        issue.suggested_label,
        *values,
    ]


def _place(data: Loaded, row: int) -> str:
    """Return where a row is found, without its unit."""
    return data.places[row].removeprefix(f"{data.unit} ")


def _values(X: Any, row: int) -> str:
    """Return what a row holds, in a line."""
    if isinstance(X, list):
        return X[row]
    if isinstance(X, np.ndarray):
        flat = X[row].ravel()
        return ", ".join(f"{value:g}" for value in flat[:N_VALUES].tolist())
    values = X.iloc[row].dropna().astype(str)
    return ", ".join(values.tolist()[:N_VALUES])


def _write(
    planned: Sequence[Output],
    data: Loaded,
    detector: Any,
    path: Path,
    wishes: Wishes,
    force: bool,
) -> None:
    """Write all files; contents are made before the first of them is written."""
    contents = {
        output.option: _content(output.option, data, detector)
        for output in planned
        if output.option != "--report"
    }
    written: list[str] = []
    for output in planned:
        try:
            if output.option == "--report":
                _write_report(output, data, detector, path, wishes, force)
            else:
                write_output(output, contents[output.option], force)
        except CommandError as error:
            done = f" (written before: {', '.join(written)})" if written else ""
            raise CommandError(f"{error}{done}", error.exit_code) from error
        written.append(str(output.path))
    _print_written(planned, detector)


def _content(option: str, data: Loaded, detector: Any) -> str | bytes:
    """Return what a file is to hold."""
    if option == "--out":
        return issues_csv(detector, data)
    flagged = detector.noise_mask_
    if option == "--drop":
        kept = np.flatnonzero(~flagged)
        return data.write(kept, data.y[kept])
    return data.write(np.arange(len(data)), detector.relabel())


def issues_csv(detector: Any, data: Loaded) -> str:
    """Return all rows as a CSV file, most suspicious first.

    Cells that a spreadsheet would run are escaped by an apostrophe.
    """
    issues = detector.issues()
    for column in ("given_label", "suggested_label"):
        issues[column] = [_escaped(value) for value in issues[column]]
    places = [_place(data, row) for row in issues["row"]]
    if data.unit != "row":
        issues.insert(1, data.unit, [escape_cell(place) for place in places])
    return issues.to_csv(index=False, lineterminator="\n")


def _escaped(value: Any) -> Any:
    return escape_cell(str(value)) if isinstance(value, str) else value


def _write_report(
    output: Output,
    data: Loaded,
    detector: Any,
    path: Path,
    wishes: Wishes,
    force: bool,
) -> None:
    settings: Mapping[str, Any] = {
        "data": path.name,
        "labels": data.label,
        **{
            name: value for name, value in wishes._asdict().items() if value is not None
        },
    }
    with blaming(BAD_INPUT, "--report: "):
        write_report(
            detector,
            output.path,
            data.X,
            names=data.places,
            title=f"Labels of {path.name}",
            settings=settings,
            overwrite=force,
        )


def _print_written(planned: Sequence[Output], detector: Any) -> None:
    n_flagged = int(detector.noise_mask_.sum())
    meanings = {
        "--report": "open it in a browser, review the flagged rows, export decisions",
        "--out": "all rows, most suspicious first",
        "--drop": f"the data without the {n_flagged:,} flagged rows",
        "--relabel": f"the data with {n_flagged:,} labels replaced",
    }
    print_text()
    if planned:
        print_facts((str(each.path), meanings[each.option]) for each in planned)
    else:
        print_text("Add --report report.html to review them in a browser.", style="dim")
