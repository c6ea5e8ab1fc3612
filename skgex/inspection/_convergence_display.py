"""ConvergenceDisplay: whether more members would change who is most suspicious."""

from typing import TYPE_CHECKING, Any, Self

import numpy as np

from skgex.inspection._arguments import check_count, check_truth, fitted_step
from skgex.inspection._drawing import ACCENT, KEPT, WRONG, light_grid, make_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


class ConvergenceDisplay:
    """How the most suspicious rows change with the number of members.

    Each member of an ensemble scores each row, and the score of a row is the mean. Two
    curves say how far this mean has settled. One compares the most suspicious rows by
    the first m members with those by all: it ends at 1 in any case. The other compares
    those by m members with those by m others: it says what another seed would change.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    n_top : int
        How many of the most suspicious rows are compared.
    overlap_with_all : ndarray of shape (n_members,)
        Share of them that the first 1, 2, ... members have in common with all.
    overlap_of_halves : ndarray of shape (n_members // 2,)
        Share of them that the first and the last 1, 2, ... members have in common.
    precision : ndarray of shape (n_members,), default=None
        Share of wrong labels among them, where the truth is known.

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn in.
    figure_ : matplotlib Figure
        The figure around it.
    all_line_, halves_line_ : Line2D
        The two curves.
    precision_line_ : Line2D or None
        The share of wrong labels; None where the truth is not known.

    See Also
    --------
    skgex.GEXDetector : ``n_members="auto"`` grows members until the ranking is stable.

    Examples
    --------
    >>> from skgex.inspection import ConvergenceDisplay
    >>> display = ConvergenceDisplay.from_predictions(
    ...     [[9, 9, 9, 9], [1, 5, 5, 1], [5, 1, 1, 5]], n_top=2
    ... )
    >>> display.overlap_of_halves
    array([1., 1.])
    """

    ax_: "Axes"
    figure_: "Figure"
    all_line_: "Line2D"
    halves_line_: "Line2D"
    precision_line_: "Line2D | None"

    def __init__(self, n_top, overlap_with_all, overlap_of_halves, *, precision=None):
        self.n_top = n_top
        self.overlap_with_all = overlap_with_all
        self.overlap_of_halves = overlap_of_halves
        self.precision = precision

    @classmethod
    def from_estimator(
        cls,
        detector: Any,
        *,
        n_top: int | None = None,
        noise_mask: Any = None,
        ax: Any = None,
    ) -> Self:
        """Draw the convergence of a detector's ranking.

        Parameters
        ----------
        detector : estimator
            A fitted :class:`skgex.GEXDetector`, or a Pipeline that ends in one.
        n_top : int, default=None
            How many of the most suspicious rows to compare. None takes as many as are
            flagged.
        noise_mask : array-like of shape (n_samples,), dtype=bool, default=None
            The truth, where it is known: True where the label is wrong.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ConvergenceDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the detector is not fitted.
        ValueError
            If it has no members, fewer than two of them, or flags no row and ``n_top``
            is None.
        """
        fitted = fitted_step(detector, "detector", "ensemble_", "noise_mask_")
        ranking, evaluation = fitted._noise_model.ranking, fitted._fitted.evaluation
        if n_top is None:
            n_top = int(fitted.noise_mask_.sum())
            if not n_top:
                raise ValueError("n_top: must be given, as no row is flagged.")
        return cls.from_predictions(
            ranking.member_scores(evaluation, fitted._rows.codes),
            n_top=n_top,
            noise_mask=noise_mask,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        member_scores: Any,
        *,
        n_top: int,
        noise_mask: Any = None,
        ax: Any = None,
    ) -> Self:
        """Draw the convergence of the mean of some scores.

        Parameters
        ----------
        member_scores : array-like of shape (n_samples, n_members)
            Score of each row by each member, higher = more suspicious; NaN where a
            member does not count for a row.
        n_top : int
            How many of the most suspicious rows to compare.
        noise_mask : array-like of shape (n_samples,), dtype=bool, default=None
            The truth, where it is known: True where the label is wrong.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : ConvergenceDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If there are fewer than two members, fewer rows than ``n_top``, or the mask
            does not fit the rows.
        """
        scores = _checked_scores(member_scores)
        n_top = check_count(n_top, "n_top")
        if n_top > len(scores):
            raise ValueError(f"n_top: there are {len(scores)} rows only, got {n_top}.")
        truth = check_truth(noise_mask, len(scores))
        tops = _tops(scores, n_top)
        others = _tops(scores[:, ::-1], n_top)[: scores.shape[1] // 2]
        precision = None
        if truth is not None:
            precision = np.array([truth[top].mean() for top in tops])
        with_all = [_overlap(top, tops[-1]) for top in tops]
        halves = [_overlap(*pair) for pair in zip(tops, others, strict=False)]
        display = cls(n_top, np.array(with_all), np.array(halves), precision=precision)
        return display.plot(ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        self : object
            The display, with ``ax_`` and ``figure_``.
        """
        self.figure_, self.ax_ = make_axes(self, ax, (6.4, 4))
        self.all_line_ = self._curve(
            self.overlap_with_all, KEPT, "o", "in common with those by all members"
        )
        self.halves_line_ = self._curve(
            self.overlap_of_halves,
            ACCENT,
            "s",
            "in common with those by as many others",
        )
        self.precision_line_ = None
        if self.precision is not None:
            self.precision_line_ = self._curve(
                self.precision, WRONG, "^", "known to be wrong"
            )
        self.ax_.set(
            xlabel="members",
            ylabel=f"share of the {self.n_top:,} most suspicious rows",
            ylim=(min(0.5, float(self.overlap_of_halves.min()) - 0.05), 1.05),
        )
        self.ax_.locator_params(axis="x", integer=True)
        light_grid(self.ax_)
        self.ax_.legend(frameon=False, loc="lower right")
        return self

    def _curve(
        self, shares: np.ndarray, color: str, marker: str, label: str
    ) -> "Line2D":
        """Draw shares against 1, 2, ... members."""
        (line,) = self.ax_.plot(
            np.arange(1, len(shares) + 1),
            shares,
            color=color,
            marker=marker,
            markersize=5,
            label=label,
        )
        return line


def _checked_scores(member_scores: Any) -> np.ndarray:
    """Return scores of at least two members."""
    scores = np.asarray(member_scores, dtype=float)
    if scores.ndim != 2 or scores.shape[1] < 2:
        raise ValueError(
            "member_scores: must have the shape (n_samples, n_members), with at least "
            f"2 members, got {scores.shape}."
        )
    return scores


def _tops(scores: np.ndarray, n_top: int) -> list[np.ndarray]:
    """Return the rows of the highest means over the first 1, 2, ... members."""
    sums = np.nancumsum(scores, axis=1)
    counts = np.cumsum(~np.isnan(scores), axis=1)
    means = np.divide(sums, counts, out=np.full(sums.shape, -np.inf), where=counts > 0)
    return list(np.argsort(-means, axis=0, kind="stable")[:n_top].T)


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the share of rows that two sets of as many have in common."""
    return len(np.intersect1d(first, second)) / len(first)
