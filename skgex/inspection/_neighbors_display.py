"""NeighborsDisplay: which rows speak for and against the label of one row."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from skgex.inspection._arguments import (
    check_labels_of,
    check_n_rows,
    check_truth,
    fitted_step,
    n_rows_of,
    take_rows,
)
from skgex.inspection._drawing import (
    FLAGGED,
    KEPT,
    WRONG,
    make_axes,
    make_grid,
    plain,
    short,
    show_pictures,
)
from skgex.inspection._pictures import as_pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from skgex.detection._explanation import Explanation

# Inches of a picture with its title, and of a cell of a table.
WIDTH, HEIGHT = 1.45, 1.95
CELL_WIDTH, CELL_HEIGHT = 1.25, 0.27

# How missing values of NumPy, Python and pandas are written; a gap is shown as one.
MISSING = {"nan", "None", "<NA>", "NaT"}
# What a date without a time ends in.
MIDNIGHT = " 00:00:00"

# The most features that a table shows, unless they are named.
MAX_FEATURES = 12


class NeighborsDisplay:
    """One row, the rows that speak against its label, and those that speak for it.

    Images are drawn as pictures, the rows of a table as columns of values.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    pictures : ndarray of shape (n_shown, height, width) or \
            (n_shown, height, width, 3), dtype=uint8, or None
        The row itself, those against and those for its label; None for a table.
    values : list of list of str
        Values of each of these rows, (n_shown, n_features). Empty for pictures.
    feature_names : list of str
        Their names.
    captions : list of str
        What stands above each of them.
    n_against : int
        How many speak against the label.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (2, n_columns) or (1, 1)
        What was drawn in: of pictures, the row itself and those against its label are
        above, those for it below.
    figure_ : matplotlib Figure
        The figure around them.
    titles_ : list of Text
        The captions of the pictures, or the heads of the table's columns.
    table_ : Table or None
        The table; None for pictures.

    See Also
    --------
    skgex.GEXDetector.explain : What is drawn, as numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex import GEXDetector
    >>> from skgex.inspection import NeighborsDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> detector = GEXDetector(n_members=4, random_state=0).fit(X, y)
    >>> display = NeighborsDisplay.from_estimator(detector, X, y, 70, n_neighbors=2)
    >>> len(display.feature_names)
    4
    """

    axes_: np.ndarray
    figure_: "Figure"
    titles_: list
    table_: Any

    def __init__(self, pictures, values, feature_names, captions, n_against):
        self.pictures = pictures
        self.values = values
        self.feature_names = feature_names
        self.captions = captions
        self.n_against = n_against

    @classmethod
    def from_estimator(
        cls,
        detector: Any,
        X: Any,
        y: Any,
        row: int | None = None,
        *,
        n_neighbors: int = 5,
        features: Any = None,
        noise_mask: Any = None,
        ax: Any = None,
    ) -> Self:
        """Draw why a row is suspicious.

        Parameters
        ----------
        detector : estimator
            A fitted :class:`skgex.GEXDetector`, or a Pipeline that ends in one.
        X : array-like, DataFrame, torch.Tensor or Dataset of shape (n_samples, ...)
            The samples that the detector, or its Pipeline, was fitted on.
        y : array-like of shape (n_samples,)
            The labels that it was fitted on.
        row : int, default=None
            Position of the row. None takes the most suspicious one.
        n_neighbors : int, default=5
            How many rows to draw for, and against, its label.
        features : list of str or of int, default=None
            Which features of a table to show. None shows the first 12.
        noise_mask : array-like of shape (n_samples,), dtype=bool, default=None
            The truth, where it is known: True where the label is wrong.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : NeighborsDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the detector is not fitted.
        ValueError
            If it explains nothing, ``row`` is not one of its rows, or lengths differ.
        """
        fitted = fitted_step(detector, "detector", "noise_proba_", "explain")
        check_n_rows(X, len(fitted.scores_))
        if row is None:
            row = int(np.argmax(fitted.scores_))
        explanation = fitted.explain([row], n_neighbors=n_neighbors)
        return cls.from_predictions(
            explanation, X, y, features=features, noise_mask=noise_mask, ax=ax
        )

    @classmethod
    def from_predictions(
        cls,
        explanation: "Explanation",
        X: Any,
        y: Any,
        *,
        features: Any = None,
        noise_mask: Any = None,
        ax: Any = None,
    ) -> Self:
        """Draw the first row of an explanation.

        Parameters
        ----------
        explanation : Explanation
            As :meth:`skgex.GEXDetector.explain` returns it.
        X, y, features, noise_mask, ax
            As for :meth:`from_estimator`.

        Returns
        -------
        display : NeighborsDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If no row is explained, lengths differ, or a feature is not there.
        """
        if not len(explanation):
            raise ValueError("explanation: explains no row. Name one in explain.")
        labels = check_labels_of(y, n_rows_of(X))
        truth = check_truth(noise_mask, len(labels))
        shown = _Shown(explanation)
        captions = shown.captions(labels, truth)
        samples = take_rows(X, shown.rows)
        try:
            pictures: np.ndarray | None = as_pictures(samples)
        except ValueError:
            pictures = None
        names, values = ([], []) if pictures is not None else _cells(samples, features)
        display = cls(pictures, values, names, captions, len(shown.against))
        return display.plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the row and its neighbours.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        self : object
            The display, with ``ax_`` and ``figure_``.
        """
        self.table_ = None
        if self.pictures is None:
            self._draw_table(ax)
        else:
            self._draw_pictures(ax)
        for title, color in zip(self.titles_, self._colors(), strict=True):
            title.set_color(color)
        plain(self.titles_)
        return self

    def _colors(self) -> list[str]:
        """Return the colour of each row: itself, against and for its label."""
        n_for = len(self.captions) - 1 - self.n_against
        return [WRONG, *[FLAGGED] * self.n_against, *[KEPT] * n_for]

    def _draw_pictures(self, ax: Any) -> None:
        """Draw the row and those against it above, those for it below."""
        n_for = len(self.captions) - 1 - self.n_against
        shape = (2, 1 + max(self.n_against, n_for, 1))
        size = (WIDTH * shape[1], HEIGHT * shape[0])
        self.figure_, self.axes_ = make_grid(self, ax, shape, size)
        for cell in self.axes_.flat:
            cell.set_axis_off()
        cells = [
            *self.axes_[0, : 1 + self.n_against],
            *self.axes_[1, 1 : 1 + n_for],
        ]
        show_pictures(cells, self.pictures)
        self.titles_ = [
            cell.set_title(caption, fontsize=8)
            for cell, caption in zip(cells, self.captions, strict=True)
        ]

    def _draw_table(self, ax: Any) -> None:
        """Draw features as lines, and the row and its neighbours as columns."""
        n_columns, n_lines = len(self.captions), len(self.feature_names)
        width = CELL_WIDTH * n_columns + 1.6
        size = (width, CELL_HEIGHT * (n_lines + 4))
        self.figure_, axes = make_axes(self, ax, size)
        from matplotlib.transforms import Bbox

        axes.set_axis_off()
        self.axes_ = np.array([[axes]])
        self.table_ = axes.table(
            [list(line) for line in zip(*self.values, strict=True)],
            rowLabels=self.feature_names,
            colLabels=self.captions,
            cellLoc="right",
            colLoc="right",
            bbox=Bbox.from_bounds(1.5 / width, 0, 1 - 1.5 / width, 1),
        )
        self.table_.auto_set_font_size(False)
        self.table_.set_fontsize(8)
        for (line, column), cell in self.table_.get_celld().items():
            cell.set_edgecolor("#DDDDDD")
            cell.set_height(cell.get_height() * (3.2 if line == 0 else 1))
            plain(cell.get_text())
            if column == -1:
                cell.set_linewidth(0)
        self.titles_ = [self.table_[0, i].get_text() for i in range(n_columns)]


