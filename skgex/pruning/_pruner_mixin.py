"""What all pruners of data sets share."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skgex._base.parameters import Interval, RealNotInt
from skgex.pruning._mask import prune_mask


class PrunerMixin:
    """The interface of a pruner: masks of the fitted rows, chosen by their scores.

    A class has the parameters ``prune`` and ``class_balance``, calls ``_check_prune``
    before it trains, and sets what ``_choose`` returns.
    """

    # Entries for the ``_parameter_constraints`` of subclasses.
    _prune_constraints: dict = {  # noqa: RUF012
        "prune": [
            Interval(RealNotInt, 0, 1, closed="left"),
            Interval(Integral, 0, None, closed="left"),
        ],
        "class_balance": [Interval(Real, 0, 1, closed="both")],
    }

    prune: float | int
    class_balance: float | str
    prune_mask_: np.ndarray
    threshold_: float

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and return ``prune_mask_``.

        Parameters
        ----------
        X, y
            As for :meth:`fit`.

        Returns
        -------
        prune_mask : ndarray of shape (n_samples,), dtype=bool
            True where a row can be pruned.
        """
        return self.fit(X, y).prune_mask_

    def get_support(self, indices: bool = False) -> np.ndarray:
        """Return the fitted rows to keep (rows, where feature selectors say features).

        Parameters
        ----------
        indices : bool, default=False
            Give indices in the place of a mask.

        Returns
        -------
        support : ndarray of shape (n_samples,), dtype=bool, or of int
            The rows that are not pruned.
        """
        check_is_fitted(self)
        support = ~self.prune_mask_
        return np.flatnonzero(support) if indices else support

    def _check_prune(self, n_samples: int, labels: np.ndarray | None) -> None:
        """Refuse a number of rows, or a balance, that such data cannot give."""
        prune_mask(np.zeros(n_samples), self.prune, labels, self._balance(labels))

    def _choose(self, scores: np.ndarray, labels: np.ndarray | None) -> dict[str, Any]:
        """Return the mask of the rows to prune, and the highest score in it."""
        balance = self._balance(labels)
        mask = prune_mask(scores, self.prune, labels, balance)
        threshold = float(scores[mask].max(initial=-np.inf))
        return {"prune_mask_": mask, "threshold_": threshold}

    def _balance(self, labels: np.ndarray | None) -> float:
        """Return the part of the pruned rows that the classes give evenly."""
        return self.class_balance
