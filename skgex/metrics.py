"""How well a detector finds noise that is known."""

from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.utils import check_consistent_length, column_or_1d
from sklearn.utils.metadata_routing import MetadataRequest

__all__ = ["NoiseScorer", "detection_report", "noise_scorer"]


def detection_report(
    noise_mask: Any, scores: Any, predicted_mask: Any = None
) -> dict[str, float]:
    """Measure a ranking, and a cut through it, against the known noise.

    Parameters
    ----------
    noise_mask : array-like of shape (n_samples,), dtype=bool
        The truth, True = noisy.
    scores : array-like of shape (n_samples,)
        Higher = more suspicious.
    predicted_mask : array-like of shape (n_samples,), dtype=bool, default=None
        What a detector predicts.

    Returns
    -------
    report : dict of str to float
        "auc", "average_precision", "noise_rate"; with a predicted mask also
        "precision", "recall", "f1", "estimated_noise_rate". A ratio without cases
        is 0.

    Raises
    ------
    ValueError
        If the truth has no noisy row or no clean one, or lengths differ.
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
        hits = float((truth & flagged).sum())
        report |= {
            "precision": hits / max(flagged.sum(), 1),
            "recall": hits / truth.sum(),
            "f1": 2 * hits / (truth.sum() + flagged.sum()),
            "estimated_noise_rate": float(flagged.mean()),
        }
    return report


class NoiseScorer:
    """Average precision against a known ``noise_mask``, for searches.

    A scorer for ``GridSearchCV`` and ``cross_validate`` that takes the mask by
    metadata routing (``sklearn.set_config(enable_metadata_routing=True)``, then
    ``search.fit(X, y, noise_mask=mask)``). A fold without noise scores nan.

    Use the instance ``skgex.metrics.noise_scorer``.
    """

    def __call__(self, estimator: Any, X: Any, y: Any, noise_mask: Any = None) -> float:
        """Score a fitted detector, or a Pipeline that ends in one."""
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
        """Ask scikit-learn for the mask."""
        request = MetadataRequest(owner=self)
        request.score.add_request(param="noise_mask", alias=True)
        return request

    def __repr__(self) -> str:
        return "noise_scorer"


noise_scorer = NoiseScorer()
