"""What all pruners of data sets have in common."""

from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skgex._base.parameters import Interval, RealNotInt
from skgex.pruning._mask import prune_mask


class PrunerMixin:
    """The interface of a pruner: a mask of the fitted rows, chosen by their scores.

    A subclass has the parameters ``prune`` and ``class_balance``. Its ``fit`` calls
    ``_check_prune`` before it trains anything, and ``_choose`` once it has scores.
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
    if TYPE_CHECKING:
        # Defined by the estimator that the mixin is part of.
        def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Any: ...

    def fit_predict(self, X: Any, y: Any = None, *, groups: Any = None) -> np.ndarray:
        """Fit the pruner and return ``prune_mask_``.

        Parameters
        ----------
        X, y, groups : array-like of shape (n_samples, ...)
            As for :meth:`fit`.

        Returns
        -------
        prune_mask : ndarray of shape (n_samples,), dtype=bool
            True where a row can be pruned.
        """
        return self.fit(X, y, groups=groups).prune_mask_

    def get_support(self, indices: bool = False) -> np.ndarray:
        """Return which fitted rows to keep, as feature selectors do for features.

        Parameters
        ----------
        indices : bool, default=False
            If True, return positions instead of a mask.

        Returns
        -------
        support : ndarray of shape (n_samples,), dtype=bool, or of shape (n_kept,), \
                dtype=intp
            The rows that are not pruned.
        """
        check_is_fitted(self)
        support = ~self.prune_mask_
        return np.flatnonzero(support) if indices else support

    def _check_prune(self, n_samples: int, labels: np.ndarray | None) -> None:
        """Raise a ValueError for ``prune`` or a balance that the data cannot meet."""
        prune_mask(np.zeros(n_samples), self.prune, labels, self._balance(labels))

    def _choose(self, scores: np.ndarray, labels: np.ndarray | None) -> dict[str, Any]:
        """Return ``prune_mask_``, and as ``threshold_`` the highest score in it."""
        balance = self._balance(labels)
        mask = prune_mask(scores, self.prune, labels, balance)
        threshold = float(scores[mask].max(initial=-np.inf))
        return {"prune_mask_": mask, "threshold_": threshold}

    def _balance(self, labels: np.ndarray | None) -> float:
        """Return the part of the pruned rows that is taken evenly from the classes."""
        return float(self.class_balance)
