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

    def losses(self, weighting: str) -> Iterator[tuple[SampleLosses, float]]:
        """Yield the loss function at each checkpoint, with what it counts.

        That is its learning rate for "lr", and for "equal" one over their number.
        """
        for weights, lr in zip(self.weights, self.lrs, strict=True):
            factor = lr if weighting == "lr" else 1 / len(self.weights)
            yield SampleLosses(self.trained, weights), factor


def choose_checkpoints(
    trajectory: Trajectory, n_checkpoints: int, weighting: str
) -> Checkpoints:
    """Choose checkpoints spread evenly over the second half of a training.

    Parameters
    ----------
    trajectory : Trajectory
    n_checkpoints : int
    weighting : {"lr", "equal"}
        What each checkpoint is to count by.

    Raises
    ------
    ValueError
        If checkpoints count by the learning rate, and the optimizer has none.
    """
    places = trajectory.late(n_checkpoints)
    lrs = [trajectory.lrs[place] for place in places]
    if weighting == "lr" and not np.isfinite(lrs).all():
        raise ValueError(
            "net: its optimizer has no learning rate, which TracIn needs; pass "
            "weighting='equal' to do without."
        )
    weights = [trajectory.checkpoints[place] for place in places]
    epochs = [trajectory.epochs[place] for place in places]
    return Checkpoints(trajectory.trained, weights, lrs, epochs)
