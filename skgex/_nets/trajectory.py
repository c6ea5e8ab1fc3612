"""One training of a net, recorded epoch by epoch."""

from typing import Any, NamedTuple

import numpy as np
from skorch import NeuralNet
from skorch.callbacks import Callback

from skgex._nets.epoch_reader import EpochReader
from skgex._nets.skorch_adapter import learning_rate_of
from skgex._nets.snapshot import TrainedNet, Weights
from skgex._nets.training import train_watched

# Weights of all epochs are kept up to this; beyond it they are thinned out, to no
# fewer than ten evenly spaced ones.
MAX_BYTES = 2**30
MIN_CHECKPOINTS = 10


class Trajectory(NamedTuple):
    """What a net was during its training.

    Attributes
    ----------
    trained : TrainedNet
        The net after its training; not the last checkpoint where a callback restores
        the best one.
    checkpoints : list of dict
        Weights after the epochs ``epochs``, of which the last is always one.
    lrs : list of float
        Learning rate in each of these epochs: that of the optimizer's first parameter
        group in the epoch's last step, nan if it has none.
    epochs : list of int
        Counted from 1.
    outputs : ndarray of shape (n_epochs, n_samples, ...) or None
        What the module gives for each sample after each epoch, in evaluation mode,
        before any nonlinearity of the net's ``predict_proba``. None if not kept.
    losses : ndarray of shape (n_epochs, n_samples)
        Loss of each sample after each epoch, in evaluation mode.
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
            How many, at least 1; fewer are given where there are fewer.

        Returns
        -------
        positions : list of int
            In ``checkpoints``, rising; the last one is always among them.
        """
        first = np.searchsorted(self.epochs, self.epochs[-1] / 2, side="right")
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

    The weights are the very same: the record draws no random numbers of the training.

    Parameters
    ----------
    net : NeuralNet
        With iterators and callbacks of its own; all of them run.
    X : ndarray of shape (n_samples, ...) or torch Dataset
        Samples in the dtype of the net.
    y : ndarray of shape (n_samples, ...) or None
        Targets as the net takes them.
    seed : int
        All that is random follows from it.
    keep_outputs : bool
        Keep the outputs of all samples after all epochs.
    max_bytes : int
        How much of checkpoints to keep; those of every second, fourth, ... epoch where
        all are more than that.

    Returns
    -------
    trajectory : Trajectory

    Raises
    ------
    ValueError
        If the net is trained for no epoch, or its training diverges.
    """
    recorder = _Recorder(X, y, keep_outputs, max_bytes)
    trained = train_watched(net, X, y, seed, recorder)
    parts = (value for part in trained.weights.values() for value in part.values())
    if not all(np.isfinite(value).all() for value in parts):
        raise ValueError("net: its training diverged; lower its lr.")
    return recorder.trajectory(trained)


class _Recorder(Callback):
    """Record the weights, and what they say of samples, after each epoch."""

    def __init__(self, X: Any, y: Any, keep_outputs: bool, max_bytes: int):
        self.reader = EpochReader(X, y, raw=True)
        self.keep_outputs = keep_outputs
        self.max_bytes = max_bytes
        self.outputs: list[np.ndarray] = []
        self.losses: list[np.ndarray] = []
        self.kept: list[tuple[int, float, Weights]] = []
        self.stride = 1

    def on_epoch_end(self, net: NeuralNet, *args: Any, **kwargs: Any) -> None:
        """Read the net, and keep what is asked for."""
        weights, evaluation = self.reader.read(net)
        self.losses.append(evaluation.losses)
        if self.keep_outputs:
            self.outputs.append(evaluation.outputs)
        self._keep(len(self.losses), learning_rate_of(net), weights)

    def trajectory(self, trained: TrainedNet) -> Trajectory:
        """Return the record of a training that is over."""
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
        """Keep the newest weights, and of the older ones each ``stride``-th."""
        size = sum(value.nbytes for part in weights.values() for value in part.values())
        capacity = max(2 * MIN_CHECKPOINTS, self.max_bytes // max(size, 1))
        if self.kept and self.kept[-1][0] % self.stride:
            self.kept.pop()
        if len(self.kept) == capacity:
            self.kept = self.kept[1::2]
            self.stride *= 2
        self.kept.append((epoch, lr, weights))
