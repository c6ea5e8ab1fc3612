"""NoiseMatrixDisplay: which classes are labelled as which others."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.metrics import confusion_matrix
from sklearn.utils.multiclass import unique_labels

from skgex.inspection._arguments import check_labels_of, fitted_step
from skgex.inspection._drawing import MUTED, make_axes, name_ticks
from skgex.metrics import one_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

# More classes than these have no room for numbers.
MAX_NUMBERS = 20

# So many letters of class names fit beside each other.
MAX_LEVEL = 30

# Shares below this, in percent, are left out.
SMALL = 0.05


class NoiseMatrixDisplay:
    """Heat map of how often each class is labelled as each other.

    Colours are those of the wrong labels alone: the right ones, on the diagonal, would
    outshine them.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    noise_matrix : ndarray of shape (n_classes, n_classes)
        P(given label = column | true label = row), in [0, 1].
    display_labels : ndarray of shape (n_classes,), default=None
        Names of the classes. None numbers them from 0.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn in.
    figure_ : matplotlib Figure
        The figure around it.
    im_ : AxesImage
        The heat map, in percent.
    text_ : ndarray of shape (n_classes, n_classes), dtype=object, or None
        The Text of each cell; None if there are more than 20 classes.

    Examples
    --------
    >>> from skgex.inspection import NoiseMatrixDisplay
    >>> display = NoiseMatrixDisplay.from_predictions(["a", "a", "b"], ["a", "b", "b"])
    >>> display.noise_matrix
    array([[0.5, 0.5],
           [0. , 1. ]])
    """

    ax_: "Axes"
    figure_: "Figure"
    im_: "AxesImage"
    text_: np.ndarray | None

    def __init__(self, noise_matrix, *, display_labels=None):
        self.noise_matrix = noise_matrix
        self.display_labels = display_labels

    @classmethod
    def from_estimator(
        cls,
        detector: Any,
        *,
        display_labels: Any = None,
        cmap: Any = "Oranges",
        ax: Any = None,
    ) -> Self:
        """Draw the noise matrix that a detector estimated.

        Parameters
        ----------
        detector : estimator
            A fitted :class:`skgex.GEXDetector`, or a Pipeline that ends in one.
        display_labels : array-like of shape (n_classes,), default=None
            Names of the classes, in the order of ``classes_``. None takes those.
        cmap : str or Colormap, default="Oranges"
            Colours from 0 to the most frequent wrong label.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : NoiseMatrixDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the detector is not fitted.
        ValueError
            If it has no ``noise_matrix_``, as for regression targets, or the names are
            not as many as the classes.
        """
        fitted = fitted_step(detector, "detector", "noise_matrix_")
        names = _checked_names(display_labels, fitted.classes_)
        return cls(fitted.noise_matrix_, display_labels=names).plot(ax, cmap=cmap)

    @classmethod
    def from_predictions(
        cls,
        y_true: Any,
        y_given: Any,
        *,
        display_labels: Any = None,
        cmap: Any = "Oranges",
        ax: Any = None,
    ) -> Self:
        """Draw how labels were given, where the true ones are known.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True classes, or suggested ones.
        y_given : array-like of shape (n_samples,)
            Labels as given.
        display_labels, cmap, ax
            As for :meth:`from_estimator`; names in sorted order of the labels.

        Returns
        -------
        display : NoiseMatrixDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If lengths differ, or labels are no classes.
        """
        true = one_column(y_true, "y_true")
        given = check_labels_of(y_given, len(true), "y_given")
        classes = unique_labels(true, given)
        names = _checked_names(display_labels, classes)
        matrix = confusion_matrix(true, given, labels=classes, normalize="true")
        return cls(matrix, display_labels=names).plot(ax, cmap=cmap)

    def plot(self, ax: Any = None, *, cmap: Any = "Oranges") -> Self:
        """Draw the heat map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        cmap : str or Colormap, default="Oranges"
            Colours from 0 to the most frequent wrong label.

        Returns
        -------
        self : object
            The display, with ``ax_`` and ``figure_``.
        """
        percent = 100 * np.asarray(self.noise_matrix)
        wrong = np.ma.masked_array(percent, np.eye(len(percent), dtype=bool))
        inches = min(2.6 + 0.42 * len(percent), 9)
        self.figure_, self.ax_ = make_axes(self, ax, (inches + 1.2, inches))
        highest = max(float(wrong.max()) if wrong.count() else 0.0, 1.0)
        self.im_ = self.ax_.imshow(wrong, cmap=cmap, vmin=0, vmax=highest)
        bar = self.figure_.colorbar(self.im_, ax=self.ax_)
        bar.set_label("wrong labels [% of the class]")
        self.text_ = self._numbers(percent) if len(percent) <= MAX_NUMBERS else None
        self._name_axes(len(percent))
        return self

    def _numbers(self, percent: np.ndarray) -> np.ndarray:
        """Write the share of each cell into it."""
        texts = np.empty(percent.shape, dtype=object)
        for (i, j), value in np.ndenumerate(percent):
            dark = np.mean(self.im_.cmap(self.im_.norm(value))[:3]) < 0.5
            color = MUTED if i == j else "white" if dark else "black"
            number = f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"
            text = number if value >= SMALL or i == j else ""
            texts[i, j] = self.ax_.text(
                j, i, text, ha="center", va="center", color=color, fontsize=8
            )
        return texts

    def _name_axes(self, n_classes: int) -> None:
        """Write the classes on both axes."""
        names = self.display_labels
        names = range(n_classes) if names is None else names
        longest = max((len(str(name)) for name in names), default=0)
        slanted = longest > 3 and longest * n_classes > MAX_LEVEL
        turn = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
        name_ticks(self.ax_.xaxis, names, **(turn if slanted else {}))
        name_ticks(self.ax_.yaxis, names)
        self.ax_.set(xlabel="given label", ylabel="true label")


def _checked_names(names: Any, classes: np.ndarray) -> np.ndarray:
    """Return a name per class."""
    if names is None:
        return classes
    checked = one_column(names, "display_labels")
    if len(checked) != len(classes):
        raise ValueError(
            f"display_labels: must name each of the {len(classes)} classes, got "
            f"{len(checked)} names."
        )
    return checked
