"""ScoreDisplay: how the scores of all rows lie, and where the cut is."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from skgex.inspection._arguments import check_mask_of, check_truth, fitted_step
from skgex.inspection._drawing import FLAGGED, KEPT, WRONG, light_grid, make_axes, plain
from skgex.metrics import check_scores

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import StepPatch

# The axis of each statistic, without and with classes, whose losses are in nats. With
# classes, structure and neighbours count besides the relative loss.
MEAN_LOSS = "mean loss under the members"
AXES = {
    "relative_loss": (
        MEAN_LOSS,
        "relative loss, times odds of noise structure and neighbours [nats]",
    ),
    "mean_loss": (MEAN_LOSS, f"{MEAN_LOSS} [nats]"),
    "self_influence": ("self-influence", "self-influence [nats²]"),
}

# The histogram takes this part of the height, the legend has room above it.
HEIGHT = 0.72


class ScoreDisplay:
    """Histogram of the scores of all rows, with the cut above which rows are flagged.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Higher = more suspicious.
    predicted_mask : ndarray of shape (n_samples,), dtype=bool, default=None
        True where a row is flagged. None flags the rows above ``threshold``.
    threshold : float, default=None
        The cut; None, or an infinite one, draws no line.
    noise_mask : ndarray of shape (n_samples,), dtype=bool, default=None
        The truth, where it is known: True where the label is wrong.
    score_name : str, default=None
        Name of the axis, with the unit. None is "score".

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn in.
    figure_ : matplotlib Figure
        The figure around it.
    kept_bars_, flagged_bars_ : BarContainer
        Bars of the rows that are kept, and of those that are flagged.
    threshold_line_ : Line2D or None
        The cut; None if it is not drawn.
    wrong_outline_ : StepPatch or None
        Outline of the labels that are known to be wrong; None if they are not known.

    See Also
    --------
    ConvergenceDisplay : Whether the ranking would change with more members.

    Examples
    --------
    >>> from skgex.inspection import ScoreDisplay
    >>> display = ScoreDisplay.from_predictions([0.1, 0.2, 0.2, 2.5], threshold=1.0)
    >>> display.threshold_line_.get_xdata()
    [1.0, 1.0]
    """

    ax_: "Axes"
    figure_: "Figure"
    kept_bars_: "BarContainer"
    flagged_bars_: "BarContainer"
    threshold_line_: "Line2D | None"
    wrong_outline_: "StepPatch | None"

    def __init__(
        self,
        scores,
        *,
        predicted_mask=None,
        threshold=None,
        noise_mask=None,
        score_name=None,
    ):
        self.scores = scores
        self.predicted_mask = predicted_mask
        self.threshold = threshold
        self.noise_mask = noise_mask
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls, detector: Any, *, noise_mask: Any = None, bins: Any = 60, ax: Any = None
    ) -> Self:
        """Draw the scores of a fitted detector.

        Parameters
        ----------
        detector : estimator
            A fitted detector, or a Pipeline that ends in one.
        noise_mask : array-like of shape (n_samples,), dtype=bool, default=None
            The truth, where it is known: True where the label is wrong.
        bins : int, str or array-like of shape (n_edges,), default=60
            As for :func:`numpy.histogram_bin_edges`.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ScoreDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the detector is not fitted.
        ValueError
            If it is no detector, or ``noise_mask`` does not fit its rows.
        """
        names = ("scores_", "noise_mask_", "threshold_")
        fitted = fitted_step(detector, "detector", *names)
        return cls.from_predictions(
            fitted.scores_,
            predicted_mask=fitted.noise_mask_,
            threshold=fitted.threshold_,
            noise_mask=noise_mask,
            score_name=name_of_score(fitted),
            bins=bins,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        scores: Any,
        *,
        predicted_mask: Any = None,
        threshold: float | None = None,
        noise_mask: Any = None,
        score_name: str | None = None,
        bins: Any = 60,
        ax: Any = None,
    ) -> Self:
        """Draw scores.

        Parameters
        ----------
        scores : array-like of shape (n_samples,)
            Higher = more suspicious.
        predicted_mask : array-like of shape (n_samples,), dtype=bool, default=None
            True where a row is flagged. None flags the rows above ``threshold``.
        threshold : float, default=None
            The cut; None, or an infinite one, draws no line.
        noise_mask : array-like of shape (n_samples,), dtype=bool, default=None
            The truth, where it is known: True where the label is wrong.
        score_name : str, default=None
            Name of the axis, with the unit. None is "score".
        bins : int, str or array-like of shape (n_edges,), default=60
            As for :func:`numpy.histogram_bin_edges`.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ScoreDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If lengths differ, a score is not finite, or a mask holds anything but True
            and False (or 1 and 0).
        """
        scores = check_scores(scores)
        flagged = check_mask_of(predicted_mask, len(scores), "predicted_mask")
        display = cls(
            scores,
            predicted_mask=flagged,
            threshold=threshold,
            noise_mask=check_truth(noise_mask, len(scores)),
            score_name=score_name,
        )
        return display.plot(ax, bins=bins)

    def plot(self, ax: Any = None, *, bins: Any = 60) -> Self:
        """Draw the histogram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        bins : int, str or array-like of shape (n_edges,), default=60
            As for :func:`numpy.histogram_bin_edges`.

        Returns
        -------
        self : object
            The display, with ``ax_`` and ``figure_``.
        """
        edges = np.histogram_bin_edges(self.scores, bins)
        self.figure_, self.ax_ = make_axes(self, ax, (7, 3.5))
        flagged = self._flagged()
        self.kept_bars_ = self._bars(~flagged, edges, KEPT, "kept")
        self.flagged_bars_ = self._bars(flagged, edges, FLAGGED, "flagged")
        self.wrong_outline_ = self._outline(edges)
        self.threshold_line_ = self._cut()
        self.ax_.set(xlabel=self.score_name or "score", ylabel="rows", yscale="log")
        self._set_height()
        plain(self.ax_.xaxis.label)
        light_grid(self.ax_, "y")
        self.ax_.legend(frameon=False, loc="upper right", fontsize=9)
        return self

    def _flagged(self) -> np.ndarray:
        """Return which rows are flagged."""
        if self.predicted_mask is not None:
            return self.predicted_mask
        return self.scores > (np.inf if self.threshold is None else self.threshold)

    def _bars(
        self, rows: np.ndarray, edges: np.ndarray, color: str, name: str
    ) -> "BarContainer":
        """Draw how many of some rows have which score."""
        counts, _ = np.histogram(self.scores[rows], edges)
        return self.ax_.bar(
            edges[:-1],
            counts,
            np.diff(edges),
            align="edge",
            color=color,
            alpha=0.8,
            label=f"{name}: {_rows(rows)}",
        )

    def _outline(self, edges: np.ndarray) -> "StepPatch | None":
        """Draw how many of the wrong labels have which score."""
        if self.noise_mask is None:
            return None
        counts, _ = np.histogram(self.scores[self.noise_mask], edges)
        label = f"known to be wrong: {_rows(self.noise_mask)}"
        return self.ax_.stairs(counts, edges, color=WRONG, linewidth=1.5, label=label)

    def _set_height(self) -> None:
        """Let a single row be seen, and the legend have room."""
        bars = [*self.kept_bars_, *self.flagged_bars_]
        lowest, highest = 0.5, max(bar.get_height() for bar in bars)
        self.ax_.set_ylim(lowest, lowest * (highest / lowest) ** (1 / HEIGHT))

    def _cut(self) -> "Line2D | None":
        """Draw the threshold."""
        if self.threshold is None or not np.isfinite(self.threshold):
            return None
        label = f"cut at {self.threshold:.3g}"
        return self.ax_.axvline(self.threshold, color=WRONG, ls="--", label=label)


def _rows(mask: np.ndarray) -> str:
    """Say how many rows are in a mask."""
    number = int(mask.sum())
    return "1 row" if number == 1 else f"{number:,} rows"


def name_of_score(detector: Any) -> str:
    """Return what a fitted detector ranks rows by, with the unit.

    Parameters
    ----------
    detector : estimator
        A fitted detector.

    Returns
    -------
    name : str
    """
    model = getattr(detector, "_noise_model", None)
    if model is not None:
        statistic = model.ranking.statistic  # of the fit, not of today's parameters
        return AXES[statistic][hasattr(detector, "classes_")]
    scorer = getattr(detector, "scorer_", detector)
    scorer = scorer[-1] if hasattr(scorer, "steps") else scorer
    kind = "scores_" if hasattr(scorer, "scores_") else "self_influence_"
    return f"{kind.rstrip('_').replace('_', '-')} of {type(scorer).__name__}"
