"""Data as the command works with them, whatever file they come from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Loaded:
    """Samples with labels, and how to write them again.

    Attributes
    ----------
    kind : {"table", "text", "numbers", "images"}
        Which detector is made for them.
    X : DataFrame, list of str or ndarray of shape (n_samples, ...)
        What the detector is fitted on.
    y : ndarray of shape (n_samples,)
        Labels as given.
    label : str
        What holds them: a column, an array or a folder.
    groups : ndarray of shape (n_samples,) or None
    places : sequence of str
        Where each row is found: "line 7", "row 7", or the file of an image.
    unit : str
        What places are: "line", "row" or "file".
    suffix : str
        The ending of a file that ``write`` makes.
    write : callable
        Of the positions of the kept rows, (n_kept,), and their labels, (n_kept,):
        returns the content of a file.
    notes : tuple of str
        What the user should know of the reading.
    """

    kind: str
    X: Any
    y: np.ndarray
    label: str
    groups: np.ndarray | None
    places: Sequence[str]
    unit: str
    suffix: str
    write: Callable[[np.ndarray, Any], bytes]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.y)

    def place(self, row: int) -> str:
        """Return where a row is found, without the unit."""
        return self.places[row].removeprefix(f"{self.unit} ")

    @property
    def n_features(self) -> int:
        """Number of columns, or of numbers per sample."""
        shape = getattr(self.X, "shape", (len(self), 1))
        return int(np.prod(shape[1:]))
