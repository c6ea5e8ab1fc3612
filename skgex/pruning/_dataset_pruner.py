"""DatasetPruner: a pruner of data sets by the scores of any estimator."""

from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from skgex._base.scorer_estimator import ScorerEstimator
from skgex.pruning._pruner_mixin import PrunerMixin


class DatasetPruner(PrunerMixin, ScorerEstimator):
    """Prune a data set by the scores of any estimator.

    The rows of the lowest scores are pruned: those that were easy to learn, or whose
    label other rows support. ``predict`` returns a mask, True = can be pruned.
    ``transform`` keeps every row.

    Parameters
    ----------
    scorer : estimator
        What scores rows: an estimator that has ``scores_`` or ``self_influence_`` after
        ``fit``, as those of :mod:`skgex.hardness` and :mod:`skgex.influence`. A clone
        of it is fitted. ``FrozenEstimator(scorer)`` is used as it was fitted, on the
        same rows, so that one costly fit can serve a detector and a pruner.
    prune : float or int, default=0.1
        Share of the rows to prune, in [0, 1), or their number.
    class_balance : float, default=0.0
        This part of the pruned rows, in [0, 1], is taken evenly from the classes, and
        the others by their score alone. A larger value keeps more rows of classes that
        are easy to learn. 0.5 is better if half of the rows are pruned
        (docs/figures.md).

    Attributes
    ----------
    scorer_ : estimator
        The fitted scorer.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    prune_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where a fitted row can be pruned.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        The scorer's scores of the fitted rows.
    threshold_ : float
        The highest score of a pruned row; -inf if none is pruned.

    See Also
    --------
    GEXPruner : A pruner with a scorer of its own, the geometric ensemble.
    skgex.detection.NoisyLabelDetector : Detects wrong labels by the same scorers.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.hardness import EL2N
    >>> from skgex.pruning import DatasetPruner
    >>> X, y = load_iris(return_X_y=True)
    >>> pruner = DatasetPruner(EL2N(n_nets=2, random_state=0), prune=0.2).fit(X, y)
    >>> X[pruner.get_support()].shape
    (120, 4)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **ScorerEstimator._parameter_constraints,
        **PrunerMixin._prune_constraints,
    }

    def __init__(self, scorer, *, prune=0.1, class_balance=0.0):
        self.scorer = scorer
        self.prune = prune
        self.class_balance = class_balance

    def predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Return which rows can be pruned.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            As for :meth:`transform`. A row seen in ``fit`` has its value in
            ``prune_mask_``. A new row can be pruned if its score is at most
            ``threshold_``, and cannot if the scorer is unable to score it.

        Returns
        -------
        prune_mask : ndarray of shape (n_samples,), dtype=bool
            True where a row can be pruned.
        """
        scores, index = self._look_up(X, y)
        return np.where(index < 0, scores <= self.threshold_, self.prune_mask_[index])

    def _check_request(self, n_samples: int, y: np.ndarray | None) -> None:
        if self.class_balance and y is not None:
            check_classification_targets(y)
        self._check_prune(n_samples, y)

    def _conclude(
        self, scores: np.ndarray, y: np.ndarray | None, *, squared: bool
    ) -> dict[str, Any]:
        return self._choose(scores, y)
