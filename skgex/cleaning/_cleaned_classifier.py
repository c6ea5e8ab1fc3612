"""CleanedClassifier: a classifier that is fitted on what its detector leaves."""

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_is_fitted,
    column_or_1d,
    has_fit_parameter,
    validate_data,
)

from skgex._base.parameters import HasMethods, Interval, StrOptions
from skgex.cleaning._guards import CHECKS, as_given, decide, last_step, view_for


def _estimator_has(name: str) -> Callable[["CleanedClassifier"], bool]:
    return lambda self: hasattr(getattr(self, "estimator_", self.estimator), name)


class CleanedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Find the wrong labels, act on them, and fit a classifier.

    The detector is fitted on all rows. Rows that it judges wrong are dropped, given the
    label that it prefers, or weighed down; ``estimator`` is fitted on what that makes.

    Two guards see to it that this does no harm. Where the rows that are judged wrong
    do not stand apart from the others, ``estimator`` is fitted on all rows as they
    are. And each class keeps some rows of its own. Both are told by a warning.

    Parameters
    ----------
    estimator : estimator
        The classifier to be fitted: a scikit-learn classifier, a pipeline that ends in
        one, or a skorch net.
    detector : estimator
        Finds the wrong labels: a detector such as :class:`~skgex.GEXDetector`, or a
        pipeline that ends in one. Sparse X reaches it dense, unless it takes sparse
        input.
    action : {"drop", "relabel", "weight"}, default="drop"
        What is done about wrong labels. "relabel" needs a detector with ``relabel``.
        "weight" passes ``sample_weight`` for all rows: 0 for wrong labels, for others
        the probability that they are right. It needs a detector with ``noise_proba``.
    min_samples_per_class : int, default=1
        Each class keeps this number of its rows as they are, or all that it has if
        fewer; the least suspicious ones.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    detector_ : estimator
        The fitted detector.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    noise_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where the detector judges the label wrong.
    acted_mask_ : ndarray of shape (n_samples,), dtype=bool
        Those of them that the guards left to be acted on.
    separated_ : bool
        Whether the rows that are judged wrong stand apart by their scores. If not,
        nothing was done.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    CleaningSampler : The same as a step of imbalanced-learn's pipelines.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skgex import CleanedClassifier, GEXDetector
    >>> from skgex.datasets import flip_labels
    >>> X, y = load_iris(return_X_y=True)
    >>> y_noisy, noise_mask = flip_labels(y, 0.2, random_state=0)
    >>> model = CleanedClassifier(
    ...     LogisticRegression(max_iter=1000), GEXDetector(random_state=0)
    ... )
    >>> model.fit(X, y_noisy).predict(X).shape
    (150,)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        "estimator": [HasMethods(["fit", "predict"])],
        "detector": [HasMethods(["fit"])],
        "action": [StrOptions({"drop", "relabel", "weight"})],
        "min_samples_per_class": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, estimator, detector, *, action="drop", min_samples_per_class=1):
        self.estimator = estimator
        self.detector = detector
        self.action = action
        self.min_samples_per_class = min_samples_per_class

    def fit(self, X: Any, y: Any) -> "CleanedClassifier":
        """Find the wrong labels, act on them, and fit the classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples. A DataFrame reaches detector and classifier as one.
        y : array-like of shape (n_samples,)
            Class labels, noise and all.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X or y is unfit, or the detector or classifier is for the action.
        """
        self._validate_params()
        weight_name = self._check_action()
        checked, y = validate_data(self, X, y, **CHECKS)
        check_classification_targets(y)
        X, y = as_given(X, checked), column_or_1d(y, warn=True)
        self.classes_ = np.unique(y)
        view = view_for(self.detector, X, checked)
        self.detector_ = clone(self.detector).fit(view, y)
        verdict = decide(self.detector_, y, self.min_samples_per_class)
        self.noise_mask_, self.acted_mask_, self.separated_ = verdict
        options = {}
        if self.action == "drop":
            rows = np.flatnonzero(~verdict.acted)
            X, y = _safe_indexing(X, rows), y[rows]
        elif self.action == "relabel":
            y = np.where(verdict.acted, last_step(self.detector_).relabel(), y)
        elif verdict.separated:
            weights = 1 - last_step(self.detector_).noise_proba_
            # A classifier that memorises learns a wrong label however little it weighs.
            weights[verdict.acted] = 0
            weights[verdict.judged & ~verdict.acted] = 1  # spared for their class
            options[weight_name] = weights
        self.estimator_ = clone(self.estimator).fit(X, y, **options)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict classes.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            What the classifier predicts.
        """
        return self._ask("predict", X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            What the classifier gives, in the order of ``classes_``.
        """
        return self._ask("predict_proba", X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Return the classifier's decision function.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            In the order of ``classes_``.
        """
        return self._ask("decision_function", X)

    def _ask(self, method: str, X: Any) -> np.ndarray:
        check_is_fitted(self)
        checked = validate_data(self, X, reset=False, **CHECKS)
        return getattr(self.estimator_, method)(as_given(X, checked))

    def _check_action(self) -> str | None:
        """Refuse what cannot act; return the name under which fit takes weights."""
        judge = last_step(self.detector)
        wanted = {"relabel": "relabel", "weight": "noise_proba"}.get(self.action)
        if wanted and not hasattr(judge, wanted):
            raise ValueError(
                f"detector: action={self.action!r} needs one with {wanted}; "
                f"{type(judge).__name__} has none."
            )
        if self.action != "weight":
            return None
        if not has_fit_parameter(last_step(self.estimator), "sample_weight"):
            raise ValueError(
                "estimator: action='weight' needs one whose fit takes sample_weight; "
                f"that of {type(last_step(self.estimator)).__name__} does not."
            )
        if isinstance(self.estimator, Pipeline):
            return f"{self.estimator.steps[-1][0]}__sample_weight"
        return "sample_weight"

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        given = get_tags(self.estimator).input_tags
        tags.input_tags.sparse = given.sparse
        return tags
