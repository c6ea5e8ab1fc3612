"""How a fitted influence estimator maps samples, and what it kept of its rows."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from skgex._data.records import Data, Query, take
from skgex._nets.sample_losses import Form, SampleLosses
from skgex._nets.snapshot import TrainedNet

Features = Callable[[Query], np.ndarray]


@dataclass(frozen=True, eq=False)
class Mapping(ABC):
    """How samples are mapped to features, and how these make influence.

    Attributes
    ----------
    trained : TrainedNet
        θ*.
    """

    trained: TrainedNet

    @property
    @abstractmethod
    def n_features(self) -> int:
        """The number of features."""

    @abstractmethod
    def features(self, X: Any, targets: Any) -> np.ndarray:
        """Return the features of samples, of shape (n_samples, n_features)."""

    @abstractmethod
    def self_influence(self, X: Any, targets: Any) -> np.ndarray:
        """Return I(z, z) of samples that the fit did not see, (n_samples,)."""

    @abstractmethod
    def influence(
        self, samples: Query, others: Query, features_of: Features
    ) -> np.ndarray:
        """Return I(z, z'), of shape (n_samples, n_others), dtype=float64.

        ``features_of`` maps a query, and takes those of fitted rows from where they
        are kept.
        """

    @abstractmethod
    def of_fitted_rows(self, data: Data) -> tuple[np.ndarray | None, np.ndarray]:
        """Return what is kept of the fitted rows: features if any, self-influence."""

    def attributes(self) -> dict[str, Any]:
        """Return the public attributes that the method sets."""
        return {}


@dataclass(frozen=True, eq=False)
class FeatureProducts(Mapping):
    """Influence as an inner product of a few features, which are kept for fitted rows.

    A subclass gives ``features`` and ``n_features``.
    """

    @property
    def column_weights(self) -> np.ndarray | float:
        """The weight of each feature in an inner product."""
        return 1.0

    def self_influence(self, X: Any, targets: Any) -> np.ndarray:
        """Return weighted squared norms of features."""
        return self._norms(self.features(X, targets))

    def influence(
        self, samples: Query, others: Query, features_of: Features
    ) -> np.ndarray:
        """Return weighted inner products of features."""
        features, theirs = features_of(samples), features_of(others)
        weighted = features.astype(np.float64) * self.column_weights
        return weighted @ theirs.astype(np.float64).T

    def of_fitted_rows(self, data: Data) -> tuple[np.ndarray, np.ndarray]:
        """Return the features of the fitted rows, and their norms."""
        features = finite(self.features(data.X, data.targets))
        return features, self._norms(features)

    def _norms(self, features: np.ndarray) -> np.ndarray:
        squares = np.square(features, dtype=np.float64) * self.column_weights
        return squares.sum(axis=1)


@dataclass(frozen=True, eq=False)
class GradientProducts(Mapping):
    """Influence as a bilinear form of whole gradients, too many numbers to be kept.

    A subclass gives ``forms``, ``features`` and ``n_features``. Gradients are
    computed for each query, a block of rows at a time.
    """

    @abstractmethod
    def forms(self) -> Iterator[tuple[float, SampleLosses, Form | None]]:
        """Yield weights w, losses and forms A: I(z, z') is the sum of w g·A g'."""

    def self_influence(self, X: Any, targets: Any) -> np.ndarray:
        """Return quadratic forms of gradients."""
        return np.sum(
            [
                weight * losses.quadratic_forms(X, targets, form)
                for weight, losses, form in self.forms()
            ],
            axis=0,
        )

    def influence(
        self, samples: Query, others: Query, features_of: Features
    ) -> np.ndarray:
        """Return bilinear forms of gradients."""
        mine, theirs = (samples.X, samples.targets), (others.X, others.targets)
        return np.sum(
            [
                weight * losses.inner_products(mine, theirs, form)
                for weight, losses, form in self.forms()
            ],
            axis=0,
        )

    def of_fitted_rows(self, data: Data) -> tuple[np.ndarray | None, np.ndarray]:
        """Return no features, and the self-influence of the fitted rows."""
        return None, finite(self.self_influence(data.X, data.targets))


@dataclass(frozen=True, eq=False)
class FittedMap:
    """A mapping, and what was kept of the fitted rows.

    Attributes
    ----------
    mapping : Mapping
    features : ndarray of shape (n_samples, n_features) or None
        Features of the fitted rows; None where they are not kept.
    self_influence : ndarray of shape (n_samples,)
        Of the fitted rows.
    """

    mapping: Mapping
    features: np.ndarray | None
    self_influence: np.ndarray

    def features_of(self, query: Query) -> np.ndarray:
        """Return the features kept of fitted rows, and map the others."""
        if self.features is None:
            return self.mapping.features(query.X, query.targets)
        features = self.features[query.index]
        new = np.flatnonzero(query.new)
        if len(new):
            rows = take(query.X, query.targets, new)
            features[new] = self.mapping.features(*rows)
        return features

    def self_influence_of(self, query: Query, unknown: np.ndarray) -> np.ndarray:
        """Return the self-influence kept of fitted rows, and compute that of others.

        The derivative of an unknown label is not defined. It counts as wrong: no
        fitted row is more suspicious.
        """
        values = self.self_influence[query.index]
        new = np.flatnonzero(query.new)
        if len(new):
            rows = take(query.X, query.targets, new)
            values[new] = self.mapping.self_influence(*rows)
        values[unknown] = np.maximum(values[unknown], self.self_influence.max())
        return values

    def influence(self, samples: Query, others: Query) -> np.ndarray:
        """Return I(z, z'), of shape (n_samples, n_others)."""
        return self.mapping.influence(samples, others, self.features_of)


def finite(values: np.ndarray) -> np.ndarray:
    """Return values, or raise an error where gradients overflowed."""
    if np.isfinite(values).all():
        return values
    raise ValueError(
        "net: its training diverged, the gradients are not finite; lower its lr."
    )
