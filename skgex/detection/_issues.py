"""Suspicious rows as a table."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from skgex._base.input_kinds import check_kind
from skgex._base.row_names import names_of
from skgex._base.samples import n_rows
from skgex._utils.optional import import_optional

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, eq=False)
class JudgedRows:
    """What a detector says of its fitted rows, one entry per row.

    Attributes
    ----------
    given, suggested : ndarray of shape (n_samples, ...) or None
        Labels; None where they are not known.
    noise_proba, scores_std : ndarray of shape (n_samples,) or None
        None where the detector estimates none.
    scores : ndarray of shape (n_samples,)
    flagged : ndarray of shape (n_samples,), dtype=bool
    names : pandas.Index or None
        Of the rows; None if they have none.
    """

    given: np.ndarray | None
    suggested: np.ndarray | None
    noise_proba: np.ndarray | None
    scores: np.ndarray
    scores_std: np.ndarray | None
    flagged: np.ndarray
    names: Any


class Detector(Protocol):
    """What finds fitted rows, and says something of them."""

    def _judged_rows(self) -> JudgedRows: ...

    def _positions(self, X: Any) -> np.ndarray: ...


def issues_of(detector: Detector, X: Any) -> "DataFrame":
    """Return the table of fitted rows, most suspicious first.

    Parameters
    ----------
    detector : Detector
    X : object
        Rows of the fit; None stands for all.

    Returns
    -------
    issues : pandas.DataFrame
    """
    pandas = import_optional("pandas", "tabular", "issues")
    judged = detector._judged_rows()
    rows, names = np.arange(len(judged.scores)), judged.names
    if X is not None:
        rows, names = fitted_rows_of(detector, X, len(judged.scores)), names_of(X)
    order = np.argsort(-judged.scores[rows], kind="stable")
    index = pandas.RangeIndex(len(rows)) if names is None else names
    rows, index = rows[order], index.take(order)
    return pandas.DataFrame(_columns(judged, rows), index=index)


def fitted_rows_of(detector: Detector, X: Any, n_fitted: int) -> np.ndarray:
    """Return the fitted row that each given row is.

    Parameters
    ----------
    detector : Detector
    X : object
        Fitted rows. Or what all of them were made of by the earlier steps of a
        pipeline: as many rows, of which none is a fitted one, in the order of the fit.
    n_fitted : int

    Returns
    -------
    rows : ndarray of shape (n_rows,), dtype=intp

    Raises
    ------
    ValueError
        If X is neither.
    """
    check_kind(X)
    rows = _look_up(detector, X)
    found = rows >= 0
    if found.all():
        return rows
    if not found.any() and len(rows) == n_fitted:
        return np.arange(n_fitted)
    raise ValueError(
        f"X: {np.count_nonzero(~found)} of {len(rows)} rows are not among the "
        f"{n_fitted} fitted ones, so that nothing is known of their labels. Pass "
        "fitted rows; or all rows that a pipeline was fitted on, in the same order; or "
        "None for all. To judge new rows, use predict(X, y) and scores(X, y)."
    )


def _look_up(detector: Detector, X: Any) -> np.ndarray:
    """Return the fitted row that each row is, -1 where it is none."""
    try:
        with warnings.catch_warnings():
            # What earlier steps were given has other columns.
            warnings.filterwarnings("ignore", "X (has|does not have) .*feature names")
            return detector._positions(X)
    except (TypeError, ValueError):
        return np.full(n_rows(X), -1)


def _columns(judged: JudgedRows, rows: np.ndarray) -> dict[str, Any]:
    """Return the columns of the table; nan where nothing is known."""
    columns = {
        "given_label": judged.given,
        "suggested_label": judged.suggested,
        "noise_proba": judged.noise_proba,
        "score": judged.scores,
        "score_std": judged.scores_std,
        "flagged": judged.flagged,
    }
    cells = {name: _cells(values, rows) for name, values in columns.items()}
    return {"row": rows, **cells}


def _cells(values: np.ndarray | None, rows: np.ndarray) -> Any:
    """Return a cell per row: a tuple where there are several labels per row."""
    if values is None:
        return np.full(len(rows), np.nan)
    chosen = values[rows]
    return chosen if chosen.ndim == 1 else [tuple(each) for each in chosen.tolist()]
