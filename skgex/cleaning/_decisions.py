"""What a reviewer decided about suspicious labels, applied to them."""

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from skgex._data.label_checks import check_labels
from skgex.cleaning._decision_labels import LabelReader
from skgex.cleaning._decision_table import Cell, Entry, entries_of

if TYPE_CHECKING:
    from pandas import DataFrame

KEEP, RELABEL, DROP = DECISIONS = ("keep", "relabel", "drop")


class Decision(NamedTuple):
    """A decision on one row.

    Attributes
    ----------
    row : int
    word : str
        One of ``DECISIONS``.
    new_label : object
        Not None only if the row is to be relabelled.
    """

    row: int
    word: str
    new_label: Any


def apply_decisions(
    y: Any,
    decisions: "DataFrame | str | PathLike[str]",
    *,
    new_labels: Iterable[Any] = (),
) -> tuple[Any, np.ndarray]:
    """Keep, relabel and drop rows as a reviewer decided.

    Decisions come from the review in a report, or from any table with these columns:

    - ``row``: position in ``y``, counted from 0;
    - ``given_label``: the label that ``y`` has there, as a proof that the table belongs
      to ``y``;
    - ``decision``: "keep", "relabel" or "drop";
    - ``new_label``: for "relabel", otherwise empty.

    Rows that no decision names are kept.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        The labels that were reviewed, as they were given to the detector.
    decisions : DataFrame or path of a CSV file
        More columns do no harm. Labels are read by their text as labels of ``y``. An
        apostrophe before what a spreadsheet would run, as in ``'=1``, is removed.
    new_labels : iterable, default=()
        Labels that may be given, although ``y`` has none of them. Any other new label
        is taken for a mistake.

    Returns
    -------
    y_new : ndarray or Series of shape (n_kept,)
        Labels of the rows that are kept: a pandas Series with its index, if ``y`` is
        one; its categories are extended by ``new_labels``.
    kept : ndarray of shape (n_kept,), dtype=intp
        Positions of these rows in ``y``, ascending. ``X[kept]`` (of a DataFrame
        ``X.iloc[kept]``) are their samples.

    Raises
    ------
    ValueError
        If a decision cannot be what was meant: the error names file, line and column.
        Nothing is applied then.
    TypeError
        If ``decisions`` are no table, or ``new_labels`` are one text.

    Examples
    --------
    >>> import pandas as pd
    >>> from skgex.cleaning import apply_decisions
    >>> decisions = pd.DataFrame(
    ...     {
    ...         "row": [3, 0],
    ...         "given_label": ["ant", "bee"],
    ...         "decision": ["relabel", "drop"],
    ...         "new_label": ["bee", ""],
    ...     }
    ... )
    >>> y_new, kept = apply_decisions(["bee", "ant", "bee", "ant"], decisions)
    >>> y_new.tolist(), kept.tolist()
    (['ant', 'bee', 'bee'], [1, 2, 3])
    """
    values = np.asarray(check_labels(y))
    if values.ndim != 1:
        raise ValueError(f"y: must have one label per row, got shape {values.shape}.")
    reader = LabelReader(values, new_labels)
    made = _read(decisions, values, reader)
    keeps = np.ones(len(values), dtype=bool)
    keeps[[each.row for each in made if each.word == DROP]] = False
    new = {each.row: each.new_label for each in made if each.word == RELABEL}
    kept = np.flatnonzero(keeps)
    return _relabelled(y, values, new, reader.new_labels, kept), kept


def _read(decisions: Any, values: np.ndarray, reader: LabelReader) -> list[Decision]:
    """Return all decisions, or raise an error that names the first faulty cell."""
    made, places = [], dict[int, str]()
    for entry in entries_of(decisions):
        decision = _decision(entry, values, reader)
        place = entry.row.place
        if decision.row in places:
            raise entry.row.refuse(
                f"row {decision.row} was decided before ({places[decision.row]}). "
                "Leave one decision per row."
            )
        places[decision.row] = place
        made.append(decision)
    return made


def _decision(entry: Entry, values: np.ndarray, reader: LabelReader) -> Decision:
    row = _row(entry.row, len(values))
    _check_given(entry.given_label, row, values[row], reader)
    word = str(entry.decision.value).strip().lower()
    if word not in DECISIONS:
        raise entry.decision.refuse(
            f"must be one of {list(DECISIONS)}, got {entry.decision.value!r}."
        )
    return Decision(row, word, _new_label(entry.new_label, word, reader))


def _row(cell: Cell, n_samples: int) -> int:
    try:
        number = float(cell.value)
        row = int(number)
        if isinstance(cell.value, bool) or row != number:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise cell.refuse(
            f"must be a position in y, a whole number, got {cell.value!r}."
        ) from None
    if not 0 <= row < n_samples:
        raise cell.refuse(
            f"must be from 0 to {n_samples - 1}, as y has {n_samples} labels; got "
            f"{row}. The decisions belong to other data."
        )
    return row


def _check_given(cell: Cell, row: int, given: Any, reader: LabelReader) -> None:
    """Refuse a label that y does not have in a row."""
    if not _same(reader.read(cell.value), given):
        raise cell.refuse(
            f"is {cell.value!r}, but row {row} of y has the label {str(given)!r}. The "
            "decisions belong to other data, or to y in another order. (If a library "
            "read the table from a file and changed the cells, pass the file's path.)"
        )


def _same(label: Any, given: Any) -> bool:
    return label is not None and bool(label == given)


def _new_label(cell: Cell, word: str, reader: LabelReader) -> Any:
    """Return the label that is to be given, None if none is."""
    if word != RELABEL:
        if not cell.is_empty:
            raise cell.refuse(
                f"must be empty where the decision is {word!r}, got {cell.value!r}. "
                f"Decide {RELABEL!r} to give this label."
            )
        return None
    if cell.is_empty and reader.read(cell.value) is None:
        raise cell.refuse(f"is empty, but the decision is {RELABEL!r}. Name a label.")
    label = reader.read(cell.value)
    if label is None:
        raise cell.refuse(
            f"{cell.value!r} is no label of y ({reader.names()}). If it is meant, pass "
            f"it in new_labels."
        )
    return label


def _relabelled(
    y: Any, values: np.ndarray, new: dict[int, Any], extra: list, kept: np.ndarray
) -> Any:
    """Return the labels of the kept rows, as a Series if y is one."""
    rows = np.searchsorted(kept, list(new))
    if not (hasattr(y, "iloc") and hasattr(y, "name")):
        return _with_labels(values[kept], rows, list(new.values()))
    labels = y.iloc[kept].copy()
    if hasattr(labels, "cat"):
        categories = labels.cat.categories
        labels = labels.cat.add_categories([e for e in extra if e not in categories])
    if new:
        labels.iloc[rows] = list(new.values())
    return labels


def _with_labels(labels: np.ndarray, rows: np.ndarray, new: list) -> np.ndarray:
    """Return labels with new ones in some rows; longer strings are not cut."""
    if labels.dtype.kind == "U" and new:
        labels = labels.astype(np.result_type(labels, np.asarray(new)))
    for row, label in zip(rows, new, strict=True):
        labels[row] = label
    return labels
