"""Which default net to train: the one that predicts held-out labels best.

Held-out labels are as noisy as the others, but no net can predict that noise, so that
the net that makes them likeliest knows most of the true ones.
"""

from typing import Any, NamedTuple

import numpy as np
from skorch import NeuralNet

from skgex._data.groups import Strata
from skgex._data.records import take
from skgex._nets.default_net import make_default_nets
from skgex._nets.early_stopping import beats, stop_default_net
from skgex._nets.evaluation import evaluate
from skgex._nets.snapshot import revive
from skgex._nets.training import Trial
from skgex._utils.progress import steps
from skgex._utils.random import seeded


class NetChoice(NamedTuple):
    """The chosen default net.

    Attributes
    ----------
    net : NeuralNet
        Unfitted.
    trial : Trial
        With the weights of the best epoch.
    n_epochs : int
        Number of that epoch, from 1.
    """

    net: NeuralNet
    trial: Trial
    n_epochs: int


def choose_default_net(
    X: Any, y: np.ndarray, n_classes: int, strata: Strata, seed: int
) -> NetChoice:
    """Return the first default net that no later one beats on held-out labels.

    Another net has to beat it by more than one standard error of the paired difference
    of the losses. All are trained on the same rows.

    Parameters
    ----------
    X : ndarray or SparseRows of shape (n_samples, ...), dtype=float32
    y : ndarray of shape (n_samples,), dtype=int64
        Codes of the labels as given.
    n_classes : int
    strata : ndarray of shape (n_samples,) or GroupedStrata
        By which rows are held out.
    seed : int
        Of the split and of each training.

    Returns
    -------
    choice : NetChoice
    """
    first, *others = make_default_nets(X, n_classes)
    with steps("nets", 1 + len(others)) as reach:
        best = NetChoice(first, *stop_default_net(first, X, y, strata, seed))
        losses = _held_out_losses(best.trial, X, y) if others else np.empty(0)
        for done, net in enumerate(others, 1):
            reach(done)
            stopped = stop_default_net(net, X, y, strata, seed, goal=losses.mean())
            found = _held_out_losses(stopped[0], X, y)
            if beats(found, losses):
                best, losses = NetChoice(net, *stopped), found
    return best


def _held_out_losses(trial: Trial, X: Any, y: np.ndarray) -> np.ndarray:
    """Return the losses of the held-out rows in nats, in float64."""
    with seeded(0):
        evaluation = evaluate(revive(trial.trained), *take(X, y, trial.held_out))
    return evaluation.losses.astype(np.float64)
