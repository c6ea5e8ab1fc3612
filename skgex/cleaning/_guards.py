"""Guards between what a selector flags and what is done to the rows.

A selector is a fitted detector or pruner, or a pipeline that ends in one. The rows that
it flags are those that it would do without.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from skgex._utils.warnings import warn_caller
from skgex.exceptions import SparedRowsWarning

# The share of a normal distribution's variance that the best cut in two explains. By
# symmetry that cut is at the mean. In units of the standard deviation, the halves then
# have the means -√(2/π) and √(2/π), since E|Z| = √(2/π); with half of the weight each,
# the variance between them is 2/π of a total of 1. A detector also cuts scores without
# any noise in two, but such a cut explains no more than about this.
NORMAL_VARIANCE_SHARE = 2 / np.pi

# A detector is sure of wrong labels if their rate is this number of standard errors.
N_ERRORS_OF_RATE = 4

# What is checked of X. Whether numbers must be finite is left to detectors and
# classifiers, since some of them take missing values.
CHECKS: dict[str, Any] = {
    "accept_sparse": "csr",
    "dtype": None,
    "ensure_all_finite": False,
}


class Limits(NamedTuple):
    """How much of a class may be acted on.

    Attributes
    ----------
    min_samples : int
        Each class keeps this number of its rows, or all of them if it has fewer.
    max_share : float
        At most this share of the rows of a class may be acted on.
    """

    min_samples: int
    max_share: float


class Decision(NamedTuple):
    """The rows that a selector flags, and those of them that will be changed.

    Attributes
    ----------
    flagged : ndarray of shape (n_samples,), dtype=bool
        The rows that the selector would do without.
    acted : ndarray of shape (n_samples,), dtype=bool
        The flagged rows that the guards allow to be dropped or changed.
    separated : bool
        Whether the scores of the flagged rows stand apart from the others.
    """

    flagged: np.ndarray
    acted: np.ndarray
    separated: bool


def as_given(X: Any, checked: Any) -> Any:
    """Return data frames as they came, anything else as an array."""
    return X if hasattr(X, "columns") else checked


def view_for(selector: Any, X: Any, checked: Any) -> Any:
    """Return X as a selector can take it: dense if it takes no sparse input.

    Parameters
    ----------
    selector : estimator
        A detector or pruner, or a pipeline that ends in one.
    X : data frame, ndarray or sparse matrix
        Samples as they came.
    checked : ndarray or sparse matrix
        The same samples as an array; sparse for a data frame of sparse columns, too.

    Returns
    -------
    view : data frame, ndarray or sparse matrix
    """
    first = selector[0] if isinstance(selector, Pipeline) else selector
    if issparse(checked) and not get_tags(first).input_tags.sparse:
        return checked.toarray()
    return X


def last_step(estimator: Any) -> Any:
    """Return the last step of a pipeline, or the estimator itself."""
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


def is_surely_noisy(selector: Any) -> bool:
    """Return whether a fitted detector's rate of noise is far above its error."""
    detector = last_step(selector)
    rate = getattr(detector, "noise_rate_", 0.0)
    return bool(rate > N_ERRORS_OF_RATE * getattr(detector, "noise_rate_std_", np.inf))


def noise_matrix_of(selector: Any) -> np.ndarray | None:
    """Return a fitted detector's estimate of how labels were given, if it has one."""
    return getattr(last_step(selector), "noise_matrix_", None)


def decide(selector: Any, y: np.ndarray, limits: Limits) -> Decision:
    """Decide which flagged rows may be acted on, and warn if some may not.

    A pruner flags as many rows as it was told to, so all of them are acted on, whatever
    their share. The rows that a detector flags are acted on only if their scores stand
    apart.

    Parameters
    ----------
    selector : estimator
        A fitted detector or pruner, or a pipeline that ends in one.
    y : ndarray of shape (n_samples,)
        Labels as given.
    limits : Limits

    Returns
    -------
    decision : Decision
    """
    flagged = ~last_step(selector).get_support()
    scores = dispensability(selector)
    detects = is_detector(selector)
    separated = not detects or separates(scores, flagged)
    if not separated:
        if flagged.any():
            warn_caller(
                f"{flagged.sum()} labels were flagged as wrong, but the scores do not "
                "separate wrong from right ones; all rows stay as they are.",
                SparedRowsWarning,
            )
        return Decision(flagged, np.zeros_like(flagged), False)
    if not detects:
        limits = limits._replace(max_share=1.0)
    acted = flagged & ~needed(flagged, y, scores, limits)
    n_spared = flagged.sum() - acted.sum()
    if n_spared:
        warn_caller(
            f"{n_spared} rows stay as they are, so that each class keeps what "
            f"min_samples_per_class={limits.min_samples} and "
            f"max_share_per_class={limits.max_share} leave it.",
            SparedRowsWarning,
        )
    return Decision(flagged, acted, True)


def is_detector(selector: Any) -> bool:
    """Return whether a fitted selector flags wrong labels, and not rows to prune."""
    return hasattr(last_step(selector), "noise_mask_")


def dispensability(selector: Any) -> np.ndarray:
    """Return how clearly a fitted selector would do without each row, (n_samples,).

    A pruner flags the rows of the lowest scores, a detector those of the highest.
    """
    last = last_step(selector)
    name = "scores_" if hasattr(last, "scores_") else "self_influence_"
    scores = getattr(last, name)
    return scores if is_detector(selector) else -scores


def separates(scores: np.ndarray, flagged: np.ndarray) -> bool:
    """Return whether the scores of the flagged rows stand apart from the others.

    They do if the split into flagged and other rows explains more than
    ``NORMAL_VARIANCE_SHARE`` of the variance of the root of the scores. On clean data a
    detector flags the upper part of a single group of scores; that split explains less.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Higher = more suspicious.
    flagged : ndarray of shape (n_samples,), dtype=bool

    Returns
    -------
    separated : bool
    """
    if flagged.all() or not flagged.any():
        return False
    roots = np.sqrt(scores - min(scores.min(), 0))
    share = flagged.mean()
    distance = roots[flagged].mean() - roots[~flagged].mean()
    explained = share * (1 - share) * distance**2
    return bool(explained > NORMAL_VARIANCE_SHARE * roots.var())


def needed(
    flagged: np.ndarray, y: np.ndarray, scores: np.ndarray, limits: Limits
) -> np.ndarray:
    """Return the flagged rows that their class cannot spare.

    Parameters
    ----------
    flagged : ndarray of shape (n_samples,), dtype=bool
    y : ndarray of shape (n_samples,)
        Labels as given.
    scores : ndarray of shape (n_samples,)
        How clearly one would do without a row; the lowest are kept first.
    limits : Limits

    Returns
    -------
    needed : ndarray of shape (n_samples,), dtype=bool
    """
    mask = np.zeros(len(flagged), dtype=bool)
    for label in np.unique(y):
        of_class = y == label
        rows = np.flatnonzero(of_class & flagged)
        # 0.29 times 100 is a little less than 29.
        most = int(limits.max_share * of_class.sum() + 1e-9)
        most = max(min(most, of_class.sum() - limits.min_samples), 0)
        order = rows[np.argsort(scores[rows], kind="stable")]
        mask[order[: max(len(rows) - most, 0)]] = True
    return mask
