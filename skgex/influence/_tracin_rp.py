"""TracInRP: TracIn in a few random directions."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from skgex._base.net_training import record_training
from skgex._base.parameters import Interval, NetNeed, StrOptions
from skgex._data.records import Data
from skgex._utils.random import Seeds, draw_seeds
from skgex.influence._checkpoints import Checkpoints, choose_checkpoints
from skgex.influence._feature_map import InfluenceEstimator
from skgex.influence._mapping import FeatureProducts
from skgex.influence._projections import random_directions


class TracInRP(InfluenceEstimator):
    """Inner products of gradients during the training, in random directions.

    For each checkpoint c of the training, a sample z is mapped to √η_c Q_c g_c(z). Here
    g_c(z) is the gradient of its loss by the P parameters of the net, η_c the learning
    rate or another weight, and Q_c a matrix of shape (R, P) with entries drawn from
    N(0, 1/R), a new one for each checkpoint. Influence is the inner product of these
    features. As R grows it approaches that of :class:`TracIn`, at a fraction of its
    memory.

    Parameters
    ----------
    net : skorch.NeuralNet or None, default=None
        The net whose training is observed. It is cloned and the clone is trained. None
        trains a small MLP, for class labels only, until its loss on held-out rows stops
        falling; on wide data, such as texts, a linear net unless an MLP predicts
        held-out labels better.
    n_checkpoints : int, default=5
        Number of checkpoints, spread evenly over the second half of the training. A
        short training has fewer. The cost is proportional to it.
    weighting : {"lr", "equal"}, default="lr"
        What η_c is: the learning rate at the checkpoint ("lr"), as in TracInCP of the
        paper, or one over the number of checkpoints ("equal"). "lr" gives checkpoints
        little weight where a schedule has lowered the rate.
    n_components : int, default=20
        R, the number of random directions at each checkpoint. A larger value
        approximates TracIn better, at a proportional cost.
    memory : str, joblib.Memory or None, default=None
        Directory or ``joblib.Memory`` that caches the training and its record, so that
        all estimators that observe the same net with the same data and seed share one
        training. A training that was interrupted goes on after its last epochs. None
        caches nothing.
    random_state : int, RandomState or None, default=None
        Seed of all that is random, such as initial weights and the order of batches.
        Pass an int for the same results every time. The global random states of
        Python, NumPy and PyTorch are left as they were.

    Attributes
    ----------
    checkpoints_ : Checkpoints
        Weights, learning rate and epoch of each checkpoint.
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only if labels are classes.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Squared norm of the features of each fitted row, higher = more suspicious.

    References
    ----------
    Pruthi, G., Liu, F., Kale, S. and Sundararajan, M. "Estimating training data
    influence by tracing gradient descent." NeurIPS 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.influence import TracInRP
    >>> X, y = load_iris(return_X_y=True)
    >>> TracInRP(n_checkpoints=3, random_state=0).fit_transform(X, y).shape
    (150, 60)
    """

    _needs = NetNeed.TRAJECTORY

    _parameter_constraints: dict = {  # noqa: RUF012
        **InfluenceEstimator._parameter_constraints,
        "n_checkpoints": [Interval(Integral, 1, None, closed="left")],
        "weighting": [StrOptions({"lr", "equal"})],
        "n_components": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        net=None,
        *,
        n_checkpoints=5,
        weighting="lr",
        n_components=20,
        memory=None,
        random_state=None,
    ):
        self.net = net
        self.n_checkpoints = n_checkpoints
        self.weighting = weighting
        self.n_components = n_components
        self.memory = memory
        self.random_state = random_state

    def _fit(self, data: Data, seeds: Seeds) -> "CheckpointProjections":
        trajectory = record_training(self.net, data, self._needs, seeds, self.memory)
        checkpoints = choose_checkpoints(trajectory, self.n_checkpoints, self.weighting)
        return CheckpointProjections(
            trajectory.trained,
            checkpoints,
            self.weighting,
            int(self.n_components),
            seeds.method,
        )


@dataclass(frozen=True, eq=False)
class CheckpointProjections(FeatureProducts):
    """Gradients at checkpoints along random directions, other ones at each.

    Attributes
    ----------
    trained : TrainedNet
    checkpoints : Checkpoints
    weighting : {"lr", "equal"}
    n_directions : int
        Per checkpoint.
    seed : int
    """

    checkpoints: Checkpoints
    weighting: str
    n_directions: int
    seed: int

    @property
    def n_features(self) -> int:
        """The number of directions at all checkpoints."""
        return self.n_directions * len(self.checkpoints.weights)

    def features(self, X: Any, targets: Any) -> np.ndarray:
        """Return derivatives along the directions, times √η_c."""
        random_state = np.random.RandomState(self.seed)
        seeds = draw_seeds(random_state, len(self.checkpoints.weights))
        features = []
        for seed, (losses, factor) in zip(
            seeds, self.checkpoints.losses(self.weighting), strict=True
        ):
            directions = random_directions(seed, self.n_directions, losses.theta)
            features.append(factor**0.5 * losses.projections(X, targets, directions))
        return np.concatenate(features, axis=1)

    def attributes(self) -> dict[str, Any]:
        """Return the checkpoints."""
        return {"checkpoints_": self.checkpoints}
