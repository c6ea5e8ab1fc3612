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
        If ``noise_mask`` has no wrong label or no right one, or if lengths differ.
    """
    truth = column_or_1d(noise_mask).astype(bool)
    check_consistent_length(truth, scores, predicted_mask)
    if truth.all() or not truth.any():
        raise ValueError("noise_mask: needs both noisy and clean rows.")
    report = {
        "auc": float(roc_auc_score(truth, scores)),
        "average_precision": float(average_precision_score(truth, scores)),
        "noise_rate": float(truth.mean()),
    }
    if predicted_mask is not None:
        flagged = column_or_1d(predicted_mask).astype(bool)
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
            If ``noise_mask`` is missing.
        """
        if noise_mask is None:
            raise ValueError(
                "noise_mask: the scorer needs it by metadata routing; pass it to fit "
                "of the search, with enable_metadata_routing=True."
            )
        if hasattr(estimator, "steps"):
            X = estimator[:-1].transform(X) if len(estimator.steps) > 1 else X
            estimator = estimator[-1]
        truth = np.asarray(noise_mask, dtype=bool)
        if not truth.any():
            return float("nan")
        return float(average_precision_score(truth, estimator.scores(X, y)))

    def get_metadata_routing(self) -> MetadataRequest:
        """Request ``noise_mask`` from scikit-learn's metadata routing."""
        request = MetadataRequest(owner=self)
        request.score.add_request(param="noise_mask", alias=True)
        return request

    def __repr__(self) -> str:
        return "noise_scorer"


noise_scorer = NoiseScorer()
