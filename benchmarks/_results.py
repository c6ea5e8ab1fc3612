"""A CSV file of results: one line per run, written at once, never computed twice."""

import csv
from pathlib import Path

import numpy as np
from scipy.stats import t as student


class Results:
    """The lines of a CSV file, looked up by some of their columns.

    Parameters
    ----------
    path : Path
        Read if it exists; new lines are appended.
    key : list of str
        Columns that identify a run.
    columns : list of str
        Columns that hold its figures.
    """

    def __init__(self, path: Path, key: list[str], columns: list[str]):
        self.path, self.key, self.columns = path, key, columns
        self.rows: list[dict] = []
        if path.exists():
            with path.open(newline="") as file:
                self.rows = list(csv.DictReader(file))

    def has(self, **run) -> bool:
        """Return whether the run is in the file."""
        return any(all(row[k] == str(run[k]) for k in self.key) for row in self.rows)

    def add(self, **row) -> None:
        """Append a run to the file at once."""
        is_new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        row = {k: f"{v:.4f}" if k in self.columns else str(v) for k, v in row.items()}
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, self.key + self.columns)
            if is_new:
                writer.writeheader()
            writer.writerow(row)
        self.rows.append(row)

    def values(self, column: str, **run) -> list[float]:
        """Return a column of the runs that match ``run``."""
        return [
            float(row[column])
            for row in self.rows
            if all(row[k] == str(v) for k, v in run.items())
        ]

    def mean(self, column: str, **run) -> float:
        """Return the mean of a column over the runs that match ``run``."""
        values = self.values(column, **run)
        return sum(values) / len(values) if values else float("nan")


def markdown(header: list[str], lines: list[list[str]]) -> str:
    """Render a table in Markdown."""
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *lines])


def points(differences: list[float]) -> str:
    """Render the mean of paired differences, in points, with its 95 % interval."""
    mean, n = 100 * np.mean(differences), len(differences)
    if n == 1:
        return f"{mean:+.2f}"
    error = 100 * np.std(differences, ddof=1) / np.sqrt(n)
    return f"{mean:+.2f} ± {student.ppf(0.975, n - 1) * error:.2f}"


def spread(values, digits=3):
    """Render mean ± standard deviation of what is not NaN; a hyphen of nothing."""
    values = np.array(values)[~np.isnan(values)]
    if not len(values):
        return "-"
    deviation = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{deviation}"
