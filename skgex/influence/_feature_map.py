"""The interface of all influence estimators: samples are mapped to features."""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from skorch import NeuralNet

from skgex._base.net_estimator import NetEstimator, validate
from skgex._base.parameters import fit_context
from skgex._data.label_coding import Coding
from skgex._data.records import Data, Query
from skgex._nets.snapshot import TrainedNet, revive
from skgex._utils.grad_mode import gradients_enabled
from skgex._utils.progress import phase
from skgex._utils.random import Seeds
from skgex._utils.warnings import warn_caller
from skgex.exceptions import UnknownLabelWarning
from skgex.influence._mapping import FittedMap, Mapping


class FeatureMap(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ABC):
    """Mixin of the estimators that map samples to features, influence among them.

    Comes before :class:`NetEstimator` in the bases of a class. The class gives the
    five abstract methods; ``_query`` refuses an estimator that is not fitted.
    """

    # y is routable to these methods though scikit-learn's routing knows it as no
    # metadata, and only by this name.
    __metadata_request__predict = {"y": True}  # noqa: RUF012
    __metadata_request__transform = {"y": True}  # noqa: RUF012

    @gradients_enabled()
    def transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Map samples to the features that the class describes.

        Influence is computed from these features. They depend on the labels, so do not
        use them as features for a classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or Dataset
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their labels. Without them, a row seen in ``fit`` has the label it had
            there, and any other row the label that the net predicts, with a warning.

        Returns
        -------
        features : ndarray of shape (n_samples, n_features_out)
            In the floating-point type of the net.
        """
        return self._features(self._query(X, y))

    @gradients_enabled()
    def self_influence(self, X: Any, y: Any = None) -> np.ndarray:
        """Return the influence of each sample on its own loss.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            As for :meth:`transform`.

        Returns
        -------
        self_influence : ndarray of shape (n_samples,), dtype=float64
            I(z, z) of each sample z, higher = more suspicious: high for a sample that
            the net had to memorise.
        """
        return self._self_influence(self._query(X, y))

    @gradients_enabled()
    def influence(self, X: Any, y: Any, X_other: Any, y_other: Any) -> np.ndarray:
        """Return the influence of each sample on the loss of each other sample.

        Parameters
        ----------
        X, y : array-like of shape (n_samples, ...)
            Samples and their labels, as for :meth:`transform`.
        X_other, y_other : array-like of shape (n_other, ...)
            The other samples and their labels, likewise.

        Returns
        -------
        influence : ndarray of shape (n_samples, n_other), dtype=float64
            I(z, z') of each sample z on each other sample z'. Positive if the loss of
            z' would rise without z in the training set.
        """
        return self._influence(self._query(X, y), self._query(X_other, y_other))

    @property
    def net_(self) -> NeuralNet:
        """The trained net as a skorch net, a new copy at each access."""
        check_is_fitted(self)
        return revive(self._trained)

    @property
    @abstractmethod
    def _trained(self) -> TrainedNet:
        """θ*."""

    @abstractmethod
    def _query(self, X: Any, y: Any) -> Query:
        """Check samples, and find those that the fit saw."""

    @abstractmethod
    def _features(self, query: Query) -> np.ndarray:
        """Return features of shape (n_samples, n_features_out)."""

    @abstractmethod
    def _self_influence(self, query: Query) -> np.ndarray:
        """Return I(z, z) in float64, of shape (n_samples,)."""

    @abstractmethod
    def _influence(self, query: Query, others: Query) -> np.ndarray:
        """Return I(z, z') in float64, of shape (n_samples, n_others)."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the net's, whatever comes
        return tags


class InfluenceEstimator(FeatureMap, NetEstimator):
    """Base of the influence estimators that keep a mapping, which GEX does not.

    A subclass gives ``_fit``, which trains and returns how samples are mapped.
    """

    _parameter_constraints: dict = NetEstimator._net_constraints

    self_influence_: np.ndarray
    _map: FittedMap

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Train what needs training, and take the self-influence of the samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, ...), dict of array-like, or Dataset
            Samples, of any shape that the net takes; a dict of arrays for a module that
            takes them by these names; or a torch Dataset of pairs (sample, target).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels or regression targets, as given, noise and all. None with a Dataset.
        groups : array-like of shape (n_samples,), default=None
            Which rows belong together, such as near-copies of one subject. Wherever
            the fit holds rows out of a training, it holds out whole groups, so that
            no net is tested on near-copies of what it was trained on.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, y or groups are unfit for the net or for each other, a parameter is
            impossible, or the net's training diverged.
        TypeError
            If ``net`` is a FrozenEstimator that holds no skorch net.
        """
        self._check_parameters()
        data, rows = validate(self, X, y, groups)
        mapping = self._fit(data, self._draw_seeds())
        with phase("scoring the rows"):
            features, self_influence = mapping.of_fitted_rows(data)
        self._keep(
            rows,
            {
                **mapping.attributes(),
                "self_influence_": self_influence,
                "_map": FittedMap(mapping, features, self_influence),
            },
        )
        return self

    def _check_parameters(self) -> None:
        """Refuse parameters that do not go together; there are none by default."""

    @abstractmethod
    def _fit(self, data: Data, seeds: Seeds) -> Mapping:
        """Train, and return how samples are mapped; nothing is written to self."""

    @property
    def _trained(self) -> TrainedNet:
        return self._map.mapping.trained

    @property
    def _n_features_out(self) -> int:
        return self._map.mapping.n_features

    def _query(self, X: Any, y: Any) -> Query:
        check_is_fitted(self)
        return self._find(X, y, self._trained)

    def _features(self, query: Query) -> np.ndarray:
        return self._map.features_of(query)

    def _self_influence(self, query: Query) -> np.ndarray:
        unknown = unknown_labels(query, self._rows.coding)
        return self._map.self_influence_of(query, unknown)

    def _influence(self, query: Query, others: Query) -> np.ndarray:
        return self._map.influence(query, others)


def unknown_labels(query: Query, coding: Coding, *, warn: bool = True) -> np.ndarray:
    """Return the mask of labels that ``fit`` never saw, and warn of them."""
    unknown = coding.unknown(query.codes)
    if unknown.any() and warn:
        warn_caller(
            f"{unknown.sum()} labels were never seen in fit; they count as wrong.",
            UnknownLabelWarning,
        )
    return unknown
