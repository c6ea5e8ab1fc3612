"""What the influence estimators share: each is a map of samples to features."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from skorch import NeuralNet

from skgex._base.net_estimator import NetEstimator
from skgex._data.records import Data, Query, take
from skgex._nets.sample_losses import Form, SampleLosses
from skgex._nets.snapshot import TrainedNet, revive
from skgex._utils.random import draw_seeds
from skgex._utils.warnings import warn_caller
from skgex.exceptions import UnknownLabelWarning


class Seeds(NamedTuple):
    """Seeds of one fit; those of the net are equal for all estimators.

    Attributes
    ----------
    net : int
        Of the net's training.
    trial : int
        Of the trial training that its epochs or the members' rate are chosen by.
    method : int
        Of what is the method's own.
    members : int
        Of an ensemble's members.
    """

    net: int
    trial: int
    method: int
    members: int


class FeatureMap(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetEstimator):
    """Base of the estimators that map samples to features, influence among them.

    A subclass sets ``_trained`` and ``self_influence_`` in ``_fit``, maybe ``_stored``
    too, and gives ``_map``, ``_judge_new`` and ``_relate``.
    """

    # y is routable to these methods though scikit-learn's routing knows it as no
    # metadata, and only by this name.
    __metadata_request__predict = {"y": True}  # noqa: RUF012
    __metadata_request__transform = {"y": True}  # noqa: RUF012

    _parameter_constraints: dict = NetEstimator._net_constraints

    _trained: TrainedNet
    self_influence_: np.ndarray
    # Features of the fitted rows; None where they are not kept.
    _stored: np.ndarray | None = None

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
        return self._features(self._ask(X, y))

    def self_influence(self, X: Any, y: Any = None) -> np.ndarray:
        """Return the influence of each sample on its own loss.

        Parameters
        ----------
        X, y
            As for :meth:`transform`.

        Returns
        -------
        self_influence : ndarray of shape (n_samples,), dtype=float64
            I(z, z) of each sample z, higher = more suspicious: high for a sample that
            the net had to memorise.
        """
        return self._judge(self._ask(X, y))

    def influence(self, X: Any, y: Any, X_other: Any, y_other: Any) -> np.ndarray:
        """Return the influence of each sample on the loss of each other sample.

        Parameters
        ----------
        X, y
            Samples and their labels, as for :meth:`transform`.
        X_other, y_other
            The other samples and their labels, likewise.

        Returns
        -------
        influence : ndarray of shape (n_samples, n_other), dtype=float64
            I(z, z') of each sample z on each other sample z'. Positive if the loss of
            z' would rise without z in the training set.
        """
        return self._relate(self._ask(X, y), self._ask(X_other, y_other))

    @property
    def net_(self) -> NeuralNet:
        """The trained net as a skorch net, a new copy at each access."""
        self._require_fitted()
        return revive(self._trained)

    def _features(self, query: Query) -> np.ndarray:
        """Return the features that ``fit`` kept of its rows, and map others."""
        if self._stored is None:
            return self._map(query.X, query.targets)
        features = self._stored[query.index]
        new = np.flatnonzero(query.new)
        if len(new):
            features[new] = self._map(*take(query.X, query.targets, new))
        return features

    def _map(self, X: Any, targets: Any) -> np.ndarray:
        """Return the features of any samples; to be given by the subclass."""
        raise NotImplementedError

    def _judge(self, query: Query) -> np.ndarray:
        """Return what ``fit`` found of its rows, and ask for others."""
        values = self.self_influence_[query.index]
        new = np.flatnonzero(query.new)
        if len(new):
            values[new] = self._judge_new(*take(query.X, query.targets, new))
        unknown = self._unknown(query)
        # No derivative is known of what counts as wrong: no row is more suspicious.
        values[unknown] = np.maximum(values[unknown], self.self_influence_.max())
        return values

    def _judge_new(self, X: Any, targets: Any) -> np.ndarray:
        """Return I(z, z) of new samples; to be given by the subclass."""
        raise NotImplementedError

    def _relate(self, query: Query, others: Query) -> np.ndarray:
        """Return I(z, z'); to be given by the subclass."""
        raise NotImplementedError

    def _ask(self, X: Any, y: Any, *, warn: bool = True) -> Query:
        self._require_fitted()
        return self._query(X, y, self._trained, warn=warn)

    def _unknown(self, query: Query, *, warn: bool = True) -> np.ndarray:
        """Return the mask of labels that ``fit`` never saw."""
        unknown = self._coding.unknown(query.codes)
        if unknown.any() and warn:
            warn_caller(
                f"{unknown.sum()} labels were never seen in fit; they count as wrong.",
                UnknownLabelWarning,
            )
        return unknown

    def _seeds(self) -> Seeds:
        """Draw the seeds of a fit."""
        return Seeds(*draw_seeds(check_random_state(self.random_state), 4))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the net's, whatever comes
        return tags


class StoredMap(FeatureMap):
    """Base of the maps to few features: those of fitted rows are kept.

    A subclass gives ``_prepare`` and ``_map``. Influence is the inner product of
    features, with the weights ``_column_weights``.
    """

    # One a feature, or one for all.
    _column_weights: np.ndarray | float = 1.0

    def _prepare(self, data: Data, seeds: Seeds) -> None:
        """Set ``_trained`` and what features are made by."""
        raise NotImplementedError

    def _fit(self, data: Data) -> None:
        self._prepare(data, self._seeds())
        self._stored = finite(self._map(data.X, data.targets))
        self.self_influence_ = self._norms(self._stored)

    def _judge_new(self, X: Any, targets: Any) -> np.ndarray:
        return self._norms(self._map(X, targets))

    def _relate(self, query: Query, others: Query) -> np.ndarray:
        features, theirs = self._features(query), self._features(others)
        weighted = features.astype(np.float64) * self._column_weights
        return weighted @ theirs.astype(np.float64).T

    def _norms(self, features: np.ndarray) -> np.ndarray:
        squares = np.square(features, dtype=np.float64) * self._column_weights
        return squares.sum(axis=1)

    @property
    def _n_features_out(self) -> int:
        return self._stored.shape[1]


class GradientMap(FeatureMap):
    """Base of the bilinear forms of whole gradients, too many numbers to be kept.

    A subclass gives ``_forms``. Gradients are taken anew for each question, a block
    of rows at a time.
    """

    def _forms(self) -> Iterator[tuple[float, SampleLosses, Form | None]]:
        """Yield weights w, losses and forms A: I(z, z') is the sum of w g·A g'."""
        raise NotImplementedError

    def _judge_new(self, X: Any, targets: Any) -> np.ndarray:
        return sum(
            weight * losses.quadratic_forms(X, targets, form)
            for weight, losses, form in self._forms()
        )

    def _relate(self, query: Query, others: Query) -> np.ndarray:
        samples, theirs = (query.X, query.targets), (others.X, others.targets)
        return sum(
            weight * losses.inner_products(samples, theirs, form)
            for weight, losses, form in self._forms()
        )


def finite(values: np.ndarray) -> np.ndarray:
    """Return values, or raise an error where gradients overflowed."""
    if np.isfinite(values).all():
        return values
    raise ValueError(
        "net: its training diverged, the gradients are not finite; lower its lr."
    )