class _Shown:
    """The rows of an explanation that are shown: itself, against, for."""

    def __init__(self, explanation: "Explanation"):
        found = explanation
        against, given = found.rows_against[0] >= 0, found.rows_for[0] >= 0
        self.against = found.rows_against[0][against]
        self.rows = np.r_[found.rows[:1], self.against, found.rows_for[0][given]]
        self.pulls = [
            *(f"{-pull:.2f} nats against" for pull in found.pulls_against[0][against]),
            *(f"{pull:.2f} nats for" for pull in found.pulls_for[0][given]),
        ]
        self.suggested = found.suggested_labels[0]

    def captions(self, labels: np.ndarray, truth: np.ndarray | None) -> list[str]:
        """Return what stands above each row."""
        heads = [short(labels[row]) for row in self.rows]
        if truth is not None:
            heads = [
                head + " (wrong)" * bool(truth[row])
                for head, row in zip(heads, self.rows, strict=True)
            ]
        below = [f"→ {short(self.suggested)}", *self.pulls]
        return [
            f"{head}\n{last}\nrow {row}"
            for head, row, last in zip(heads, self.rows, below, strict=True)
        ]


def _cells(samples: Any, features: Any) -> tuple[list[str], list[list[str]]]:
    """Return the names of the features that are shown, and each sample's values."""
    columns = getattr(samples, "columns", None)
    table = np.asarray(samples, dtype=object)
    if table.ndim != 2:
        raise ValueError(
            f"X: must be images, or a table of shape (n_samples, n_features), got "
            f"{len(table)} samples of shape {table.shape[1:]}."
        )
    names = list(range(table.shape[1])) if columns is None else list(columns)
    chosen = names[:MAX_FEATURES] if features is None else list(features)
    missing = [name for name in chosen if name not in names]
    if missing:
        raise ValueError(
            f"features: must be among those of X, {names}; {missing} are not."
        )
    positions = [names.index(name) for name in chosen]
    values = [[_cell(value) for value in line] for line in table[:, positions]]
    return [short(name, 24) for name in chosen], values


def _cell(value: Any) -> str:
    """Return a value as text that fits a cell."""
    text = str(value)
    if not isinstance(value, str) and text in MISSING:
        return ""
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return short(text.removesuffix(MIDNIGHT), 14)
