"""Asking a detector or pruner about rows, and the guards on what is done with them."""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from skgex._utils.warnings import warn_caller
from skgex.exceptions import SparedRowsWarning

# The share of a normal distribution's variance that its best cut explains.
ONE_HEAP = 2 / np.pi

# What is checked of X; finite numbers are for detectors and classifiers to ask for.
CHECKS = {"accept_sparse": "csr", "dtype": None, "ensure_all_finite": False}


class Verdict(NamedTuple):
    """What a judge says of the rows, and what of it will be acted on.

    Attributes
    ----------
    judged : ndarray of shape (n_samples,), dtype=bool
        The rows that the judge would do without.
    acted : ndarray of shape (n_samples,), dtype=bool
        Those of them that the guards leave to be acted on.
    separated : bool
        Whether the judged rows stand apart by their scores.
    """

    judged: np.ndarray
    acted: np.ndarray
    separated: bool


def as_given(X: Any, checked: Any) -> Any:
    """Return data frames as they came, anything else as an array."""
    return X if hasattr(X, "columns") else checked


def view_for(judge: Any, X: Any, checked: Any) -> Any:
    """Return what a judge is given: dense arrays where it takes nothing sparse.

    Parameters
    ----------
    judge : estimator
        A detector or pruner, or a pipeline that ends in one.
    X : data frame, ndarray or sparse matrix
        Samples as they came.
    checked : ndarray or sparse matrix
        The same as an array; sparse for a data frame of sparse columns, too.

    Returns
    -------
    view : data frame, ndarray or sparse matrix
    """
    first = judge[0] if isinstance(judge, Pipeline) else judge
    if issparse(checked) and not get_tags(first).input_tags.sparse:
        return checked.toarray()
    return X


def last_step(judge: Any) -> Any:
    """Return the detector or pruner itself, of a pipeline its last step."""
    return judge[-1] if isinstance(judge, Pipeline) else judge


def decide(judge: Any, y: np.ndarray, min_samples_per_class: int) -> Verdict:
    """Say which rows to act on, and warn where fewer than the judge asks for.

    A pruner's rows are the number that was ordered, whatever the scores look like;
    those of a detector are acted on only where its scores separate.

    Parameters
    ----------
    judge : estimator
        A fitted detector or pruner.
    y : ndarray of shape (n_samples,)
        Labels as given.
    min_samples_per_class : int
        Each class keeps this number of its rows, or all that it has if fewer.

    Returns
    -------
    verdict : Verdict
    """
    judge = last_step(judge)
    judged = ~judge.get_support()
    finds_noise = hasattr(judge, "noise_mask_")
    scores = judge.scores_ if finds_noise else -judge.self_influence_
    separated = not finds_noise or separates(scores, judged)
    if not separated:
        if judged.any():
            warn_caller(
                f"{judged.sum()} labels were judged wrong, but the scores do not "
                "separate wrong from right ones; all rows stay as they are.",
                SparedRowsWarning,
            )
        return Verdict(judged, np.zeros_like(judged), False)
    acted = judged & ~needed(judged, y, scores, min_samples_per_class)
    n_spared = judged.sum() - acted.sum()
    if n_spared:
        warn_caller(
            f"{n_spared} rows stay as they are, lest a class fall below "
            f"min_samples_per_class={min_samples_per_class}.",
            SparedRowsWarning,
        )
    return Verdict(judged, acted, True)


def separates(scores: np.ndarray, judged: np.ndarray) -> bool:
    """Say whether the judged rows stand apart from the others.

    They do where telling them apart explains more of the variance of the root of the
    scores than the best cut does of a normal distribution's, which is 2/π. On clean
    data, what a detector flags are the upper rows of one heap, and not all of them.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Higher = more suspicious.
    judged : ndarray of shape (n_samples,), dtype=bool

    Returns
    -------
    separated : bool
    """
    if judged.all() or not judged.any():
        return False
    roots = np.sqrt(scores - min(scores.min(), 0))
    share = judged.mean()
    apart = roots[judged].mean() - roots[~judged].mean()
    return bool(share * (1 - share) * apart**2 > ONE_HEAP * roots.var())


def needed(
    judged: np.ndarray, y: np.ndarray, scores: np.ndarray, min_samples_per_class: int
) -> np.ndarray:
    """Return the judged rows that their class cannot spare, the least suspicious.

    Parameters
    ----------
    judged : ndarray of shape (n_samples,), dtype=bool
    y : ndarray of shape (n_samples,)
    scores : ndarray of shape (n_samples,)
        Higher = to be spared last.
    min_samples_per_class : int

    Returns
    -------
    needed : ndarray of shape (n_samples,), dtype=bool
    """
    mask = np.zeros(len(judged), dtype=bool)
    for label in np.unique(y):
        rows = np.flatnonzero((y == label) & judged)
        n_missing = min_samples_per_class - ((y == label) & ~judged).sum()
        mask[rows[np.argsort(scores[rows], kind="stable")[: max(n_missing, 0)]]] = True
    return mask
