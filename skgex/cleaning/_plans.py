"""Plans: what a classifier is to be fitted on, after more or less cleaning."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from skgex._base.fit_metadata import fit_options

# The shares of the flagged rows, most suspicious first, that are tried.
SHARES = (0.25, 0.5, 0.75, 1.0)


class Plan(NamedTuple):
    """A training set in terms of the given one.

    Attributes
    ----------
    acted : ndarray of shape (n_samples,), dtype=bool
        The rows that are not used as they are.
    labels : ndarray of shape (n_samples,)
        What each row is to be labelled.
    weights : ndarray of shape (n_samples,), dtype=float64, or None
        What each row is to weigh; None if all weigh the same.
    kept : ndarray of shape (n_samples,), dtype=bool
        The rows to fit on.
    """

    acted: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None
    kept: np.ndarray


def as_they_are(y: np.ndarray) -> Plan:
    """Return the plan that leaves all rows as they are."""
    none = np.zeros(len(y), dtype=bool)
    return Plan(none, y, None, ~none)


def dropped(y: np.ndarray, acted: np.ndarray) -> Plan:
    """Return the plan that leaves some rows out."""
    return Plan(acted, y, None, ~acted)


def relabelled(y: np.ndarray, acted: np.ndarray, suggested: np.ndarray) -> Plan:
    """Return the plan that gives some rows the labels that are suggested."""
    labels = np.where(acted, suggested, y)
    return Plan(acted, labels, None, np.ones(len(y), dtype=bool))


def weighted(y: np.ndarray, acted: np.ndarray, weights: np.ndarray) -> Plan:
    """Return the plan that weights rows, those that are acted on by 0.

    Zero and not just small: a classifier that memorises its training set learns a wrong
    label however little it weighs.
    """
    weights = np.where(acted, 0.0, weights)
    return Plan(acted, y, weights, np.ones(len(y), dtype=bool))


def parts(acted: np.ndarray, scores: np.ndarray) -> list[np.ndarray]:
    """Return masks of growing shares of some rows, by falling scores.

    Parameters
    ----------
    acted : ndarray of shape (n_samples,), dtype=bool
    scores : ndarray of shape (n_samples,)
        The highest come first.

    Returns
    -------
    masks : list of ndarray of shape (n_samples,), dtype=bool
        One per share of ``SHARES``, without empty and equal ones.
    """
    rows = np.flatnonzero(acted)
    order = rows[np.argsort(-scores[rows], kind="stable")]
    masks = []
    for size in sorted({round(share * len(rows)) for share in SHARES} - {0}):
        masks.append(np.isin(np.arange(len(acted)), order[:size]))
    return masks


def fit_by(
    plan: Plan,
    estimator: Any,
    X: Any,
    sample_weight: np.ndarray | None = None,
    rows: np.ndarray | None = None,
) -> Any:
    """Return a clone of a classifier, fitted by a plan.

    Parameters
    ----------
    plan : Plan
    estimator : estimator
        The classifier.
    X : data frame, ndarray or sparse matrix of n_samples rows
    sample_weight : ndarray of shape (n_samples,), default=None
        Multiplied by the weights of the plan.
    rows : ndarray of int, default=None
        The rows to fit on as far as the plan keeps them; None for all.

    Returns
    -------
    fitted : estimator
    """
    rows = np.flatnonzero(plan.kept) if rows is None else rows[plan.kept[rows]]
    weights = plan.weights
    if sample_weight is not None:
        weights = sample_weight if weights is None else weights * sample_weight
    given = None if weights is None else weights[rows]
    options = fit_options(estimator, "estimator", sample_weight=given)
    return clone(estimator).fit(_safe_indexing(X, rows), plan.labels[rows], **options)
