"""SuspiciousImagesDisplay: the most suspicious images, given → suggested label."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from skgex.inspection._arguments import (
    check_count,
    check_labels_of,
    check_n_rows,
    check_truth,
    fitted_step,
    take_rows,
)
from skgex.inspection._drawing import (
    make_grid,
    percentage,
    plain,
    short,
    show_pictures,
)
from skgex.inspection._pictures import as_pictures
from skgex.metrics import check_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches of a picture, and of a line of its title.
WIDTH, HEIGHT, LINE = 1.5, 1.45, 0.17

# Longer labels do not fit beside each other above a picture.
MAX_LINE = 20


class SuspiciousImagesDisplay:
    """Pictures of the most suspicious rows, with their given and suggested labels.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    pictures : ndarray of shape (n_images, height, width) or \
            (n_images, height, width, 3), dtype=uint8
        Most suspicious first.
    rows : ndarray of shape (n_images,), dtype=int
        Their positions among all rows.
    given_labels : ndarray of shape (n_images,)
        Labels as given.
    suggested_labels : ndarray of shape (n_images,), default=None
        Labels that the detector prefers.
    noise_proba : ndarray of shape (n_images,), default=None
        Probability that the given label is wrong, in [0, 1].
    noise_mask : ndarray of shape (n_images,), dtype=bool, default=None
        The truth, where it is known: True where the given label is wrong.

    Attributes
    ----------
    axes_ : ndarray of matplotlib Axes, of shape (n_grid_rows, n_columns)
        What was drawn in, row by row; those without a picture are empty.
    figure_ : matplotlib Figure
        The figure around them.
    images_ : list of AxesImage
        One per picture.
    titles_ : list of Text
        One per picture.

    See Also
    --------
    NeighborsDisplay : Why one row is suspicious.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgex.inspection import SuspiciousImagesDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> display = SuspiciousImagesDisplay.from_predictions(
    ...     X, y, scores=X.mean(axis=1), n_images=10
    ... )
    >>> display.axes_.shape
    (2, 5)
    """

    axes_: np.ndarray
    figure_: "Figure"
    images_: list
    titles_: list

    def __init__(
        self,
        pictures,
        rows,
        given_labels,
        *,
        suggested_labels=None,
        noise_proba=None,
        noise_mask=None,
    ):
        self.pictures = pictures
        self.rows = rows
        self.given_labels = given_labels
        self.suggested_labels = suggested_labels
        self.noise_proba = noise_proba
        self.noise_mask = noise_mask

    @classmethod
    def from_estimator(
        cls,
        detector: Any,
        X: Any,
        y: Any,
        *,
        n_images: int = 20,
        n_columns: int = 5,
        noise_mask: Any = None,
        ax: Any = None,
        im_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the most suspicious images of a fitted detector.

        Parameters
        ----------
        detector : estimator
            A fitted detector, or a Pipeline that ends in one.
        X : array-like, torch.Tensor or Dataset of shape (n_samples, height * width), \
                (n_samples, height, width), (n_samples, channels, height, width) or \
                (n_samples, height, width, channels)
            The images that the detector, or its Pipeline, was fitted on, or others of
            the same rows: those of a Dataset without augmentation, for instance.
        y : array-like of shape (n_samples,)
            The labels that it was fitted on.
        n_images : int, default=20
            How many to draw.
        n_columns : int, default=5
            How many side by side.
        noise_mask : array-like of shape (n_samples,), dtype=bool, default=None
            The truth, where it is known: True where the label is wrong.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        im_kw : dict, default=None
            Passed to ``imshow`` for each picture, such as ``{"cmap": "viridis"}``.

        Returns
        -------
        display : SuspiciousImagesDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the detector is not fitted.
        ValueError
            If X are no images, or lengths differ.
        """
        fitted = fitted_step(detector, "detector", "scores_")
        return cls.from_predictions(
            X,
            y,
            fitted.scores_,
            suggested_labels=getattr(fitted, "suggested_labels_", None),
            noise_proba=getattr(fitted, "noise_proba_", None),
            n_images=n_images,
            n_columns=n_columns,
            noise_mask=noise_mask,
            ax=ax,
            im_kw=im_kw,
        )

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y: Any,
        scores: Any,
        *,
        suggested_labels: Any = None,
        noise_proba: Any = None,
        n_images: int = 20,
        n_columns: int = 5,
        noise_mask: Any = None,
        ax: Any = None,
        im_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the images of the highest scores.

        Parameters
        ----------
        X, y
            As for :meth:`from_estimator`.
        scores : array-like of shape (n_samples,)
            Higher = more suspicious.
        suggested_labels : array-like of shape (n_samples,), default=None
            Labels that a detector prefers.
        noise_proba : array-like of shape (n_samples,), default=None
            Probability that the label is wrong, in [0, 1].
        n_images, n_columns, noise_mask, ax, im_kw
            As for :meth:`from_estimator`.

        Returns
        -------
        display : SuspiciousImagesDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If X are no images, or lengths differ.
        """
        scores = check_scores(scores)
        check_n_rows(X, len(scores))
        n_shown = min(check_count(n_images, "n_images"), len(scores))
        rows = np.argsort(-scores, kind="stable")[:n_shown]

        def of_rows(values: Any, argument: str) -> np.ndarray | None:
            if values is None:
                return None
            return check_labels_of(values, len(scores), argument)[rows]

        truth = check_truth(noise_mask, len(scores))
        display = cls(
            as_pictures(take_rows(X, rows)),
            rows,
            of_rows(y, "y"),
            suggested_labels=of_rows(suggested_labels, "suggested_labels"),
            noise_proba=of_rows(noise_proba, "noise_proba"),
            noise_mask=None if truth is None else truth[rows],
        )
        return display.plot(ax, n_columns=n_columns, im_kw=im_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        n_columns: int = 5,
        im_kw: dict[str, Any] | None = None,
    ) -> Self:
        """Draw the grid of pictures.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        n_columns : int, default=5
            How many pictures side by side.
        im_kw : dict, default=None
            Passed to ``imshow`` for each picture, such as ``{"cmap": "viridis"}``.

        Returns
        -------
        self : object
            The display, with ``ax_`` and ``figure_``.
        """
        n_columns = min(check_count(n_columns, "n_columns"), max(len(self.rows), 1))
        n_lines = max(-(-len(self.rows) // n_columns), 1)
        titles = [self._title(i) for i in range(len(self.rows))]
        longest = max((title.count("\n") + 1 for title in titles), default=0)
        size = (WIDTH * n_columns, (HEIGHT + LINE * longest) * n_lines)
        self.figure_, self.axes_ = make_grid(self, ax, (n_lines, n_columns), size)
        for cell in self.axes_.flat:
            cell.set_axis_off()
        cells = list(self.axes_.flat[: len(self.rows)])
        self.images_ = show_pictures(cells, self.pictures, **(im_kw or {}))
        self.titles_ = [
            plain(cell.set_title(title, fontsize=9))
            for cell, title in zip(cells, titles, strict=True)
        ]
        return self

    def _title(self, i: int) -> str:
        """Return the labels of a picture, and below them what is known of it."""
        labels = [short(self.given_labels[i])]
        if self.suggested_labels is not None:
            labels.append(short(self.suggested_labels[i]))
        fits = len(" → ".join(labels)) <= MAX_LINE
        lines = [(" → " if fits else "\n→ ").join(labels)]
        if self.noise_proba is not None:
            lines.append(f"{percentage(self.noise_proba[i])} wrong")
        lines.append(f"row {self.rows[i]}")
        if self.noise_mask is not None:
            lines.append("known: " + ("wrong" if self.noise_mask[i] else "right"))
        return "\n".join(lines)
