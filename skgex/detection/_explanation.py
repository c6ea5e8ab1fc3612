"""Why fitted rows are suspicious: which rows pull on their given labels."""

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._utils.optional import import_optional
from skgex.detection._pulls import hardest_pulls

if TYPE_CHECKING:
    from pandas import DataFrame

# The most suspicious rows that are explained where none are named. Each takes a pass
# over all rows.
MAX_ROWS = 100

# Rows that are printed.
MAX_PRINTED = 10


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """Why rows are suspicious, one entry or line per explained row.

    ``print`` shows the first ten; ``to_frame`` has all.

    Attributes
    ----------
    rows : ndarray of shape (n_rows,), dtype=intp
        Positions among the fitted rows.
    given_labels, given_proba : ndarray of shape (n_rows,)
        Labels as given, and their probability under the ensemble.
    suggested_labels, suggested_proba : ndarray of shape (n_rows,)
        The labels that the ensemble prefers, and their probability.
    noise_proba : ndarray of shape (n_rows,)
        The estimated probability that the given label is wrong.
    rows_for, rows_against : ndarray of shape (n_rows, n_neighbors), dtype=intp
        Positions of the rows that pull hardest for, and against, the given label,
        hardest first; -1 where fewer rows pull that way.
    pulls_for, pulls_against : ndarray of shape (n_rows, n_neighbors), dtype=float64
        Their pull in nats, positive for and negative against the given label, 0 where
        there is no row: how far the log-odds of the label rise over the members with
        one standard deviation of those of the other row's, times the likeness of what
        the ensemble predicts for both, in [0, 1].
    """

    rows: np.ndarray
    given_labels: np.ndarray
    given_proba: np.ndarray
    suggested_labels: np.ndarray
    suggested_proba: np.ndarray
    noise_proba: np.ndarray
    rows_for: np.ndarray
    pulls_for: np.ndarray
    rows_against: np.ndarray
    pulls_against: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def to_frame(self) -> "DataFrame":
        """Return a pandas DataFrame with one line per explained row.

        Returns
        -------
        frame : pandas.DataFrame
            Its index is the row's position. ``rows_for``, ``pulls_for``,
            ``rows_against`` and ``pulls_against`` hold lists, without missing rows.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pandas = import_optional("pandas", "tabular", "to_frame")
        columns = {
            "given_label": self.given_labels,
            "given_proba": self.given_proba,
            "suggested_label": self.suggested_labels,
            "suggested_proba": self.suggested_proba,
            "noise_proba": self.noise_proba,
            "rows_for": _present(self.rows_for, self.rows_for),
            "pulls_for": _present(self.pulls_for, self.rows_for),
            "rows_against": _present(self.rows_against, self.rows_against),
            "pulls_against": _present(self.pulls_against, self.rows_against),
        }
        index = pandas.Index(self.rows, name="row")
        return pandas.DataFrame(columns, index=index)

    def __str__(self) -> str:
        if not len(self):
            return "No rows to explain."
        lines = [self._describe(i) for i in range(min(len(self), MAX_PRINTED))]
        if len(self) > MAX_PRINTED:
            lines.append(f"... and {len(self) - MAX_PRINTED} more: see to_frame()")
        return "\n".join(lines)

    __repr__ = __str__

    def _describe(self, i: int) -> str:
        first = (
            f"row {self.rows[i]}: given {self.given_labels[i]} "
            f"({self.given_proba[i]:.1%}), suggested {self.suggested_labels[i]} "
            f"({self.suggested_proba[i]:.1%}); wrong with probability "
            f"{self.noise_proba[i]:.2f}"
        )
        sides = {
            "for": (self.rows_for[i], self.pulls_for[i]),
            "against": (self.rows_against[i], self.pulls_against[i]),
        }
        return "\n".join([first, *(_side(name, *side) for name, side in sides.items())])


def explain(
    evaluation: EnsembleEvaluation,
    probabilities: np.ndarray,
    codes: np.ndarray,
    classes: np.ndarray,
    noise_proba: np.ndarray,
    rows: np.ndarray,
    n_neighbors: int,
    identity: np.ndarray | None,
) -> Explanation:
    """Explain fitted rows.

    Parameters
    ----------
    evaluation : EnsembleEvaluation
        Of all fitted rows.
    probabilities : ndarray of shape (n_samples, n_classes)
        Of each class, averaged over the members.
    codes : ndarray of shape (n_samples,), dtype=int
        The given labels.
    classes : ndarray of shape (n_classes,)
    noise_proba : ndarray of shape (n_samples,)
    rows : ndarray of shape (n_rows,), dtype=intp
        The rows to explain.
    n_neighbors : int
        How many rows to name for, and against, each label.
    identity : ndarray of shape (n_samples,) or None
        Equal numbers for copies of a row; None where they are not known.

    Returns
    -------
    explanation : Explanation
    """
    n_starts = evaluation.n_starts
    if evaluation.n_members < 2 * n_starts:
        n_starts = 1  # a member alone can only be compared with those of another start
    positive, negative = hardest_pulls(
        evaluation.losses,
        probabilities,
        codes,
        rows,
        n_neighbors,
        identity,
        n_starts,
    )
    return Explanation(
        rows=rows,
        given_labels=classes[codes[rows]],
        given_proba=probabilities[rows, codes[rows]],
        suggested_labels=classes[probabilities[rows].argmax(axis=1)],
        suggested_proba=probabilities[rows].max(axis=1),
        noise_proba=noise_proba[rows],
        rows_for=positive.rows,
        pulls_for=positive.pulls,
        rows_against=negative.rows,
        pulls_against=negative.pulls,
    )


def rows_to_explain(
    rows: Any, noise_mask: np.ndarray, scores: np.ndarray
) -> np.ndarray:
    """Return the positions of the rows to explain.

    Parameters
    ----------
    rows : int, array-like of int, mask or None
        None stands for the flagged rows, most suspicious first, at most ``MAX_ROWS``.
    noise_mask, scores : ndarray of shape (n_samples,)
        Of the fitted rows.

    Returns
    -------
    positions : ndarray of shape (n_rows,), dtype=intp

    Raises
    ------
    ValueError
        If ``rows`` are no positions among the fitted rows.
    """
    n_samples = len(noise_mask)
    if rows is None:
        flagged = np.flatnonzero(noise_mask)
        return flagged[np.argsort(-scores[flagged], kind="stable")[:MAX_ROWS]]
    given = np.atleast_1d(rows)
    if given.dtype == bool and given.shape == (n_samples,):
        return np.flatnonzero(given)
    if given.shape == (0,):
        return np.empty(0, dtype=np.intp)
    if given.dtype.kind not in "iu" or given.ndim != 1:
        raise ValueError(
            f"rows: must be positions, or a mask of the {n_samples} fitted rows, got "
            f"{given.dtype} of shape {given.shape}."
        )
    if given.min() < 0 or given.max() >= n_samples:
        raise ValueError(
            f"rows: positions must be from 0 to {n_samples - 1}, got {given.min()} "
            f"to {given.max()}."
        )
    return given.astype(np.intp)


def check_n_neighbors(n_neighbors: Any) -> None:
    """Refuse what is not a number of rows to name."""
    valid = isinstance(n_neighbors, Integral) and not isinstance(n_neighbors, bool)
    if not valid or n_neighbors < 1:
        raise ValueError(
            f"n_neighbors: must be an int of at least 1, got {n_neighbors!r}."
        )


def _present(values: np.ndarray, rows: np.ndarray) -> list[list]:
    """Return lists of the values that belong to a row."""
    return [each[of >= 0].tolist() for each, of in zip(values, rows, strict=True)]


def _side(name: str, rows: np.ndarray, pulls: np.ndarray) -> str:
    """Return a line that names the rows pulling one way, and their pulls."""
    named = [f"{row} ({pull:+.2f})" for row, pull in zip(rows, pulls, strict=True)]
    present = ", ".join(text for text, row in zip(named, rows, strict=True) if row >= 0)
    return f"    {name}: {present or 'no row'}"
