"""Training of nets, and trials: nets trained on some rows and tested on the others."""

from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from skorch import NeuralNet
from skorch.callbacks import Callback

from skgex._data.groups import GroupedStrata, Strata, split_groups
from skgex._nets.broken_net import check_weights
from skgex._nets.epoch_progress import announcing_epochs
from skgex._nets.fit_loop import letting_interrupts_through
from skgex._nets.parts import loading
from skgex._nets.resumption import resuming
from skgex._nets.skorch_adapter import own_checkpoints, shape_like
from skgex._nets.snapshot import TrainedNet, load_weights, snapshot
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


def train(
    net: NeuralNet, X: Any, y: Any, seed: int, rows: np.ndarray | None = None
) -> TrainedNet:
    """Fit a clone of ``net`` to some rows, from newly initialised weights."""
    with seeded(seed):
        trained = _fit(clone(net), X, y, rows)
    check_weights(trained, X, y)
    return trained


def train_watched(
    net: NeuralNet,
    X: Any,
    y: Any,
    seed: int,
    watch: Callback,
    rows: np.ndarray | None = None,
) -> TrainedNet:
    """Fit as :func:`train` does, with one more callback.

    It runs before the net's own callbacks, one of which may stop the training or
    change the learning rate.
    """
    with seeded(seed):
        fresh = clone(net).initialize()
        fresh.callbacks_.insert(0, ("watch", watch))
        return _fit(fresh, X, y, rows)


def train_further(
    net: NeuralNet, start: TrainedNet, X: Any, y: Any, seed: int, rows: np.ndarray
) -> TrainedNet:
    """Fit a clone of ``net`` that starts from the weights of a trained one."""
    with seeded(seed):
        fresh = clone(net)
        shape_like(fresh, start.net)
        load_weights(fresh.initialize(), start.weights)
        return _fit(fresh, X, y, rows)


def _fit(net: NeuralNet, X: Any, y: Any, rows: np.ndarray | None) -> TrainedNet:
    """Fit a net to some rows in place; one that is initialised goes on from there."""
    # What a user wants to find in files is the net that is trained on all rows.
    checkpoints = nullcontext() if rows is None else own_checkpoints(net)
    with (
        announcing_epochs(net),
        checkpoints,
        loading(net, X, y, rows) as part,
        letting_interrupts_through(net),
        resuming(net),
    ):
        fit = net.partial_fit if net.initialized_ else net.fit
        fit(*part)
    return snapshot(net)


def make_trial(net: NeuralNet, X: Any, y: Any, strata: Strata, seed: int) -> Trial:
    """Train a clone on half of the rows, as the net is trained on all of them."""
    seen, held_out = split(len(X), strata, HELD_OUT, seed)
    return Trial(train(net, X, y, seed, seen), seen, held_out)


def split(
    n_samples: int, strata: Strata, held_out: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random, stratified if each stratum is large enough.

    Parameters
    ----------
    n_samples : int
    strata : ndarray of shape (n_samples,), GroupedStrata or None
        The classes of the rows; None where they have none. Groups are not divided, so
        that the share may be missed.
    held_out : float in (0, 1)
        Share of the rows to hold out.
    seed : int

    Returns
    -------
    seen, held_out : ndarray of int
    """
    if isinstance(strata, GroupedStrata):
        return split_groups(strata, held_out, seed)
    n_held_out = max(1, int(held_out * n_samples))
    splitter, groups = ShuffleSplit, np.zeros(n_samples)
    if strata is not None:
        sizes = np.unique(strata, return_counts=True)[1]
        if sizes.min() >= 2 and len(sizes) <= min(n_held_out, n_samples - n_held_out):
            splitter, groups = StratifiedShuffleSplit, strata
    rows = splitter(n_splits=1, test_size=n_held_out, random_state=seed)
    return next(rows.split(groups, groups))
