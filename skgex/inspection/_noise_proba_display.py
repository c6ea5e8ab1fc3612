"""NoiseProbaDisplay: whether labels are wrong as often as was estimated."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve

from skgex.inspection._arguments import check_count, check_n_rows, fitted_step
from skgex.inspection._drawing import KEPT, MUTED, light_grid, make_axes, plain
from skgex.metrics import check_mask, check_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import ErrorbarContainer
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


class NoiseProbaDisplay:
    """Reliability of estimated probabilities that labels are wrong.

    Rows are put into bins by their probability. On the diagonal, as many labels of a
    bin are wrong as was estimated; above it more are, below it fewer.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    prob_true : ndarray of shape (n_bins,)
        Share of the labels in each bin that are wrong.
    prob_pred : ndarray of shape (n_bins,)
        Mean of the estimated probabilities in each bin.
    counts : ndarray of shape (n_bins,), dtype=int
        Number of rows in each bin, at least 1: empty bins are left out.
    name : str, default=None
        What made the estimates, for the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn in.
    figure_ : matplotlib Figure
        The figure around it.
    errorbar_ : ErrorbarContainer
        A point per bin, with the 95% interval (Wilson's) of its share.
    diagonal_ : Line2D
        Where estimates are right.
    counts_text_ : list of Text
        The number of rows beside each point.

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : The same for classifiers.

    Examples
    --------
    >>> from skgex.inspection import NoiseProbaDisplay
    >>> display = NoiseProbaDisplay.from_predictions(
    ...     [False, False, True, True], [0.1, 0.1, 0.1, 0.9]
    ... )
    >>> display.counts
    array([3, 1])
    """

    ax_: "Axes"
    figure_: "Figure"
    errorbar_: "ErrorbarContainer"
    diagonal_: "Line2D"
    counts_text_: list

    def __init__(self, prob_true, prob_pred, counts, *, name=None):
        self.prob_true = prob_true
        self.prob_pred = prob_pred
        self.counts = counts
        self.name = name

    @classmethod
    def from_estimator(
        cls, detector: Any, noise_mask: Any, *, n_bins: int = 10, ax: Any = None
    ) -> Self:
        """Draw the reliability of a detector's ``noise_proba_``.

        Parameters
        ----------
        detector : estimator
            A fitted :class:`skgex.GEXDetector`, or a Pipeline that ends in one.
        noise_mask : array-like of shape (n_samples,), dtype=bool
            The truth about the fitted rows: True where the label is wrong.
        n_bins : int, default=10
            Number of bins of equal width.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : NoiseProbaDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the detector is not fitted.
        ValueError
            If it estimates no probabilities, or the mask does not fit its rows.
        """
        fitted = fitted_step(detector, "detector", "noise_proba_")
        return cls.from_predictions(
            noise_mask,
            fitted.noise_proba_,
            n_bins=n_bins,
            name=type(fitted).__name__,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        noise_mask: Any,
        noise_proba: Any,
        *,
        n_bins: int = 10,
        name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw the reliability of probabilities.

        Parameters
        ----------
        noise_mask : array-like of shape (n_samples,), dtype=bool
            The truth: True where the label is wrong.
        noise_proba : array-like of shape (n_samples,)
            Estimated probability that it is, in [0, 1].
        n_bins : int, default=10
            Number of bins of equal width.
        name : str, default=None
            What made the estimates, for the legend.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : NoiseProbaDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If lengths differ, or a number is no probability.
        """
        proba = check_scores(noise_proba, "noise_proba").astype(float)
        if len(proba) and not 0 <= proba.min() <= proba.max() <= 1:
            raise ValueError(
                f"noise_proba: must lie in [0, 1], got {proba.min():g} to "
                f"{proba.max():g}."
            )
        truth = check_mask(noise_mask, "noise_mask")
        check_n_rows(truth, len(proba), "noise_mask")
        n_bins = check_count(n_bins, "n_bins")
        shares, means = calibration_curve(truth, proba, n_bins=n_bins, pos_label=True)
        return cls(shares, means, _counts(proba, n_bins), name=name).plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the reliability curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        self : object
            The display, with ``ax_`` and ``figure_``.
        """
        self.figure_, self.ax_ = make_axes(self, ax, (4.8, 4.8))
        (self.diagonal_,) = self.ax_.plot(
            [0, 1], [0, 1], color=MUTED, ls="--", label="as estimated"
        )
        self.errorbar_ = self.ax_.errorbar(
            self.prob_pred,
            self.prob_true,
            yerr=self._intervals(),
            color=KEPT,
            marker="o",
            capsize=3,
            label=self.name or "labels",
        )
        self.counts_text_ = [
            self.ax_.annotate(
                f"{count:,}", (x, y), xytext=(6, -11), textcoords="offset points",
                fontsize=8,
            )
            for count, x, y in zip(
                self.counts, self.prob_pred, self.prob_true, strict=True
            )
        ]  # fmt: skip
        self.ax_.set(
            xlabel="estimated probability that a label is wrong",
            ylabel="share of labels that are wrong",
            xlim=(-0.03, 1.08),
            ylim=(-0.05, 1.05),
        )
        light_grid(self.ax_)
        plain(self.ax_.legend(frameon=False, loc="lower right").get_texts())
        return self

    def _intervals(self) -> np.ndarray:
        """Return how far the 95% intervals reach below and above, (2, n_bins)."""
        wrong = np.round(np.asarray(self.prob_true) * self.counts).astype(int)
        found = [
            binomtest(k, n).proportion_ci(method="wilson")
            for k, n in zip(
                wrong.tolist(), np.asarray(self.counts).tolist(), strict=True
            )
        ]
        edges = np.array([(each.low, each.high) for each in found]).reshape(-1, 2).T
        return np.abs(edges - self.prob_true)


def _counts(proba: np.ndarray, n_bins: int) -> np.ndarray:
    """Return how many rows calibration_curve has in each bin, without empty ones."""
    inner = np.linspace(0, 1, n_bins + 1)[1:-1]
    counts = np.bincount(np.searchsorted(inner, proba), minlength=n_bins)
    return counts[counts > 0]
