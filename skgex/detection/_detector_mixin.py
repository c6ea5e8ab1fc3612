"""What all detectors of noisy labels share."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skgex._base.parameters import Interval
from skgex.detection._threshold import parse_percentage, parse_precision


class DetectorMixin:
    """The interface of a detector: masks of the fitted rows, and a threshold.

    A class has the parameter ``threshold``, sets ``noise_mask_`` in ``fit``, and calls
    ``_check_threshold`` before it trains.
    """

    # Entries for the ``_parameter_constraints`` of subclasses.
    _threshold_constraints: dict = {  # noqa: RUF012
        "threshold": [str, Interval(Real, None, None, closed="neither")],
    }
    _threshold_rules: tuple[str, ...] = ("otsu", "otsu_raw")
    # Whether probabilities can serve a threshold such as "precision 90%".
    _knows_precision = False

    threshold: str | float
    noise_mask_: np.ndarray

    def fit_predict(self, X: Any, y: Any = None) -> np.ndarray:
        """Fit, and return ``noise_mask_``.

        Parameters
        ----------
        X, y
            As for :meth:`fit`.

        Returns
        -------
        noise_mask : ndarray of shape (n_samples,), dtype=bool
            True where the label is judged wrong.
        """
        return self.fit(X, y).noise_mask_

    def get_support(self, indices: bool = False) -> np.ndarray:
        """Return the fitted rows to keep (rows, where feature selectors say features).

        Parameters
        ----------
        indices : bool, default=False
            Give indices in the place of a mask.

        Returns
        -------
        support : ndarray of shape (n_samples,), dtype=bool, or of int
            The rows whose label is not judged wrong.
        """
        check_is_fitted(self)
        support = ~self.noise_mask_
        return np.flatnonzero(support) if indices else support

    def _check_threshold(self) -> None:
        """Refuse a text that is neither a rule nor a share."""
        rule, kinds = self.threshold, ", ".join(map(repr, self._threshold_rules))
        if not isinstance(rule, str) or rule in self._threshold_rules:
            return
        if parse_percentage(rule) is not None:
            return
        if self._knows_precision:
            if parse_precision(rule):
                return
            kinds += ", a precision such as 'precision 90%'"
        raise ValueError(
            f"threshold: must be {kinds}, a share of noise such as '10%', or a "
            f"number, got {rule!r}."
        )
