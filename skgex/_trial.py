"""Trainings on half of the rows, which the others judge."""

from typing import Any

import numpy as np
from skorch import NeuralNet
from skorch.callbacks import Callback

from skgex._evaluation import evaluate
from skgex._net import Trial, revive, snapshot, split, take, train, train_watched
from skgex._random import seeded

# Half, because the other half of the cost of one training is for what is tried on the
# trial, and because many held-out rows tell such things apart.
HELD_OUT = 0.5


def make_trial(
    net: NeuralNet, X: Any, y: Any, strata: np.ndarray | None, seed: int
) -> Trial:
    """Train a clone on half of the rows, as the net is trained on all."""
    seen, held_out = split(len(X), strata, HELD_OUT, seed)
    return Trial(train(net, *take(X, y, seen), seed), seen, held_out)


def make_stopped_trial(
    net: NeuralNet, X: Any, y: Any, strata: np.ndarray | None, seed: int
) -> tuple[Trial, int]:
    """Train as :func:`make_trial` does, and go back to the epoch to stop at.

    That is the first one which no later one surpasses: whose mean held-out loss is not
    undercut by more than one standard error of the paired difference. Labels held out
    are as noisy as the others, so that the loss rises once wrong ones are memorised.

    Returns
    -------
    trial : Trial
        With the weights of that epoch, and the record of all.
    n_epochs : int
        Number of that epoch, from 1.
    """
    seen, held_out = split(len(X), strata, HELD_OUT, seed)
    watch = _Watch(*take(X, y, held_out))
    trained = train_watched(net, *take(X, y, seen), seed, watch)
    stopped = trained._replace(weights=watch.weights)
    return Trial(stopped, seen, held_out), watch.n_epochs


class _Watch(Callback):
    """Keep the weights of the best epoch, judged by rows that are not trained on."""

    def __init__(self, X: Any, y: Any):
        self.X, self.y = X, y
        self.losses: np.ndarray | None = None

    def on_epoch_end(self, net: NeuralNet, **kwargs: Any) -> None:
        """Compare the losses of the held-out rows with the best ones."""
        present = snapshot(net)
        with seeded(0):  # and in a net of its own, lest the training notice
            losses = evaluate(revive(present), self.X, self.y).losses
        losses = losses.astype(np.float64)
        if self.losses is None or _surpasses(losses, self.losses):
            self.losses, self.weights = losses, present.weights
            self.n_epochs = len(net.history)


def _surpasses(losses: np.ndarray, best: np.ndarray) -> bool:
    """Return whether losses are lower by more than a standard error."""
    if not (np.isfinite(losses).all() and np.isfinite(best).all()):
        return bool(np.isfinite(losses).all())
    gains = best - losses
    return bool(gains.mean() > gains.std() / np.sqrt(len(gains)))
