"""The files that ``skgex detect`` writes: a report, a table of issues, clean data."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skgex._utils.spreadsheet import escape_cell
from skgex.cli._detector_choice import Wishes
from skgex.cli._errors import BAD_INPUT, CommandError, blaming
from skgex.cli._loaded import Loaded
from skgex.cli._printing import print_facts, print_text
from skgex.cli._reading import LOADERS
from skgex.cli._writing import Output, write_output
from skgex.report import write_report


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


def write_outputs(
    planned: Sequence[Output],
    data: Loaded,
    detector: Any,
    path: Path,
    wishes: Wishes,
    force: bool,
) -> None:
    """Write all files, and print what they are.

    Contents are made before the first of them is written. The report, which is the
    likeliest to fail, comes first.
    """
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
    places = [data.place(row) for row in issues["row"]]
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
