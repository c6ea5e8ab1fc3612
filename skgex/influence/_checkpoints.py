"""Checkpoints of a net's training, as TracIn uses them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from skgex._nets.sample_losses import SampleLosses
from skgex._nets.snapshot import TrainedNet, Weights
from skgex._nets.trajectory import Trajectory


class Checkpoints(NamedTuple):
    """A net after some epochs of its training.

    Attributes
    ----------
    trained : TrainedNet
        The net after its last epoch.
    weights : list of dict
        Weights of the net after each of the epochs.
    lrs : list of float
        Learning rate in each of the epochs.
    epochs : list of int
        Numbers of the epochs, counted from 1.
    """

    trained: TrainedNet
    weights: list[Weights]
    lrs: list[float]
    epochs: list[int]

    def losses(self) -> Iterator[tuple[SampleLosses, float]]:
        """Yield the loss function at each checkpoint, with its learning rate."""
        for weights, lr in zip(self.weights, self.lrs, strict=True):
            yield SampleLosses(self.trained, weights), lr


def choose_checkpoints(trajectory: Trajectory, n_checkpoints: int) -> Checkpoints:
    """Choose checkpoints spread evenly over the second half of a training.

    Raises
    ------
    ValueError
        If the optimizer has no learning rate.
    """
    places = trajectory.late(n_checkpoints)
    lrs = [trajectory.lrs[place] for place in places]
    if not np.isfinite(lrs).all():
        raise ValueError("net: its optimizer has no learning rate, which TracIn needs.")
    weights = [trajectory.checkpoints[place] for place in places]
    epochs = [trajectory.epochs[place] for place in places]
    return Checkpoints(trajectory.trained, weights, lrs, epochs)
