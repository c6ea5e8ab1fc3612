"""Labels in the cells of a table, read as those of y by their text."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np

from skgex._data.label_checks import check_labels
from skgex._utils.spreadsheet import unescape_cell

BOOLEANS = {"true": True, "false": False, "1": True, "0": False}

# As many labels as an error names.
N_NAMED = 10


class LabelReader:
    """Reads cells as the labels of y.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        The labels of y.
    new_labels : iterable
        Labels that y need not have.

    Attributes
    ----------
    new_labels : list
        Those, in the type of y.

    Raises
    ------
    TypeError
        If new labels are one text.
    ValueError
        If a new label is of another type than those of y.
    """

    def __init__(self, values: np.ndarray, new_labels: Iterable[Any] = ()):
        self._dtype = values.dtype
        known = list(np.unique(values))
        self._kind = _kind_of(known[0]) if known else "text"
        new = [self._as_label(label, known) for label in _listed(new_labels)]
        self.new_labels = new
        self._labels = {self.key(label): label for label in [*known, *new]}

    def read(self, cell: Any) -> Any:
        """Return the label that a cell means, None if it is none of them."""
        if isinstance(cell, str):
            cell = unescape_cell(cell)
        return self._labels.get(self.key(cell))

    def key(self, value: Any) -> Any:
        """Return what is equal for a label and for a cell that means it."""
        if self._kind == "number":
            return _number(value, self._dtype)
        if self._kind == "bool":
            return BOOLEANS.get(_text(value).lower())
        return _text(value)

    def names(self) -> str:
        """Return the first labels, for errors."""
        named = ", ".join(str(label) for label in list(self._labels.values())[:N_NAMED])
        return named + (", ..." if len(self._labels) > N_NAMED else "")

    def _as_label(self, label: Any, known: list) -> Any:
        """Return a new label in the type that y has."""
        check_labels([*known[:1], label], "new_labels")
        if _kind_of(label) == self._kind:
            if self._kind != "number" or self._dtype.kind == "O":
                return label
            # A number out of range becomes another one, or overflows.
            with suppress(OverflowError), np.errstate(invalid="ignore"):
                cast = np.asarray(label).astype(self._dtype)[()]
                if cast == label:
                    return cast
        raise ValueError(
            f"new_labels: must be of the type of y, {self._dtype}, got {label!r}."
        )


def _listed(new_labels: Any) -> list:
    if isinstance(new_labels, (str, bytes)) or not isinstance(new_labels, Iterable):
        raise TypeError(
            f"new_labels: must be a list of labels, got {new_labels!r}. Pass "
            f"[{new_labels!r}]."
        )
    return list(new_labels)


def _kind_of(label: Any) -> str:
    if isinstance(label, (bool, np.bool_)):
        return "bool"
    return "number" if isinstance(label, (int, float, np.number)) else "text"


def _text(value: Any) -> str:
    """Return a value as text; a whole number without a point, as in a CSV file."""
    whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value)) if whole else str(value)


def _number(value: Any, dtype: np.dtype) -> Any:
    """Return a number that equals those of a dtype; None for what is no number."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        if isinstance(value, (int, np.integer)):
            return int(value)
        if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
            return int(value)
        number = float(value)
    except (TypeError, ValueError):
        return None
    return dtype.type(number).item() if dtype.kind == "f" else number
