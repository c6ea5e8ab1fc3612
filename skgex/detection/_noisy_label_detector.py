"""NoisyLabelDetector: a detector of wrong labels by the scores of any estimator."""

from typing import Any

import numpy as np
from sklearn.utils.multiclass import type_of_target

from skgex._base.fitted_rows import FittedRows
from skgex._base.scorer_estimator import ScoredRows, ScorerEstimator
from skgex.detection._detector_mixin import DetectorMixin
from skgex.detection._doubts import warn_of
from skgex.detection._issues import JudgedRows
from skgex.detection._summary import Basis
from skgex.detection._suspicious_mask import doubts_of_mask
from skgex.detection._threshold import threshold_of

# Of scikit-learn's kinds of targets, those with classes.
CLASSES = ("binary", "multiclass")


class NoisyLabelDetector(DetectorMixin, ScorerEstimator):
    """Detect wrong labels by the scores of any estimator.

    The rows of the highest scores are flagged: those above a threshold that is found
    from the scores, or given.

    Parameters
    ----------
    scorer : estimator
        What scores rows: an estimator that has ``scores_`` or ``self_influence_`` after
        ``fit``, as those of :mod:`skgex.hardness` and :mod:`skgex.influence`. A clone
        of it is fitted. ``FrozenEstimator(scorer)`` is used as it was fitted, on the
        same rows, so that one costly fit can serve a detector and a pruner.
    threshold : {"auto", "otsu", "otsu_raw"}, str such as "10%", or float, \
            default="auto"
        Above which score a row is flagged; a higher threshold flags fewer rows.
        "otsu_raw" is Otsu's cut, which best divides the scores into two groups. "otsu"
        is Otsu's cut on the square root of the scores, after the least score is
        subtracted if it is negative. "auto" is "otsu" for ``self_influence_``, which is
        a mean of squares, and "otsu_raw" for ``scores_``. Pass "10%" for an expected
        noise rate, or a float for a cut on the scale of ``scores_``.

    Attributes
    ----------
    scorer_ : estimator
        The fitted scorer.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    noise_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where a fitted row's label is flagged as wrong.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        The scorer's scores of the fitted rows, higher = more suspicious.
    threshold_ : float
        Rows with a score above this are flagged.

    See Also
    --------
    GEXDetector : A detector with a scorer of its own, the geometric ensemble.
    skgex.pruning.DatasetPruner : Prunes data sets by the same scorers.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.datasets import flip_labels
    >>> from skgex.detection import NoisyLabelDetector
    >>> from skgex.hardness import AUM
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)
    >>> detector = NoisyLabelDetector(AUM(random_state=0)).fit(X, y_noisy)
    >>> detector.predict(X).shape
    (150,)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **ScorerEstimator._parameter_constraints,
        **DetectorMixin._threshold_constraints,
    }
    _threshold_rules = ("auto", *DetectorMixin._threshold_rules)

    def __init__(self, scorer, *, threshold="auto"):
        self.scorer = scorer
        self.threshold = threshold

    def predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Flag wrong labels.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            As for :meth:`transform`.

        Returns
        -------
        noise_mask : ndarray of shape (n_samples,), dtype=bool
            True where the label is flagged as wrong; False for a row that the scorer
            cannot score.
        """
        return self.scores(X, y) > self.threshold_

    def _judged_rows(self) -> JudgedRows:
        """Return what is known of the fitted rows; the scorer may know more."""
        rows, scorer = self._rows, self.scorer_
        return JudgedRows(
            given=_given_labels(rows, scorer),
            suggested=getattr(scorer, "suggested_labels_", None),
            noise_proba=getattr(scorer, "noise_proba_", None),
            scores=self.scores_,
            scores_std=getattr(scorer, "scores_std_", None),
            flagged=self.noise_mask_,
            names=rows.names,
        )

    def _positions(self, X: Any) -> np.ndarray:
        return self._rows.find(self._check_query(X, None)[0], None)

    def _check_request(self, n_samples: int, y: np.ndarray | None) -> None:
        self._check_threshold()

    def _conclude(
        self, scores: np.ndarray, y: np.ndarray | None, *, squared: bool
    ) -> dict[str, Any]:
        rule = self.threshold
        if rule == "auto":
            rule = "otsu" if squared else "otsu_raw"
        cut = threshold_of(scores, rule)
        mask = scores > cut
        classes = y is not None and y.ndim == 1 and type_of_target(y) in CLASSES
        doubts = tuple(doubts_of_mask(mask, y if classes else None, rule))
        warn_of(doubts)
        basis = Basis(self.threshold, classes, doubts)
        return {"threshold_": cut, "noise_mask_": mask, "_basis": basis}


def _given_labels(rows: ScoredRows, scorer: Any) -> np.ndarray | None:
    """Return the labels of the fitted rows; those of a Dataset, the scorer has read."""
    read = getattr(scorer, "_rows", None)
    if rows.codes is None and isinstance(read, FittedRows):
        return read.coding.given(read.codes) if read.labelled else None
    return rows.given
