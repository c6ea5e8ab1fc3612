"""For how many epochs to train: until the loss of held-out labels rises.

Held-out labels are as noisy as the others, so their loss rises once a net begins to
memorise wrong ones. There are two rules, because they decide on different things.

The default net is ours, so its training may be as long as it takes: it stops once the
loss has not fallen for some epochs, and is cheap enough to be trained on 80 % of the
rows, which is close to the final training.

A net that is given has its own number of epochs, schedule and callbacks, which a
shorter training would change. So its trial runs to the end, on half of the rows (the
other half of the budget is spent on the learning rate), and the epoch is chosen
afterwards: by a paired test, since on few rows the lowest mean loss is mostly luck.
"""

from typing import Any

import numpy as np
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping
from skorch.dataset import Dataset
from skorch.helper import predefined_split

from skgex._data.groups import Strata
from skgex._data.records import take
from skgex._nets.epoch_reader import EpochReader, EpochWatch
from skgex._nets.snapshot import Weights
from skgex._nets.training import HELD_OUT, Trial, split, train, train_watched

# The default net holds out this share of the rows,
DEFAULT_HELD_OUT = 0.2
# is trained until the held-out loss has not fallen for this number of epochs,
PATIENCE = 5
# and no longer than this.
MAX_EPOCHS = 200


def stop_default_net(
    net: NeuralNet,
    X: Any,
    y: np.ndarray,
    strata: Strata,
    seed: int,
    goal: float = np.inf,
) -> tuple[Trial, int]:
    """Train a default net on most rows for as long as the held-out loss falls.

    Parameters
    ----------
    net, X, y, strata, seed
        As for :func:`stop_given_net`.
    goal : float, default=inf
        Stop once the mean held-out loss, in nats, is unlikely to fall to this.

    Returns
    -------
    trial : Trial
        With the weights of the best epoch.
    n_epochs : int
        Number of the best epoch, from 1.
    """
    seen, held_out = split(len(X), strata, DEFAULT_HELD_OUT, seed)
    watched = clone(net).set_params(
        max_epochs=MAX_EPOCHS,
        train_split=predefined_split(Dataset(X[held_out], y[held_out])),
        callbacks=[
            EarlyStopping(patience=PATIENCE, load_best=True, sink=_silent),
            _OutOfReach(goal),
        ],
    )
    trained = train(watched, X, y, seed, seen)
    losses = [epoch["valid_loss"] for epoch in trained.history]
    return Trial(trained, seen, held_out), int(np.nanargmin(losses)) + 1


def stop_given_net(
    net: NeuralNet, X: Any, y: Any, strata: Strata, seed: int
) -> tuple[Trial, int]:
    """Train a net on half of the rows to its end, and return to the best epoch.

    The best epoch is the first that no later one beats: whose mean held-out loss no
    later epoch undercuts by more than one standard error of the paired difference.

    Returns
    -------
    trial : Trial
        With the weights of that epoch, and the record of all.
    n_epochs : int
        Number of that epoch, from 1.
    """
    seen, held_out = split(len(X), strata, HELD_OUT, seed)
    watch = _BestEpoch(*take(X, y, held_out))
    trained = train_watched(net, X, y, seed, watch, seen)
    stopped = trained._replace(weights=watch.weights)
    return Trial(stopped, seen, held_out), watch.n_epochs


def beats(losses: np.ndarray, best: np.ndarray) -> bool:
    """Return whether losses are lower than those of the best by a standard error.

    Parameters
    ----------
    losses, best : ndarray of shape (n_samples,), dtype=float64
        Of the same held-out rows, in nats.
    """
    if not (np.isfinite(losses).all() and np.isfinite(best).all()):
        return bool(np.isfinite(losses).all())
    gains = best - losses
    return bool(gains.mean() > gains.std() / np.sqrt(len(gains)))


class _OutOfReach(Callback):
    """Stop if the held-out loss would miss a goal even by falling as much again.

    As much as in the second half of the epochs so far: losses fall by less and less.
    """

    def __init__(self, goal: float):
        self.goal = goal

    def on_epoch_end(self, net: NeuralNet, *args: Any, **kwargs: Any) -> None:
        """Compare the loss with that at half of the epochs."""
        n_epochs = len(net.history)
        if n_epochs < PATIENCE:
            return
        loss, before = (net.history[i, "valid_loss"] for i in (-1, n_epochs // 2 - 1))
        if loss - (before - loss) > self.goal:
            raise KeyboardInterrupt


class _BestEpoch(EpochWatch):
    """Keep the weights of the best epoch, by the loss of held-out rows."""

    weights: Weights

    def __init__(self, X: Any, y: Any):
        super().__init__(EpochReader(X, y))
        self.losses: np.ndarray | None = None
        self.n_epochs = 0

    def on_epoch_end(self, net: NeuralNet, *args: Any, **kwargs: Any) -> None:
        """Compare the losses of the held-out rows with those of the best epoch."""
        weights, evaluation = self.reader.read(net)
        losses = evaluation.losses.astype(np.float64)
        if self.losses is None or beats(losses, self.losses):
            self.losses, self.weights = losses, weights
            self.n_epochs = len(net.history)


def _silent(text: str) -> None:
    """Swallow what a callback would print."""
