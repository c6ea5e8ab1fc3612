"""What the page knows: flagged rows, what they look like, and who speaks about them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.multiclass import type_of_target

from skgex._utils.spreadsheet import escape_cell
from skgex.report._row_contents import MAX_CELL, RowContents, clean, row_contents

MAX_ROWS = 10_000  # flagged rows in a page, the most suspicious
MAX_EXPLAINED = 100  # each takes a pass over all rows
N_NEIGHBORS = 4


@dataclass(frozen=True, eq=False)
class Records:
    """The data of a page.

    Attributes
    ----------
    data : dict
        What the page's script reads, ready for JSON, without ``contents``.
    contents : RowContents
        What the flagged rows and their neighbours look like.
    order : list of int
        Those rows, the most needed first.
    """

    data: dict[str, Any]
    contents: RowContents
    order: list[int]


def make_records(
    detector: Any, issues: Any, X: Any, names: Sequence[str] | None
) -> Records:
    """Collect what the page shows of each flagged row.

    Parameters
    ----------
    detector : GEXDetector or NoisyLabelDetector
        Fitted, one label per row.
    issues : DataFrame
        Of ``detector.issues()``.
    X : array-like, DataFrame or None
        What the fitted rows look like.
    names : sequence of str or None
        One per fitted row.

    Returns
    -------
    records : Records
    """
    flagged = issues[issues["flagged"]].head(MAX_ROWS)
    rows = flagged["row"].tolist()
    given = issues.set_index("row")["given_label"].sort_index().to_numpy()
    classes = _classes(detector, given)
    neighbours = _neighbours(detector, rows)
    order = _needed(rows, neighbours)
    data = {
        "id": _digest(given, names),
        "classes": _describe_classes(classes),
        "rows": _lines(flagged, classes),
        "neighbours": neighbours,
        "given": _codes(given[order], classes) if classes is not None else [],
        "shown": order,
        "names": {row: clean(names[row], MAX_CELL) for row in order} if names else {},
    }
    return Records(data, row_contents(X, order), order)


def _classes(detector: Any, given: np.ndarray) -> np.ndarray | None:
    """Return the classes that a label can be, None for regression targets."""
    if hasattr(detector, "classes_"):
        return detector.classes_
    if hasattr(detector, "noise_type") or type_of_target(given) == "continuous":
        return None
    return np.unique(given)


def _describe_classes(classes: np.ndarray | None) -> list[dict[str, str]] | None:
    """Return each class as it is read, and as a cell of decisions.csv."""
    if classes is None:
        return None
    safe = str if classes.dtype.kind in "biuf" else escape_cell
    return [
        {"text": text, "cell": safe(text)}
        for text in (clean(each, 10_000) for each in classes)
    ]


def _codes(labels: Any, classes: np.ndarray) -> list[int]:
    """Return the positions of labels among the classes, -1 where there is none."""
    positions = {each: code for code, each in enumerate(classes.tolist())}
    return [positions.get(label, -1) for label in np.asarray(labels).tolist()]


def _lines(flagged: Any, classes: np.ndarray | None) -> list[list[Any]]:
    """Return one short list per flagged row, as the script takes it apart."""
    labels = [
        _codes(flagged[name], classes)
        if classes is not None
        else [clean(label, MAX_CELL) for label in flagged[name]]
        for name in ("given_label", "suggested_label")
    ]
    numbers = [
        [_round(value, 4) for value in flagged[name]]
        for name in ("noise_proba", "score", "score_std")
    ]
    # A review in this order is a random sample, whatever the scores.
    draws = np.random.RandomState(0).permutation(len(flagged)).tolist()
    columns = [flagged["row"].tolist(), *labels, *numbers, draws]
    return [list(line) for line in zip(*columns, strict=True)]


def _round(value: float, digits: int) -> float | None:
    """Return a number of few digits, None if it is none."""
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None


def _neighbours(detector: Any, rows: list[int]) -> dict[int, list[list]]:
    """Return the rows for, and against, the labels of the most suspicious rows."""
    few_members = getattr(detector, "n_members_", 0) < 2
    if few_members or not hasattr(detector, "classes_") or not rows:
        return {}
    why = detector.explain(rows[:MAX_EXPLAINED], n_neighbors=N_NEIGHBORS)
    sides = (why.rows_for, why.pulls_for), (why.rows_against, why.pulls_against)
    return {
        row: [_pulling(*(part[i] for part in side)) for side in sides]
        for i, row in enumerate(why.rows.tolist())
    }


def _pulling(rows: np.ndarray, pulls: np.ndarray) -> list[list]:
    """Return rows with their pulls in nats."""
    both = zip(rows.tolist(), pulls.tolist(), strict=True)
    return [[row, _round(pull, 2)] for row, pull in both if row >= 0]


def _needed(rows: list[int], neighbours: dict[int, list[list]]) -> list[int]:
    """Return all rows that are seen: explained ones, their neighbours, the others."""
    others = [row for sides in neighbours.values() for side in sides for row, _ in side]
    first = rows[:MAX_EXPLAINED]
    return list(dict.fromkeys([*first, *others, *rows[MAX_EXPLAINED:]]))


def _digest(given: np.ndarray, names: Sequence[str] | None) -> str:
    """Return what tells one data set from another: its labels and names."""
    told = json.dumps([[str(label) for label in given], list(map(str, names or []))])
    return hashlib.sha256(told.encode()).hexdigest()[:32]
