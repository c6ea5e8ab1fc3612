"""CleanedClassifier: a classifier fitted on what a detector leaves of the data."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import _safe_indexing, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_is_fitted,
    column_or_1d,
    has_fit_parameter,
    validate_data,
)

from skgex._base.fit_metadata import fit_options
from skgex._base.fitted_state import replace_fitted_state
from skgex._base.parameters import HasMethods, Interval, StrOptions, fit_context
from skgex._base.validation import validate_for_fit
from skgex.cleaning._guards import (
    CHECKS,
    Decision,
    as_given,
    decide,
    last_step,
    view_for,
)


def _estimator_has(name: str) -> Callable[["CleanedClassifier"], bool]:
    return lambda self: hasattr(getattr(self, "estimator_", self.estimator), name)


class CleanedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Find wrong labels, act on them, and fit a classifier.

    The detector is fitted on all rows. Rows that it flags as wrong are dropped, given
    the label that it suggests, or given a lower weight. Then ``estimator`` is fitted
    on the result.

    Two guards limit the harm that a bad detection can do. If the scores of the flagged
    rows do not stand apart from the others, ``estimator`` is fitted on all rows as
    they are. And each class keeps at least ``min_samples_per_class`` of its rows. A
    warning is raised whenever a guard changes the outcome.

    Parameters
    ----------
    estimator : estimator
        The classifier to fit: a scikit-learn classifier, a pipeline that ends in one,
        or a skorch net.
    detector : estimator
        Finds the wrong labels: a detector such as :class:`~skgex.GEXDetector`, or a
        pipeline that ends in one. Sparse X is made dense for it, unless it takes
        sparse input.
    action : {"drop", "relabel", "weight"}, default="drop"
        What to do with flagged rows. "drop" leaves them out. "relabel" gives them the
        label that the detector suggests, and needs a detector with ``relabel``.
        "weight" keeps all rows and passes ``sample_weight`` to the classifier: 0 for
        flagged rows, and for others the probability that their label is right. It
        needs a detector with ``noise_proba``.
    min_samples_per_class : int, default=1
        Each class keeps this number of its rows as they are, the least suspicious
        ones, or all of them if it has fewer.

    Attributes
    ----------
    estimator_ : estimator
        The fitted classifier.
    detector_ : estimator
        The fitted detector.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    noise_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where the detector flags the label as wrong.
    acted_mask_ : ndarray of shape (n_samples,), dtype=bool
        True where a flagged row was acted on, False where a guard kept it as it is.
    separated_ : bool
        Whether the scores of the flagged rows stand apart from the others. If False,
        no row was acted on.
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

    # Both have one meaning only, so that they need not be asked for.
    __metadata_request__fit = {"sample_weight": True, "groups": True}  # noqa: RUF012

    def __init__(self, estimator, detector, *, action="drop", min_samples_per_class=1):
        self.estimator = estimator
        self.detector = detector
        self.action = action
        self.min_samples_per_class = min_samples_per_class

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any, *, groups: Any = None, **fit_params: Any) -> Self:
        """Find wrong labels, act on them, and fit the classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Samples. A DataFrame is passed on to detector and classifier as it is.
        y : array-like of shape (n_samples,)
            Class labels, of which some may be wrong.
        groups : array-like of shape (n_samples,), default=None
            Which rows belong together, passed to the fit of ``detector``.
        **fit_params : dict
            Only ``sample_weight``, array-like of shape (n_samples,): weights of the
            rows, passed to the fit of ``estimator`` for the rows that it is fitted on.
            With ``action="weight"`` they are multiplied by the weights that follow from
            the detector, which itself sees all rows alike.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If an argument is invalid, or if the detector or the classifier lacks what
            the action needs, or takes no groups or weights.
        TypeError
            If there is another argument.
        """
        self._check_action()
        sample_weight = _weights_among(fit_params)
        fit_options(self.estimator, "estimator", sample_weight=sample_weight)
        given = fit_options(self.detector, "detector", groups=groups)
        (checked, y), state = validate_for_fit(self, X, y, **CHECKS)
        check_classification_targets(y)
        X, y = as_given(X, checked), column_or_1d(y, warn=True)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, checked)
        classes = np.unique(y)
        view = view_for(self.detector, X, checked)
        detector = clone(self.detector).fit(view, y, **given)
        decision = decide(detector, y, self.min_samples_per_class)
        weights = sample_weight
        if self.action == "drop":
            rows = np.flatnonzero(~decision.acted)
            X, y = _safe_indexing(X, rows), y[rows]
            weights = None if weights is None else weights[rows]
        elif self.action == "relabel":
            y = np.where(decision.acted, last_step(detector).relabel(), y)
        elif decision.separated:
            weights = _weights(last_step(detector).noise_proba_, decision)
            weights = weights if sample_weight is None else weights * sample_weight
        options = fit_options(self.estimator, "estimator", sample_weight=weights)
        estimator = clone(self.estimator).fit(X, y, **options)
        state |= {"classes_": classes, "detector_": detector, "estimator_": estimator}
        state |= {"noise_mask_": decision.flagged, "acted_mask_": decision.acted}
        replace_fitted_state(self, state | {"separated_": decision.separated})
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
            The labels that the classifier predicts.
        """
        return self._delegate("predict", X)

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
            In the order of ``classes_``.
        """
        return self._delegate("predict_proba", X)

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
        return self._delegate("decision_function", X)

    def _delegate(self, method: str, X: Any) -> np.ndarray:
        check_is_fitted(self, "estimator_")
        checked = validate_data(self, X, reset=False, **CHECKS)
        return getattr(self.estimator_, method)(as_given(X, checked))

    def _check_action(self) -> None:
        """Raise if detector or classifier cannot serve the action."""
        detector = last_step(self.detector)
        method = {"relabel": "relabel", "weight": "noise_proba"}.get(self.action)
        if method and not hasattr(detector, method):
            raise ValueError(
                f"detector: action={self.action!r} needs one with {method}; "
                f"{type(detector).__name__} has none."
            )
        classifier = last_step(self.estimator)
        if self.action == "weight" and not has_fit_parameter(
            classifier, "sample_weight"
        ):
            raise ValueError(
                "estimator: action='weight' needs one whose fit takes sample_weight; "
                f"that of {type(classifier).__name__} does not."
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        given = get_tags(self.estimator).input_tags
        tags.input_tags.sparse = given.sparse
        return tags


def _weights_among(fit_params: dict[str, Any]) -> Any:
    """Return ``sample_weight``, which is no argument of ``fit`` by name.

    Of an estimator that names it scikit-learn demands that a weight of two equals a row
    that is there twice. No detector that trains a net can promise that.
    """
    others = sorted(fit_params.keys() - {"sample_weight"})
    if others:
        raise TypeError(
            f"fit: takes sample_weight and groups besides X and y, got {others}."
        )
    return fit_params.get("sample_weight")


def _weights(noise_proba: np.ndarray, decision: Decision) -> np.ndarray:
    """Return what each row weighs: the probability that its label is right."""
    weights = 1 - noise_proba
    # Zero and not just small: a classifier that memorises its training set learns a
    # wrong label however little it weighs.
    weights[decision.acted] = 0
    # Rows that their class needs count in full, as if they were not flagged.
    weights[decision.flagged & ~decision.acted] = 1
    return weights
