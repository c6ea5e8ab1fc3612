"""TracIn: inner products of gradients during a net's training."""

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from skgex._base.net_training import record_training
from skgex._base.parameters import Interval, NetNeed, StrOptions
from skgex._data.records import Data
from skgex._nets.sample_losses import SampleLosses
from skgex._utils.random import Seeds
from skgex.influence._checkpoints import Checkpoints, choose_checkpoints
from skgex.influence._feature_map import InfluenceEstimator
from skgex.influence._mapping import GradientProducts

# There are as many features per sample as parameters times checkpoints. ``transform``
# refuses to return more than this at once, instead of exhausting the memory.
MAX_BYTES = 2**32


class TracIn(InfluenceEstimator):
    """Inner products of gradients at checkpoints of the training (Pruthi et al. 2020).

    Influence is Σ_c η_c g_c(z)·g_c(z'), where g_c is the gradient of a sample's loss
    under checkpoint c of the training, and η_c the learning rate there, or another
    weight. It estimates by how much the steps on z lowered the loss of z' during the
    training.

    A sample is mapped to its gradients under all checkpoints, each times √η_c. This
    gives as many features per checkpoint as the net has parameters, so ``transform`` is
    for small nets. Influence and self-influence hold only a few samples' gradients in
    memory at a time.

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
        Σ_c η_c ‖g_c(z)‖² of each fitted row, higher = more suspicious.

    See Also
    --------
    TracInRP : The same in a few random directions.

    References
    ----------
    Pruthi, G., Liu, F., Kale, S. and Sundararajan, M. "Estimating training data
    influence by tracing gradient descent." NeurIPS 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.influence import TracIn
    >>> X, y = load_iris(return_X_y=True)
    >>> TracIn(random_state=0).fit(X, y).self_influence_.shape
    (150,)
    """

    _needs = NetNeed.TRAJECTORY

    _parameter_constraints: dict = {  # noqa: RUF012
        **InfluenceEstimator._parameter_constraints,
        "n_checkpoints": [Interval(Integral, 1, None, closed="left")],
        "weighting": [StrOptions({"lr", "equal"})],
    }

    def __init__(
        self,
        net=None,
        *,
        n_checkpoints=5,
        weighting="lr",
        memory=None,
        random_state=None,
    ):
        self.net = net
        self.n_checkpoints = n_checkpoints
        self.weighting = weighting
        self.memory = memory
        self.random_state = random_state

    def _fit(self, data: Data, seeds: Seeds) -> "CheckpointGradients":
        trajectory = record_training(self.net, data, self._needs, seeds, self.memory)
        checkpoints = choose_checkpoints(trajectory, self.n_checkpoints, self.weighting)
        return CheckpointGradients(trajectory.trained, checkpoints, self.weighting)


@dataclass(frozen=True, eq=False)
class CheckpointGradients(GradientProducts):
    """Whole gradients at checkpoints of a training.

    Attributes
    ----------
    trained : TrainedNet
    checkpoints : Checkpoints
    weighting : {"lr", "equal"}
    """

    checkpoints: Checkpoints
    weighting: str

    @property
    def n_features(self) -> int:
        """Trained parameters times checkpoints."""
        size = len(SampleLosses(self.trained).theta)
        return size * len(self.checkpoints.weights)

    def forms(self) -> Iterator[tuple[float, SampleLosses, None]]:
        """Yield the inner product at each checkpoint, weighted by η_c."""
        for losses, factor in self.checkpoints.losses(self.weighting):
            yield factor, losses, None

    def features(self, X: Any, targets: Any) -> np.ndarray:
        """Return gradients times √η_c, if they are not too many."""
        theta = SampleLosses(self.trained).theta
        n_bytes = len(X) * self.n_features * theta.itemsize
        if n_bytes > MAX_BYTES:
            raise ValueError(
                f"X: the features of {len(X)} samples take {n_bytes / 2**30:.1f} "
                f"GiB, more than {MAX_BYTES / 2**30:.0f}; pass fewer samples at once, "
                "or use TracInRP."
            )
        return np.concatenate(
            [
                factor**0.5 * losses.all_gradients(X, targets)
                for losses, factor in self.checkpoints.losses(self.weighting)
            ],
            axis=1,
        )

    def attributes(self) -> dict[str, Any]:
        """Return the checkpoints."""
        return {"checkpoints_": self.checkpoints}
