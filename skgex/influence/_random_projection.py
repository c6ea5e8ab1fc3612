"""RandomProjection: inner products of gradients in a few random directions."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from skgex._base.net_training import train_net
from skgex._base.parameters import Interval
from skgex._data.records import Data
from skgex._nets.sample_losses import SampleLosses
from skgex._utils.random import Seeds
from skgex.influence._feature_map import InfluenceEstimator
from skgex.influence._mapping import FeatureProducts
from skgex.influence._projections import random_directions


class RandomProjection(InfluenceEstimator):
    """Inner products of gradients under one net, in random directions.

    A sample z is mapped to φ(z) = Q g(z), where g(z) is the gradient of its loss under
    the trained net, by the P parameters of the net, and Q a matrix of shape (R, P) with
    entries drawn from N(0, 1/R). Influence is φ(z)·φ(z'). As R grows it approaches the
    inner product g(z)·g(z') of the gradients, at a fraction of their memory.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is used. A skorch net is cloned and the clone is trained.
        ``FrozenEstimator(net)`` is used with its present weights. None trains a small
        MLP, for class labels only, until its loss on held-out rows stops falling; on
        wide data, such as texts, a linear net unless an MLP predicts held-out labels
        better.
    n_components : int, default=20
        R, the number of random directions. A larger value approximates the inner
        product of gradients better, at a proportional cost.
    memory : str, joblib.Memory or None, default=None
        Directory or ``joblib.Memory`` that caches the result of each training, so that
        a later fit with the same net, data and seed does not train again. A training
        that was interrupted goes on after its last epochs. None caches nothing.
    random_state : int, RandomState or None, default=None
        Seed of all that is random, such as initial weights and the order of batches.
        Pass an int for the same results every time. The global random states of
        Python, NumPy and PyTorch are left as they were.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only if labels are classes.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Squared norm ‖φ(z)‖² of the features of each fitted row, higher = more
        suspicious.

    See Also
    --------
    TracInRP : The same over several checkpoints of the training.

    References
    ----------
    Kim, S., Kim, K. and Yang, E. "GEX: A flexible method for approximating influence
    via Geometric Ensemble." NeurIPS 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.influence import RandomProjection
    >>> X, y = load_iris(return_X_y=True)
    >>> RandomProjection(random_state=0).fit_transform(X, y).shape
    (150, 20)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **InfluenceEstimator._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, net=None, *, n_components=20, memory=None, random_state=None):
        self.net = net
        self.n_components = n_components
        self.memory = memory
        self.random_state = random_state

    def _fit(self, data: Data, seeds: Seeds) -> "RandomProjections":
        trained, _ = train_net(self.net, data, self._needs, seeds, self.memory)
        return RandomProjections(trained, int(self.n_components), seeds.method)


@dataclass(frozen=True, eq=False)
class RandomProjections(FeatureProducts):
    """Gradients along random directions, which are drawn from their seed each time.

    Attributes
    ----------
    trained : TrainedNet
    n_directions : int
    seed : int
    """

    n_directions: int
    seed: int

    @property
    def n_features(self) -> int:
        """The number of directions."""
        return self.n_directions

    def features(self, X: Any, targets: Any) -> np.ndarray:
        """Return the derivatives of losses along the directions."""
        losses = SampleLosses(self.trained)
        directions = random_directions(self.seed, self.n_directions, losses.theta)
        return losses.projections(X, targets, directions)
