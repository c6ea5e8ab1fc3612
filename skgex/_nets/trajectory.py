"""One training of a net, recorded epoch by epoch."""

from typing import Any, NamedTuple

import numpy as np
from skorch import NeuralNet

from skgex._nets.broken_net import check_weights
from skgex._nets.epoch_reader import EpochReader, EpochWatch
from skgex._nets.skorch_adapter import learning_rate_of
from skgex._nets.snapshot import TrainedNet, Weights
from skgex._nets.training import train_watched

# Memory for the weights of all epochs. If they need more, only evenly spaced epochs are
# kept, but no fewer than MIN_CHECKPOINTS.
MAX_BYTES = 2**30
MIN_CHECKPOINTS = 10


class Trajectory(NamedTuple):
    """Record of one training.

    Attributes
    ----------
    trained : TrainedNet
        The net after its training. It differs from the last checkpoint if a callback
        restores the best weights.
    checkpoints : list of dict
        Weights after each of ``epochs``. The last epoch is always among them.
    lrs : list of float
        Learning rate in each of these epochs: that of the optimizer's first parameter
        group in the epoch's last step, nan if it has none.
    epochs : list of int
        Numbers of the epochs with a checkpoint, from 1.
    outputs : ndarray of shape (n_epochs, n_samples, ...) or None
        What the module returns for each sample after each epoch, in evaluation mode and
        before the nonlinearity of ``predict_proba``. None if not kept.
    losses : ndarray of shape (n_epochs, n_samples)
        Loss of each sample after each epoch, in evaluation mode; in nats if the
        criterion is a negative log-likelihood.
    """

    trained: TrainedNet
    checkpoints: list[Weights]
    lrs: list[float]
    epochs: list[int]
    outputs: np.ndarray | None
    losses: np.ndarray

    def late(self, n: int) -> list[int]:
        """Return positions of checkpoints, evenly over the second half of training.

        Parameters
        ----------
        n : int
            How many, at least 1. If there are fewer, all are returned.

        Returns
        -------
        positions : list of int
            In ``checkpoints``, rising. The last checkpoint is always among them.
        """
        first = int(np.searchsorted(self.epochs, self.epochs[-1] / 2, side="right"))
        last = len(self.epochs) - 1
        chosen = np.linspace(last, min(first, last), n).round().astype(int)
        return np.unique(chosen).tolist()


def train_with_trajectory(
    net: NeuralNet,
    X: Any,
    y: Any,
    seed: int,
    keep_outputs: bool = True,
    max_bytes: int = MAX_BYTES,
) -> Trajectory:
    """Fit a clone of ``net`` as :func:`skgex._nets.training.train` does, and record it.

    The weights are equal bit for bit, because the record draws no random numbers.

    Parameters
    ----------
    net : NeuralNet
        All of its callbacks run.
    X : ndarray of shape (n_samples, ...) or torch Dataset
        Samples in the dtype of the net.
    y : ndarray of shape (n_samples, ...) or None
        Targets as the net takes them.
    seed : int
        Of all random draws.
    keep_outputs : bool, default=True
        Keep the outputs of all samples after all epochs.
    max_bytes : int, default=2**30
        Memory for checkpoints. If those of all epochs need more, only those of every
        second, fourth, eighth, ... epoch are kept.

    Returns
    -------
    trajectory : Trajectory

    Raises
    ------
    ValueError
        If the net is trained for no epoch, or a weight is not finite afterwards.
    """
    recorder = _Recorder(X, y, keep_outputs, max_bytes)
    trained = train_watched(net, X, y, seed, recorder)
    check_weights(trained, X, y)
    return recorder.trajectory(trained)


class _Recorder(EpochWatch):
    """Record weights, and outputs and losses of the samples, after each epoch."""

    def __init__(self, X: Any, y: Any, keep_outputs: bool, max_bytes: int):
        super().__init__(EpochReader(X, y, raw=True))
        self.keep_outputs = keep_outputs
        self.max_bytes = max_bytes
        self.outputs: list[np.ndarray] = []
        self.losses: list[np.ndarray] = []
        self.kept: list[tuple[int, float, Weights]] = []
        self.stride = 1

    def on_epoch_end(self, net: NeuralNet, *args: Any, **kwargs: Any) -> None:
        """Evaluate the samples, and keep what is to be kept."""
        weights, evaluation = self.reader.read(net)
        self.losses.append(evaluation.losses)
        if self.keep_outputs:
            self.outputs.append(evaluation.outputs)
        self._keep(len(self.losses), learning_rate_of(net), weights)

    def trajectory(self, trained: TrainedNet) -> Trajectory:
        """Return the record, once the training is over."""
        if not self.losses:
            raise ValueError("net: it was trained for no epoch; raise its max_epochs.")
        epochs, lrs, checkpoints = zip(*self.kept, strict=True)
        outputs = np.stack(self.outputs) if self.keep_outputs else None
        return Trajectory(
            trained,
            list(checkpoints),
            list(lrs),
            list(epochs),
            outputs,
            np.stack(self.losses),
        )

    def _keep(self, epoch: int, lr: float, weights: Weights) -> None:
        """Keep the newest weights, and those of each ``stride``-th epoch before it."""
        size = sum(value.nbytes for part in weights.values() for value in part.values())
        capacity = max(2 * MIN_CHECKPOINTS, self.max_bytes // max(size, 1))
        if self.kept and self.kept[-1][0] % self.stride:
            self.kept.pop()
        if len(self.kept) == capacity:
            self.kept = self.kept[1::2]
            self.stride *= 2
        self.kept.append((epoch, lr, weights))
