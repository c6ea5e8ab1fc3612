"""NoisyLabelDetector: the detector's interface for any scorer of rows."""

from typing import Any

import numpy as np

from skgex._base.scorer_estimator import ScorerEstimator
from skgex.detection._detector_mixin import DetectorMixin
from skgex.detection._threshold import threshold_of


class NoisyLabelDetector(DetectorMixin, ScorerEstimator):
    """Detect noisy labels by the scores of any estimator that gives some.

    Parameters
    ----------
    scorer : estimator
        What judges rows: it has ``fit`` and then ``scores_``, or ``self_influence_``,
        higher = more suspicious, as the estimators of :mod:`skgex.hardness` and
        :mod:`skgex.influence`. A clone of it is fitted; ``FrozenEstimator(scorer)`` is
        taken as it was fitted on the same rows, so that one costly fit can serve a
        detector and a pruner.
    threshold : {"auto", "otsu", "otsu_raw"}, str such as "10%", or float, \
            default="auto"
        Where the cut lies. "otsu_raw" is Otsu's cut on the scores; "otsu" that on
        their root, counted from the least should that be negative; "auto" the latter
        for self-influence, which is a mean of squares, and the former for other
        scores. An expected share of noise comes as text, the cut itself as a number.

    Attributes
    ----------
    scorer_ : estimator
        The fitted scorer.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    noise_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where a fitted row's label is judged wrong.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        The scorer's scores of the fitted rows, higher = more suspicious.
    threshold_ : float
        What scores of noise exceed.

    See Also
    --------
    GEXDetector : The detector by a geometric ensemble.
    skgex.pruning.DatasetPruner : The other job for the same scorers.

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
        """Say which labels are wrong.

        Parameters
        ----------
        X, y
            As for :meth:`transform`.

        Returns
        -------
        noise_mask : ndarray of shape (n_samples,), dtype=bool
            True where the label is judged wrong; False for a row that the scorer
            cannot judge.
        """
        return self.scores(X, y) > self.threshold_

    def _check_request(self, n_samples: int, y: np.ndarray | None) -> None:
        self._check_threshold()

    def _conclude(
        self, scores: np.ndarray, y: np.ndarray | None, *, squared: bool
    ) -> dict[str, Any]:
        rule = self.threshold
        if rule == "auto":
            rule = "otsu" if squared else "otsu_raw"
        cut = threshold_of(scores, rule)
        return {"threshold_": cut, "noise_mask_": scores > cut}
