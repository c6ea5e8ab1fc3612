"""CleaningSampler: a step of imbalanced-learn's pipelines that cleans training sets."""

import sys
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, MetaEstimatorMixin, OneToOneFeatureMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from skgex._base.fit_metadata import fit_options
from skgex._base.fitted_state import replace_fitted_state
from skgex._base.parameters import HasMethods, Interval, StrOptions, fit_context
from skgex._base.validation import validate_for_fit
from skgex.cleaning._guards import (
    CHECKS,
    Limits,
    as_given,
    decide,
    is_detector,
    is_surely_noisy,
    last_step,
    noise_matrix_of,
    view_for,
)
from skgex.cleaning._judge import Judge
from skgex.cleaning._outcome import outcome
from skgex.persistence._persistent import Persistent


class CleaningSampler(
    OneToOneFeatureMixin, MetaEstimatorMixin, Persistent, BaseEstimator
):
    """Drop or relabel rows of a training set, inside imbalanced-learn's pipelines.

    In an ``imblearn.pipeline.Pipeline`` it acts only when the pipeline is fitted. When
    the pipeline predicts, it passes all rows on. It can be used without
    imbalanced-learn, too.

    Parameters
    ----------
    selector : estimator
        A detector or a pruner, such as :class:`~skgex.GEXDetector` or
        :class:`~skgex.GEXPruner`, or a pipeline that ends in one. Sparse X is made
        dense for it, unless it takes sparse input.
    action : {"drop", "relabel"}, default="drop"
        What to do with the rows that the selector flags: those with a wrong label, or
        those that can be pruned. "drop" leaves them out. "relabel" gives them the
        label that the detector suggests, and needs a detector with ``relabel``.
    estimator : estimator or None, default=None
        The classifier by which held-out rows are judged, as :class:`CleanedClassifier`
        does: best the one that follows in the pipeline. None stands for a random forest
        on what the last step of ``selector`` sees, since a forest takes numbers of any
        scale. A pruner is not judged.
    n_folds : int or None, default=3
        Number of folds by which the outcome is judged. Each of up to five candidates
        costs this number of fits of ``estimator``, and only if rows are flagged. The
        folds are the same in each fit, and divide no group. None judges nothing, and
        acts on all flagged rows that the other guards leave.
    min_samples_per_class : int, default=1
        Each class keeps this number of its rows as they are, the least suspicious
        ones, or all of them if it has fewer.
    max_share_per_class : float, default=0.5
        At most this share of the rows of a class is acted on, the most suspicious ones.
        A pruner is not bound by it.

    Attributes
    ----------
    selector_ : estimator
        The fitted selector.
    sample_indices_ : ndarray of shape (n_samples_new,), dtype=intp
        Positions of the rows that were kept.
    sampling_strategy_ : dict
        The number of rows that were dropped or relabelled, by their given class.
    acted_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where a row was dropped or relabelled.
    separated_ : bool
        Whether the scores of the flagged rows stand apart from the others; always True
        for a pruner. If False, no row was acted on.
    gain_, gain_std_, noise_rate_ : float
        What held-out rows say, as for :class:`CleanedClassifier`; NaN if nothing was
        judged.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    CleanedClassifier : The same for one classifier, which can also weight rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex import CleaningSampler, GEXPruner
    >>> X, y = load_iris(return_X_y=True)
    >>> sampler = CleaningSampler(GEXPruner(prune=0.2, random_state=0))
    >>> X_kept, y_kept = sampler.fit_resample(X, y)
    >>> X_kept.shape
    (120, 4)
    """

    _estimator_type = "sampler"

    # Groups have one meaning only, so that they need not be asked for.
    __metadata_request__fit = {"groups": True}  # noqa: RUF012

    _parameter_constraints: dict = {  # noqa: RUF012
        "selector": [HasMethods(["fit"])],
        "action": [StrOptions({"drop", "relabel"})],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_folds": [Interval(Integral, 2, None, closed="left"), None],
        "min_samples_per_class": [Interval(Integral, 1, None, closed="left")],
        "max_share_per_class": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        selector,
        *,
        action="drop",
        estimator=None,
        n_folds=3,
        min_samples_per_class=1,
        max_share_per_class=0.5,
    ):
        self.selector = selector
        self.action = action
        self.estimator = estimator
        self.n_folds = n_folds
        self.min_samples_per_class = min_samples_per_class
        self.max_share_per_class = max_share_per_class

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Find the rows to act on.

        Parameters
        ----------
        X, y, groups : array-like of shape (n_samples, ...)
            As for :meth:`fit_resample`.

        Returns
        -------
        self : object
            The fitted sampler.
        """
        self._select(X, y, groups)
        return self

    @fit_context(prefer_skip_nested_validation=False)
    def fit_resample(self, X: Any, y: Any, *, groups: Any = None) -> tuple[Any, Any]:
        """Find the rows to act on, and do so.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_classes)
            Class labels; or one column per class, with a 1 in the column of the label
            and 0 elsewhere.
        groups : array-like of shape (n_samples,), default=None
            Which rows belong together, passed to the fit of ``selector``.

        Returns
        -------
        X_new : same type as X, of shape (n_samples_new, n_features)
            The rows that are kept. Data frames keep their index and dtypes.
        y_new : same type as y, of shape (n_samples_new, ...)
            Their labels: a list, tuple, array, tensor, or a Series or DataFrame of
            pandas or polars, with its name, index and dtype.

        Raises
        ------
        ValueError
            If X or y is invalid, or if the selector lacks what the action needs, or
            takes no groups.
        """
        rows, labels = self._select(X, y, groups)
        kept = self.sample_indices_
        y = y if _keeps_type(y) else np.asarray(y)
        if self.action == "relabel":
            new = last_step(self.selector_).relabel()
            new = np.where(self.acted_mask_, new, labels)
            y = _with_labels(y, new, np.flatnonzero(new != labels))
        return _taken(rows, kept), _taken(y, kept)

    def _select(self, X: Any, y: Any, groups: Any) -> tuple[Any, np.ndarray]:
        """Find the rows to act on; return samples, and labels as an array."""
        selector = last_step(self.selector)
        if self.action == "relabel" and not hasattr(selector, "relabel"):
            raise ValueError(
                "selector: action='relabel' needs one with relabel; "
                f"{type(selector).__name__} has none."
            )
        given = fit_options(self.selector, "selector", groups=groups)
        options = {"multi_output": True, **CHECKS}
        (checked, labels), state = validate_for_fit(self, X, y, **options)
        labels = _one_column(labels)
        rows = as_given(X, checked)
        view = view_for(self.selector, rows, checked)
        fitted = clone(self.selector).fit(view, labels, **given)
        limits = Limits(self.min_samples_per_class, self.max_share_per_class)
        decision = decide(fitted, labels, limits)
        judge = self._judge(rows, view, labels, fitted, groups)
        verdict = outcome(self.action, labels, fitted, decision, limits, judge)
        plan = verdict.plan
        acted = np.unique(labels[plan.acted], return_counts=True)
        strategy = zip(*(part.tolist() for part in acted), strict=True)
        state |= {"selector_": fitted, "sampling_strategy_": dict(strategy)}
        state |= {"acted_mask_": plan.acted, "separated_": decision.separated}
        state |= {"sample_indices_": np.flatnonzero(plan.kept)}
        state |= {"gain_": verdict.gain, "gain_std_": verdict.gain_std}
        state |= {"noise_rate_": verdict.noise_rate}
        replace_fitted_state(self, state)
        return (X if _keeps_type(X) else rows), labels

    def _judge(
        self, rows: Any, view: Any, labels: np.ndarray, fitted: Any, groups: Any
    ) -> Judge | None:
        if self.n_folds is None or not is_detector(fitted):
            return None
        estimator = self.estimator
        if estimator is None:
            estimator = RandomForestClassifier(random_state=0)
            rows = fitted[:-1].transform(view) if isinstance(fitted, Pipeline) else view
        known = noise_matrix_of(fitted), is_surely_noisy(fitted)
        return Judge(estimator, rows, labels, self.n_folds, None, groups, *known)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.input_tags.sparse = True
        if "imblearn" in sys.modules:
            tags = _as_sampler_tags(tags)
        return tags


def _one_column(y: np.ndarray) -> np.ndarray:
    """Return labels as one column; for one column per class, where each 1 stands."""
    if y.ndim == 2 and y.shape[1] > 1:
        one_each = type_of_target(y) == "multilabel-indicator"
        if not one_each or (y.sum(axis=1) != 1).any():
            raise ValueError("Multilabel and multioutput targets are not supported.")
        return y.argmax(axis=1)
    y = column_or_1d(y)
    check_classification_targets(y)
    return y


def _with_labels(y: Any, new: np.ndarray, changed: np.ndarray) -> Any:
    """Return a copy of y, of the same type, with the new labels of some rows."""
    if isinstance(y, (list, tuple)):
        return type(y)(_replaced(y, changed, new))
    width = np.shape(y)[1] if np.ndim(y) == 2 else 0
    fresh = np.eye(width, dtype=int)[new] if width > 1 else new
    if _is_polars(y):
        if not width:
            return type(y)(y.name, _replaced(y, changed, new), dtype=y.dtype)
        columns = np.reshape(fresh, (len(new), width)).T
        pairs = zip(y.get_columns(), columns, strict=True)
        return y.with_columns([_with_labels(c, part, changed) for c, part in pairs])
    fresh = fresh[changed, None] if width == 1 else fresh[changed]
    if torch.is_tensor(y):
        y = y.clone()
        fresh = torch.as_tensor(fresh, dtype=y.dtype)
    else:
        y = y.copy() if hasattr(y, "iloc") else np.array(y)
    (y.iloc if hasattr(y, "iloc") else y)[changed] = fresh
    return y


def _replaced(y: Any, rows: np.ndarray, new: np.ndarray) -> list:
    """Return labels as a list, with new ones in some rows."""
    values, fresh = list(y), new.tolist()
    for row in rows:
        values[row] = fresh[row]
    return values


def _is_polars(y: Any) -> bool:
    return type(y).__module__.startswith("polars.")


def _keeps_type(values: Any) -> bool:
    """Return whether rows can be taken from samples or labels of a type as such."""
    frame = hasattr(values, "iloc") or _is_polars(values)
    return frame or torch.is_tensor(values) or isinstance(values, (list, tuple))


def _taken(values: Any, rows: np.ndarray) -> Any:
    """Return some rows, in the type of all."""
    taken = _safe_indexing(values, rows)
    return tuple(taken) if isinstance(values, tuple) else taken


def _as_sampler_tags(tags: Any) -> Any:
    """Return the tags as imbalanced-learn's own class, which its checks expect."""
    from imblearn.utils._tags import InputTags, SamplerTags, Tags

    given = {field.name: getattr(tags, field.name) for field in fields(tags)}
    inputs = {f.name: getattr(tags.input_tags, f.name) for f in fields(tags.input_tags)}
    given["input_tags"] = InputTags(**inputs, dataframe=True)
    return Tags(**given, sampler_tags=SamplerTags(sample_indices=True))
