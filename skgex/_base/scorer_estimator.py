"""Base of the estimators that hold a scorer of rows and use its scores."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    MetaEstimatorMixin,
    TransformerMixin,
    clone,
)
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted
from skorch.helper import SliceDict
from skorch.utils import is_dataset

from skgex._base.fit_metadata import fit_options
from skgex._base.fitted_state import replace_fitted_state
from skgex._base.input_kinds import check_kind, check_length
from skgex._base.parameters import HasMethods, fit_context
from skgex._base.row_names import names_of
from skgex._base.samples import checked, is_dict, n_rows, stand_in
from skgex._base.validation import validate_for_fit, validated
from skgex._data.label_checks import check_labels
from skgex._data.label_coding import ClassLabels
from skgex._data.row_index import RowIndex
from skgex._utils.warnings import warn_caller
from skgex.exceptions import UnseenRowsWarning
from skgex.persistence._persistent import Persistent


def _scorer_has(name: str) -> Callable[["ScorerEstimator"], bool]:
    """Say of an estimator, fitted or not, whether its scorer has a method."""
    return lambda self: hasattr(getattr(self, "scorer_", self.scorer), name)


class ScorerEstimator(
    ABC,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    MetaEstimatorMixin,
    Persistent,
    BaseEstimator,
):
    """Base of the estimators that hold a scorer, fit it and look its scores up.

    A scorer has ``fit`` and, fitted, ``scores_`` or else ``self_influence_``. A
    subclass has the parameter ``scorer``, and gives ``_check_request`` and
    ``_conclude``.
    """

    # Groups have one meaning only, so that they need not be asked for. y is routable
    # though scikit-learn's routing knows it as no metadata, and only by this name.
    __metadata_request__fit = {"groups": True}  # noqa: RUF012
    __metadata_request__predict = {"y": True}  # noqa: RUF012
    __metadata_request__transform = {"y": True}  # noqa: RUF012

    _parameter_constraints: dict = {"scorer": [HasMethods("fit")]}  # noqa: RUF012

    scorer: Any

    # What the last fit made; absent before the first one.
    scorer_: Any
    scores_: np.ndarray
    _rows: "ScoredRows"

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Fit a clone of the scorer, and take its scores.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or Dataset
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels, as given, noise and all.
        groups : array-like of shape (n_samples,), default=None
            Which rows belong together, such as near-copies of one subject. They are
            passed to the scorer, whose ``fit`` must take them.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, y or groups are unfit for the scorer, a parameter is impossible, or
            the scorer does not give each row a finite score.
        TypeError
            If the scorer is a class, or has neither ``scores_`` nor
            ``self_influence_`` once fitted.
        """
        _check_instance(self.scorer)
        names = names_of(X)
        X, y, attributes = self._check_fit(X, y)
        self._check_request(n_rows(X), y)
        options = fit_options(self.scorer, "scorer", groups=groups)
        scorer = clone(self.scorer).fit(X, y, **options)
        name, scores = self._fitted_scores(scorer, n_rows(X))
        rows = ScoredRows.of(X, y, names)
        made = self._conclude(scores, y, squared=name == "self_influence_")
        state = {"scorer_": scorer, "scores_": scores, "_rows": rows}
        replace_fitted_state(self, {**attributes, **state, **made})
        return self

    def scores(self, X: Any, y: Any = None) -> np.ndarray:
        """Return how suspicious rows are to the scorer.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            As for :meth:`transform`.

        Returns
        -------
        scores : ndarray of shape (n_samples,), dtype=float64
            Higher = more suspicious; nan for a row that the scorer cannot score.
        """
        return self._look_up(X, y)[0]

    def transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Map rows as the scorer does, or to their score where it maps none.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or Dataset
            Samples. A row seen in ``fit`` keeps the score that it had there. Any other
            row is scored by the scorer's ``scores`` or ``self_influence``. A scorer
            without these methods, such as one that scores a row by the training that
            it took part in, gives nan, with a warning.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their labels. Without them, a row seen in ``fit`` has the label it had
            there, and the scorer chooses that of any other.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features_out)
            One column, the scores, where the scorer has no ``transform``.
        """
        check_is_fitted(self)
        if not hasattr(self.scorer_, "transform"):
            return self.scores(X, y)[:, None]
        X, y = self._check_query(X, y)
        given = (X,) if y is None else (X, y)
        # The scorer may make a frame, without the index of ours.
        return np.asarray(self.scorer_.transform(*given))

    @available_if(_scorer_has("score"))
    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the scorer's ``score``, which searches maximise.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            Samples and their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            Higher is better.
        """
        check_is_fitted(self)
        X, y = self._check_query(X, y)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return self.scorer_.score(X, y, **weights)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        given = get_tags(self.scorer)
        tags.target_tags.required = given.target_tags.required
        tags.input_tags.three_d_array = True
        tags.input_tags.sparse = given.input_tags.sparse
        tags.input_tags.allow_nan = given.input_tags.allow_nan
        tags.transformer_tags.preserves_dtype = []
        return tags

    @property
    def _n_features_out(self) -> int:
        if hasattr(self.scorer_, "transform"):
            return len(self.scorer_.get_feature_names_out())
        return 1

    @abstractmethod
    def _check_request(self, n_samples: int, y: np.ndarray | None) -> None:
        """Refuse parameters that cannot be met, before the scorer is fitted."""

    @abstractmethod
    def _conclude(
        self, scores: np.ndarray, y: np.ndarray | None, *, squared: bool
    ) -> dict[str, Any]:
        """Return the attributes that follow from the scores of the fitted rows.

        ``squared`` says that these are means of squares, as self-influence is.
        """

    def _check_fit(
        self, X: Any, y: Any
    ) -> tuple[Any, np.ndarray | None, dict[str, Any]]:
        """Return samples and labels as arrays, and the attributes of their features."""
        check_kind(X)
        if is_dataset(X):
            check_length(X)
            return X, y, {}
        y = None if y is None else check_labels(y)
        options = {**self._options(), "ensure_min_samples": 2}
        if y is None and not get_tags(self).target_tags.required:
            rows, attributes = validate_for_fit(self, stand_in(X), **options)
        else:
            options["multi_output"] = _has_columns(y)
            given = stand_in(X), y
            (rows, y), attributes = validate_for_fit(self, *given, **options)
        return (X, y, {}) if is_dict(X) else (rows, y, attributes)

    def _check_query(self, X: Any, y: Any) -> tuple[Any, np.ndarray | None]:
        """Return queried samples, and labels if there are any, as arrays."""
        check_kind(X)
        if is_dataset(X):
            return X, y
        options, rows = {**self._options(), "reset": False}, stand_in(X)
        if y is None:
            rows = validated(self, rows, **options)
        else:
            y = check_labels(y)
            options["multi_output"] = _has_columns(y)
            rows, y = validated(self, rows, y, **options)
        return X if is_dict(X) else rows, y

    def _options(self) -> dict[str, Any]:
        """Return how scikit-learn is to check samples: as the scorer takes them."""
        tags = get_tags(self).input_tags
        return {
            "allow_nd": True,
            "accept_sparse": "csr" if tags.sparse else False,
            "ensure_all_finite": "allow-nan" if tags.allow_nan else True,
        }

    def _fitted_scores(self, scorer: Any, n_samples: int) -> tuple[str, np.ndarray]:
        """Return the attribute that holds a fitted scorer's scores, and the scores."""
        names = [n for n in ("scores_", "self_influence_") if hasattr(scorer, n)]
        if not names:
            kind = type(scorer).__name__
            raise TypeError(
                f"scorer: must have scores_ or self_influence_ once fitted; {kind} has "
                "neither."
            )
        scores = np.array(getattr(scorer, names[0]), dtype=np.float64)
        if scores.shape != (n_samples,) or not np.isfinite(scores).all():
            raise ValueError(
                f"scorer: must give {n_samples} finite scores, one per row of X; its "
                f"{names[0]} has shape {scores.shape} and "
                f"{np.isfinite(scores).sum()} finite ones."
            )
        return names[0], scores

    def _look_up(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores of rows, and the fitted row that each is, -1 for new."""
        check_is_fitted(self)
        X, y = self._check_query(X, y)
        index = self._rows.find(X, y)
        scores, new = self.scores_[index], index < 0
        if new.all():
            scores = self._scores_of_new(X, y)
        elif new.any():
            scores[new] = self._scores_of_new(*_take(X, y, new))
        return scores, index

    def _scores_of_new(self, X: Any, y: np.ndarray | None) -> np.ndarray:
        """Let the scorer score rows that it was not fitted on, if it can."""
        for name in ("scores", "self_influence"):
            if hasattr(self.scorer_, name):
                return getattr(self.scorer_, name)(X, y)
        kind = type(self.scorer_).__name__
        warn_caller(
            f"{n_rows(X)} rows were not seen in fit; {kind} scores no others. Their "
            "score is nan.",
            UnseenRowsWarning,
        )
        return np.full(n_rows(X), np.nan)


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """The rows of a fit, found again by their bytes and labels.

    Attributes
    ----------
    index : RowIndex or None
        None for a Dataset, whose rows cannot be compared.
    labels : ClassLabels or None
        Codes one label per row, so that equal labels of other dtypes are equal.
    codes : ndarray of shape (n_samples, ...) or None
        Those of the labels, or the labels if there are several per row; None if y was
        not given.
    names : pandas.Index or None
        What a data frame called the rows; None if nothing but their positions.
    """

    index: RowIndex | None
    labels: ClassLabels | None
    codes: np.ndarray | None
    names: Any

    @classmethod
    def of(cls, X: Any, y: np.ndarray | None, names: Any) -> "ScoredRows":
        """Digest the rows of a fit."""
        labels = None
        if y is not None and y.ndim == 1:
            labels = ClassLabels(np.unique(y))
        codes = None if y is None else _codes(y, labels)
        if is_dataset(X):
            return cls(None, labels, codes, names)
        marks = np.zeros(n_rows(X)) if codes is None else codes
        index = RowIndex(_digestible(X), marks, np.dtype(np.float32))
        return cls(index, labels, codes, names)

    @property
    def given(self) -> np.ndarray | None:
        """The labels of the fitted rows, (n_samples, ...); None if not given."""
        if self.codes is None or self.labels is None:
            return self.codes
        return self.labels.given(self.codes)

    def find(self, X: Any, y: np.ndarray | None) -> np.ndarray:
        """Return the fitted row that each row is, -1 for new ones."""
        if self.index is None or is_dataset(X):
            return np.full(len(X), -1)
        codes = None if y is None else _codes(y, self.labels)
        return self.index.find(_digestible(X), codes)


def _check_instance(scorer: Any) -> None:
    """Refuse a class, which has a method ``fit`` as well."""
    if isinstance(scorer, type):
        kind = scorer.__name__
        raise TypeError(
            f"scorer: got the class {kind}. Pass an instance: scorer={kind}()."
        )


def _codes(y: np.ndarray, labels: ClassLabels | None) -> np.ndarray:
    return y.copy() if labels is None else labels.encode(y)


def _has_columns(y: Any) -> bool:
    """Return whether there is more than one label per row."""
    return np.asarray(y).shape[1:] not in ((), (1,))


def _digestible(X: Any) -> Any:
    """Return checked samples as the package holds them."""
    return checked(X, X, np.dtype(np.float32))


def _take(X: Any, y: Any, rows: np.ndarray) -> tuple[Any, Any]:
    """Return some rows of arrays, sparse matrices or dicts of arrays."""
    if is_dict(X):
        X = SliceDict(**{name: np.asarray(part) for name, part in X.items()})
    return X[rows], None if y is None else y[rows]
