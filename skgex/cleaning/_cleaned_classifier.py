"""CleanedClassifier: a classifier fitted on what a detector leaves of the data."""

from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import get_tags
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
    Limits,
    as_given,
    decide,
    is_surely_noisy,
    last_step,
    noise_matrix_of,
    view_for,
)
from skgex.cleaning._judge import Judge
from skgex.cleaning._outcome import outcome
from skgex.cleaning._plans import fit_by
from skgex.persistence._persistent import Persistent


def _estimator_has(name: str) -> Callable[["CleanedClassifier"], bool]:
    return lambda self: hasattr(getattr(self, "estimator_", self.estimator), name)


class CleanedClassifier(ClassifierMixin, MetaEstimatorMixin, Persistent, BaseEstimator):
    """Find wrong labels, act on them, and fit a classifier.

    The detector is fitted on all rows. Rows that it flags as wrong are dropped, given
    the label that it suggests, or given a lower weight. Then ``estimator`` is fitted
    on the result.

    Three guards limit the harm that a bad detection can do. If the scores of the
    flagged rows do not stand apart from the others, ``estimator`` is fitted on all rows
    as they are. Each class keeps at least ``min_samples_per_class`` of its rows, and
    all but ``max_share_per_class`` of them. And rows are acted on only as far as
    held-out rows bear it: ``estimator`` is fitted on some folds with a quarter, a half,
    three quarters and all of the flagged rows acted on, the most suspicious first, and
    on the rows as they are. The best of these is taken if its gain exceeds twice its
    standard error. A warning is raised whenever a guard changes the outcome.

    The gain is that in the log-likelihood of the true labels of held-out rows. These
    labels are those given, unless the latter are explained better by a constant rate of
    noise. Then the candidate that explains them best says which are true, and the fits
    on all rows as they are have 15 % of the say. Noise that goes mostly from one
    class to one other cannot be told from classes that overlap, so that little is done
    about it. An estimator without ``predict_proba`` is judged by its accuracy for the
    labels as given.

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
        flagged rows, and for others 1, or the probability that their label is right,
        by the detector or for all rows by the held-out classifiers, whichever serves
        held-out rows best. It needs a detector with ``noise_proba``.
    n_folds : int or None, default=3
        Number of folds by which the outcome is judged. Each of up to five candidates
        (six if ``action="weight"``) costs this number of fits of ``estimator``, and
        only if rows are flagged. The folds are the same in each fit, and divide no
        group. None judges nothing, and acts on all flagged rows that the other guards
        leave.
    min_samples_per_class : int, default=1
        Each class keeps this number of its rows as they are, the least suspicious
        ones, or all of them if it has fewer.
    max_share_per_class : float, default=0.5
        At most this share of the rows of a class is acted on, the most suspicious ones.

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
        True where a row was dropped, relabelled, or weighs less than one half.
    separated_ : bool
        Whether the scores of the flagged rows stand apart from the others. If False,
        no row was acted on.
    gain_ : float
        How much the best candidate is ahead of all rows as they are, on held-out rows:
        in nats of log-likelihood per row, or in accuracy where there are no
        probabilities. Rows were acted on only if it exceeds twice ``gain_std_``. NaN if
        nothing was judged.
    gain_std_ : float
        Standard error of ``gain_``.
    noise_rate_ : float
        Share of wrong labels by the held-out rows, if they are wrong at random; 0 if
        the labels can be explained without. NaN if nothing was judged, or without
        probabilities.
    n_features_in_ : int
        Number of features.

    See Also
    --------
    CleaningSampler : The same as a step of pipelines, without weights.

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
        "n_folds": [Interval(Integral, 2, None, closed="left"), None],
        "min_samples_per_class": [Interval(Integral, 1, None, closed="left")],
        "max_share_per_class": [Interval(Real, 0, 1, closed="both")],
    }

    # Both have one meaning only, so that they need not be asked for.
    __metadata_request__fit = {"sample_weight": True, "groups": True}  # noqa: RUF012

    def __init__(
        self,
        estimator,
        detector,
        *,
        action="drop",
        n_folds=3,
        min_samples_per_class=1,
        max_share_per_class=0.5,
    ):
        self.estimator = estimator
        self.detector = detector
        self.action = action
        self.n_folds = n_folds
        self.min_samples_per_class = min_samples_per_class
        self.max_share_per_class = max_share_per_class

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
        limits = Limits(self.min_samples_per_class, self.max_share_per_class)
        decision = decide(detector, y, limits)
        judge = None
        if self.n_folds is not None:
            options = (self.n_folds, sample_weight, groups)
            known = noise_matrix_of(detector), is_surely_noisy(detector)
            judge = Judge(self.estimator, X, y, *options, *known)
        verdict = outcome(self.action, y, detector, decision, limits, judge)
        estimator = fit_by(verdict.plan, self.estimator, X, sample_weight)
        state |= {"classes_": classes, "detector_": detector, "estimator_": estimator}
        state |= {"noise_mask_": decision.flagged, "acted_mask_": verdict.plan.acted}
        state |= {"gain_": verdict.gain, "gain_std_": verdict.gain_std}
        state |= {"noise_rate_": verdict.noise_rate}
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
