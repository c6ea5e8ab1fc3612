"""Measures of how well a detector finds wrong labels that are known."""

from typing import Any

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.metadata_routing import MetadataRequest

__all__ = ["NoiseScorer", "detection_report", "noise_scorer"]

# What a mask may hold; not strings, of which "0" would count as True.
_NUMBERS = (bool, np.bool_, int, float, np.integer, np.floating)


def detection_report(
    noise_mask: Any, scores: Any, predicted_mask: Any = None
) -> dict[str, float]:
    """Measure a ranking of rows, and a mask of flagged rows, against the truth.

    Parameters
    ----------
    noise_mask : array-like of shape (n_samples,), dtype=bool
        The truth: True where the label is wrong.
    scores : array-like of shape (n_samples,)
        Scores of a detector, higher = more suspicious.
    predicted_mask : array-like of shape (n_samples,), dtype=bool, default=None
        True where the detector flags the label as wrong.

    Returns
    -------
    report : dict of str to float
        All values lie in [0, 1]:

        - "auc": area under the ROC curve, the probability that a wrong label scores
          higher than a right one;
        - "average_precision": area under the precision-recall curve;
        - "noise_rate": share of wrong labels.

        With a predicted mask also:

        - "precision": share of wrong labels among the flagged ones, 0 if none is
          flagged;
        - "recall": share of flagged labels among the wrong ones;
        - "f1": harmonic mean of precision and recall, 0 if both are 0;
        - "estimated_noise_rate": share of flagged labels.

    Raises
    ------
    ValueError
        If ``noise_mask`` has no wrong label or no right one, if lengths differ, if a
        mask holds anything but True and False (or 1 and 0), or if a score is not
        finite.
    """
    truth = check_mask(noise_mask, "noise_mask")
    check_consistent_length(truth, scores, predicted_mask)
    scores = check_scores(scores)
    if truth.all() or not truth.any():
        raise ValueError("noise_mask: needs both noisy and clean rows.")
    report = {
        "auc": float(roc_auc_score(truth, scores)),
        "average_precision": float(average_precision_score(truth, scores)),
        "noise_rate": float(truth.mean()),
    }
    if predicted_mask is not None:
        flagged = check_mask(predicted_mask, "predicted_mask")
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, flagged, average="binary", zero_division=0
        )
        report |= {
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
            "estimated_noise_rate": float(flagged.mean()),
        }
    return report


class NoiseScorer:
    """Scorer for parameter searches: average precision against a known mask.

    Pass its instance ``skgex.metrics.noise_scorer`` as ``scoring`` to ``GridSearchCV``
    or ``cross_validate``. It receives the mask by metadata routing: call
    ``sklearn.set_config(enable_metadata_routing=True)`` first, then
    ``search.fit(X, y, noise_mask=mask)``. A fold without wrong labels scores nan.
    """

    def __call__(self, estimator: Any, X: Any, y: Any, noise_mask: Any = None) -> float:
        """Return the average precision of a fitted detector.

        Parameters
        ----------
        estimator : estimator
            A fitted detector, or a Pipeline that ends in one.
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Samples.
        y : array-like of shape (n_samples,)
            Labels as given.
        noise_mask : array-like of shape (n_samples,), dtype=bool
            The truth: True where the label is wrong.

        Returns
        -------
        score : float
            In [0, 1], higher is better; nan if no label is wrong.

        Raises
        ------
        ValueError
            If ``noise_mask`` is missing, has another length than X, or holds anything
            but True and False (or 1 and 0), or if a score of the detector is not
            finite.
        """
        if noise_mask is None:
            raise ValueError(
                "noise_mask: the scorer needs it by metadata routing; pass it to fit "
                "of the search, with enable_metadata_routing=True."
            )
        if hasattr(estimator, "steps"):
            X = estimator[:-1].transform(X) if len(estimator.steps) > 1 else X
            estimator = estimator[-1]
        truth = check_mask(noise_mask, "noise_mask")
        if not truth.any():
            return float("nan")
        scores = check_scores(estimator.scores(X, y), "estimator: its scores")
        check_consistent_length(truth, scores)
        return float(average_precision_score(truth, scores))

    def get_metadata_routing(self) -> MetadataRequest:
        """Request ``noise_mask`` from scikit-learn's metadata routing.

        Returns
        -------
        request : MetadataRequest
            What the scorer asks a search for.
        """
        request = MetadataRequest(owner=self)
        request.score.add_request(param="noise_mask", alias=True)
        return request

    def __repr__(self) -> str:
        return "noise_scorer"


noise_scorer = NoiseScorer()


def check_mask(mask: Any, name: str) -> np.ndarray:
    """Return a mask as booleans, if it holds only True and False, or 1 and 0.

    Parameters
    ----------
    mask : array-like of shape (n_samples,)
    name : str
        Of the argument, for the error.

    Returns
    -------
    mask : ndarray of shape (n_samples,), dtype=bool

    Raises
    ------
    ValueError
        If it has another shape or other values, such as NaN or the string "0".
    """
    values = one_column(mask, name)
    good = [isinstance(v, _NUMBERS) and v in (0, 1) for v in values.tolist()]
    if not all(good):
        odd = values[good.index(False)]
        raise ValueError(
            f"{name}: must hold True and False only, or 1 and 0; got {odd!r} "
            f"among values of dtype {values.dtype}."
        )
    return values.astype(bool)


def check_scores(scores: Any, name: str = "scores", *, infinite: bool = False) -> Any:
    """Return scores as an array of numbers, none of which is NaN.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
    name : str, default="scores"
        Of the argument, for the error.
    infinite : bool, default=False
        Whether a score may be infinite.

    Returns
    -------
    scores : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If they have another shape, are no numbers, or are NaN or infinite.
    """
    values = one_column(scores, name)
    if values.dtype == object:
        try:
            values = values.astype(float)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}: must be numbers; {error}.") from error
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name}: must be numbers, got dtype {values.dtype}.")
    bad = np.isnan(values) if infinite else ~np.isfinite(values)
    if bad.any():
        raise ValueError(
            f"{name}: must be {'numbers' if infinite else 'finite'}; {bad.sum()} of "
            f"{len(values)} are not, the first at row {bad.argmax()}. A scorer that "
            "cannot score new rows gives NaN for them."
        )
    return values


def one_column(values: Any, name: str) -> np.ndarray:
    """Return values as an array of shape (n_samples,), or raise a ValueError."""
    try:
        return column_or_1d(values)
    except ValueError as error:
        raise ValueError(f"{name}: must hold one value per row; {error}") from error
