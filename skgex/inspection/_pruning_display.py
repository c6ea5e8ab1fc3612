"""PruningDisplay: how well a model learns from fewer and fewer rows."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import clone
from sklearn.metrics import check_scoring
from sklearn.utils import check_random_state

from skgex.inspection._arguments import (
    check_labels_of,
    check_n_rows,
    fitted_step,
    n_rows_of,
    take_rows,
)
from skgex.inspection._drawing import (
    ACCENT,
    FLAGGED,
    KEPT,
    MUTED,
    light_grid,
    make_axes,
    plain,
)
from skgex.metrics import check_scores
from skgex.pruning import prune_mask

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Lines of pruners, in turn; random rows are grey.
STYLES = [
    (KEPT, "o"),
    (FLAGGED, "s"),
    (ACCENT, "^"),
    ("#CC79A7", "D"),
    ("#E69F00", "v"),
]
RANDOM = "random rows"


class PruningDisplay:
    """Score of a model on test data against the share of rows that was pruned.

    Use :meth:`from_estimator` or :meth:`from_predictions` to make one.

    Parameters
    ----------
    shares : ndarray of shape (n_shares,)
        Shares of the training rows that were pruned, in [0, 1).
    test_scores : dict of str to ndarray of shape (n_shares, n_repeats)
        Scores of the model after each share was pruned, by the pruner's name.
    score_name : str, default=None
        Name of the axis. None is "score".

    Attributes
    ----------
    ax_ : matplotlib Axes
        What was drawn in.
    figure_ : matplotlib Figure
        The figure around it.
    lines_ : dict of str to Line2D
        Mean score over the repeats, by the pruner's name.
    bands_ : dict of str to PolyCollection
        From the lowest to the highest score, for pruners with several repeats.

    Examples
    --------
    >>> from skgex.inspection import PruningDisplay
    >>> display = PruningDisplay.from_predictions(
    ...     [0.0, 0.5], {"GEX": [0.9, 0.9], "random rows": [[0.9, 0.9], [0.8, 0.7]]}
    ... )
    >>> display.lines_["random rows"].get_ydata()
    array([0.9 , 0.75])
    """

    ax_: "Axes"
    figure_: "Figure"
    lines_: dict
    bands_: dict

    def __init__(self, shares, test_scores, *, score_name=None):
        self.shares = shares
        self.test_scores = test_scores
        self.score_name = score_name

    @classmethod
    def from_estimator(
        cls,
        pruner: Any,
        estimator: Any,
        X: Any,
        y: Any,
        X_test: Any,
        y_test: Any,
        *,
        shares: Any = (0.0, 0.2, 0.4, 0.6, 0.8),
        scoring: Any = None,
        n_random: int = 5,
        random_state: Any = None,
        ax: Any = None,
    ) -> Self:
        """Prune more and more rows, train a model on the others, and draw its scores.

        A clone of the model is trained ``(n_pruners + n_random) * n_shares`` times.

        Parameters
        ----------
        pruner : estimator or dict of str to estimator
            A pruner that was fitted on X and y, or several of them by name. Its scores
            and its ``class_balance`` say which rows go first; its ``prune`` does not
            count.
        estimator : estimator
            The model. It is cloned, and need not be fitted.
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Training samples.
        y : array-like of shape (n_samples,)
            Their labels.
        X_test : array-like of shape (n_test_samples, n_features) or \
                (n_test_samples, ...)
            Test samples.
        y_test : array-like of shape (n_test_samples,)
            Their labels.
        shares : array-like of float, default=(0.0, 0.2, 0.4, 0.6, 0.8)
            Shares of the rows to prune, in [0, 1).
        scoring : str, callable or None, default=None
            How the model is scored, as in scikit-learn. None takes its own ``score``.
        n_random : int, default=5
            How many times rows are pruned at random, for comparison; 0 for none.
        random_state : int, RandomState or None, default=None
            Seed of the random rows. Pass an int for the same rows every time.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : PruningDisplay
            The display, drawn.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If a pruner is not fitted.
        ValueError
            If X or y are not those of the pruner, or a share is impossible.
        """
        labels = check_labels_of(y, n_rows_of(X))
        shares = _checked_shares(shares)
        masks = {
            name: [_masks_of(each, labels, shares)]
            for name, each in _by_name(pruner).items()
        }
        random = check_random_state(random_state)
        draws = [random.permutation(len(labels)) for _ in range(n_random)]
        if draws:
            masks[RANDOM] = [[prune_mask(d, s) for s in shares] for d in draws]
        scorer = check_scoring(estimator, scoring=scoring)

        def score(pruned: np.ndarray) -> float:
            kept = np.flatnonzero(~pruned)
            model = clone(estimator).fit(take_rows(X, kept), labels[kept])
            return float(scorer(model, X_test, y_test))

        scores = {
            name: np.array([[score(mask) for mask in repeat] for repeat in repeats]).T
            for name, repeats in masks.items()
        }
        return cls.from_predictions(shares, scores, score_name=_name(scoring), ax=ax)

    @classmethod
    def from_predictions(
        cls,
        shares: Any,
        test_scores: Mapping[str, Any],
        *,
        score_name: str | None = None,
        ax: Any = None,
    ) -> Self:
        """Draw scores that are known.

        Parameters
        ----------
        shares : array-like of shape (n_shares,)
            Shares of the rows that were pruned, in [0, 1).
        test_scores : dict of str to array-like of shape (n_shares,) or \
                (n_shares, n_repeats)
            Scores of the model after each share was pruned, by the pruner's name.
            "random rows" are drawn in grey.
        score_name : str, default=None
            Name of the axis. None is "score".
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.

        Returns
        -------
        display : PruningDisplay
            The display, drawn.

        Raises
        ------
        ValueError
            If lengths differ, or a share is impossible.
        """
        shares = _checked_shares(shares)
        scores = {
            name: np.asarray(values, dtype=float).reshape(n_rows_of(values), -1)
            for name, values in test_scores.items()
        }
        for name, values in scores.items():
            if len(values) != len(shares):
                raise ValueError(
                    f"test_scores: must have one entry per share, {len(shares)}, got "
                    f"{len(values)} for {name!r}."
                )
        return cls(shares, scores, score_name=score_name).plot(ax)

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
        self.lines_, self.bands_ = {}, {}
        styles = iter(STYLES * len(self.test_scores))
        for name, scores in self.test_scores.items():
            color, marker = (MUTED, "x") if name == RANDOM else next(styles)
            (self.lines_[name],) = self.ax_.plot(
                self.shares, scores.mean(axis=1), color=color, marker=marker, label=name
            )
            if scores.shape[1] > 1:
                edges = scores.min(axis=1), scores.max(axis=1)
                self.bands_[name] = self.ax_.fill_between(
                    self.shares, *edges, color=color, alpha=0.15, linewidth=0
                )
        self.ax_.set(
            xlabel="share of the training rows that is pruned",
            ylabel=self.score_name or "score",
        )
        self.ax_.xaxis.set_major_formatter("{x:.0%}")
        plain(self.ax_.yaxis.label)
        light_grid(self.ax_)
        plain(self.ax_.legend(frameon=False, loc="lower left").get_texts())
        return self


def _by_name(pruner: Any) -> dict[str, Any]:
    """Return fitted pruners by name."""
    pruners = pruner if isinstance(pruner, Mapping) else {None: pruner}
    fitted = {
        name: fitted_step(each, "pruner", "prune_mask_")
        for name, each in pruners.items()
    }
    return {name or type(each).__name__: each for name, each in fitted.items()}


def _masks_of(pruner: Any, labels: np.ndarray, shares: np.ndarray) -> list[np.ndarray]:
    """Return which rows a fitted pruner prunes for each share."""
    has_scores = hasattr(pruner, "scores_")
    scores = pruner.scores_ if has_scores else pruner.self_influence_
    check_n_rows(labels, len(scores), "y")
    classes = labels if hasattr(pruner, "classes_") else None
    balance = pruner._balance(classes)
    return [prune_mask(scores, float(s), labels, balance) for s in shares]


def _checked_shares(shares: Any) -> np.ndarray:
    """Return shares as an array of numbers in [0, 1)."""
    checked = check_scores(shares, "shares").astype(float)
    if not len(checked) or checked.min() < 0 or checked.max() >= 1:
        raise ValueError(f"shares: must lie in [0, 1), got {checked.tolist()}.")
    return checked


def _name(scoring: Any) -> str:
    """Return the name of the axis."""
    if scoring is None:
        return "score on test data"
    name = (
        scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
    )
    return f"{name.replace('_', ' ')} on test data"
