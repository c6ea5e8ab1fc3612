"""Training of nets, and trials: nets trained on some rows and tested on the others."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from skorch import NeuralNet
from skorch.callbacks import Callback

from skgex._data.records import take
from skgex._nets.broken_net import check_weights
from skgex._nets.snapshot import TrainedNet, Weights, load_weights, snapshot
from skgex._utils.random import seeded

# Share of the rows that a trial holds out. Half, because the other half of the cost of
# one training is spent on what is tried on the trial, and because small differences
# need many held-out rows.
HELD_OUT = 0.5


class Trial(NamedTuple):
    """A net trained on part of the rows, to be tested on the others.

    Attributes
    ----------
    trained : TrainedNet
    seen : ndarray of int
        The rows that it was trained on.
    held_out : ndarray of int
        The others.
    """

    trained: TrainedNet
    seen: np.ndarray
    held_out: np.ndarray


def train(net: NeuralNet, X: Any, y: Any, seed: int) -> TrainedNet:
    """Fit a clone of ``net``, from newly initialised weights."""
    with seeded(seed):
        trained = snapshot(clone(net).fit(X, y))
    check_weights(trained, X, y)
    return trained


def train_watched(
    net: NeuralNet, X: Any, y: Any, seed: int, watch: Callback
) -> TrainedNet:
    """Fit as :func:`train` does, with one more callback.

    It runs before the net's own callbacks, one of which may stop the training or
    change the learning rate.
    """
    with seeded(seed):
        fresh = clone(net).initialize()
        fresh.callbacks_.insert(0, ("watch", watch))
        return snapshot(fresh.partial_fit(X, y))


def train_further(
    net: NeuralNet, weights: Weights, X: Any, y: Any, seed: int
) -> TrainedNet:
    """Fit a clone of ``net`` that starts from given weights."""
    with seeded(seed):
        fresh = clone(net).initialize()
        load_weights(fresh, weights)
        return snapshot(fresh.partial_fit(X, y))


def make_trial(
    net: NeuralNet, X: Any, y: Any, strata: np.ndarray | None, seed: int
) -> Trial:
    """Train a clone on half of the rows, as the net is trained on all of them."""
    seen, held_out = split(len(X), strata, HELD_OUT, seed)
    return Trial(train(net, *take(X, y, seen), seed), seen, held_out)


def split(
    n_samples: int, strata: np.ndarray | None, held_out: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random, stratified if each stratum is large enough.

    Parameters
    ----------
    n_samples : int
    strata : ndarray of shape (n_samples,) or None
        The classes of the rows; None where they have none.
    held_out : float in (0, 1)
        Share of the rows to hold out.
    seed : int

    Returns
    -------
    seen, held_out : ndarray of int
    """
    n_held_out = max(1, int(held_out * n_samples))
    splitter, groups = ShuffleSplit, np.zeros(n_samples)
    if strata is not None:
        sizes = np.unique(strata, return_counts=True)[1]
        if sizes.min() >= 2 and len(sizes) <= min(n_held_out, n_samples - n_held_out):
            splitter, groups = StratifiedShuffleSplit, strata
    rows = splitter(n_splits=1, test_size=n_held_out, random_state=seed)
    return next(rows.split(groups, groups))
