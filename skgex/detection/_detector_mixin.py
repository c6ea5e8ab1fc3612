"""What all detectors of wrong labels have in common."""

from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skgex._base.parameters import Interval
from skgex.detection._issues import JudgedRows, issues_of
from skgex.detection._summary import Basis, NoiseEstimate, summarise
from skgex.detection._threshold import parse_percentage, parse_precision

if TYPE_CHECKING:
    from pandas import DataFrame


class DetectorMixin:
    """The interface of a detector: a mask of the fitted rows, and a threshold.

    A subclass has a parameter ``threshold``. Its ``fit`` calls ``_check_threshold``
    before it trains anything, and sets ``noise_mask_`` and ``_basis``.
    """

    # Entries for the ``_parameter_constraints`` of subclasses.
    _threshold_constraints: dict = {  # noqa: RUF012
        "threshold": [str, Interval(Real, None, None, closed="neither")],
    }
    _threshold_rules: tuple[str, ...] = ("otsu", "otsu_raw")
    # Whether the detector estimates probabilities, which "precision 90%" needs.
    _knows_precision = False

    threshold: str | float
    noise_mask_: np.ndarray
    _basis: Basis
    if TYPE_CHECKING:
        # Defined by the estimator that the mixin is part of.
        def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Any: ...
        def _judged_rows(self) -> JudgedRows: ...
        def _positions(self, X: Any) -> np.ndarray: ...

    def fit_predict(self, X: Any, y: Any = None, *, groups: Any = None) -> np.ndarray:
        """Fit the detector and return ``noise_mask_``.

        Parameters
        ----------
        X, y, groups : array-like of shape (n_samples, ...)
            As for :meth:`fit`.

        Returns
        -------
        noise_mask : ndarray of shape (n_samples,), dtype=bool
            True where the label is flagged as wrong.
        """
        return self.fit(X, y, groups=groups).noise_mask_

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
            The rows whose label is not flagged as wrong.
        """
        check_is_fitted(self)
        support = ~self.noise_mask_
        return np.flatnonzero(support) if indices else support

    def issues(self, X: Any = None) -> "DataFrame":
        """Return a table of the fitted rows, most suspicious first.

        It needs pandas.

        Parameters
        ----------
        X : array-like, DataFrame or Dataset, default=None
            Rows of the fit, for a table of these alone; of copies of a row with several
            labels, the first is meant. For the last step of a pipeline, pass what the
            pipeline was fitted on, in the same order: as many rows, of which none is a
            fitted one, because the earlier steps changed them all. Then only their
            index is used. None stands for all rows.

        Returns
        -------
        issues : pandas.DataFrame of shape (n_rows, 7)
            Its index is that of ``X``, or of the rows of the fit, if they came as a
            pandas DataFrame, and 0, 1, ... otherwise. The columns:

            - ``row``: position among the fitted rows, int;
            - ``given_label``: as given;
            - ``suggested_label``: what the detector would give;
            - ``noise_proba``: estimated probability that the given label is wrong;
            - ``score``: higher = more suspicious, as in ``scores_``;
            - ``score_std``: its standard error;
            - ``flagged``: whether the label is judged wrong, bool.

            A column is NaN where the detector knows nothing of the kind. If there are
            several labels per row, a cell is a tuple. ``polars.from_pandas`` turns the
            table into one of polars.

        Raises
        ------
        ValueError
            If rows of ``X`` were not fitted.
        ImportError
            If pandas is not installed.
        """
        check_is_fitted(self)
        return issues_of(self, X)

    def summary(self) -> str:
        """Return in words what was found, what was assumed, and what is in doubt.

        Returns
        -------
        summary : str
            A paragraph: how many labels are flagged and, where it is estimated, how
            many are wrong; which assumption on the noise was made, and why; how well
            held-out labels are predicted; which classes are affected most. Then a line
            for each doubt, the text of a warning of ``fit``.
        """
        check_is_fitted(self)
        return summarise(self._judged_rows(), self._basis, self._noise_estimate())

    def _noise_estimate(self) -> NoiseEstimate | None:
        """Return what is estimated of the noise as a whole; nothing by default."""
        return None

    def _check_threshold(self) -> None:
        """Raise a ValueError for a text that names no threshold."""
        rule = self.threshold
        if not isinstance(rule, str) or rule in self._threshold_rules:
            return
        if parse_percentage(rule) is not None:
            return
        if self._knows_precision and parse_precision(rule):
            return
        kinds = ", ".join(map(repr, self._threshold_rules))
        if self._knows_precision:
            kinds += ", a precision such as 'precision 90%'"
        raise ValueError(
            f"threshold: must be {kinds}, a share of noise such as '10%', or a "
            f"number, got {rule!r}."
        )
