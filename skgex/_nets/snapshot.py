"""A trained net as data that can travel: an unfitted net and its weights as arrays.

A net that was fitted is never changed, cloned with its weights or sent to another
process. A :class:`TrainedNet` is, and :func:`revive` makes a net to work with from it.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import clone
from skorch import NeuralNet

from skgex._nets.skorch_adapter import (
    epochs_of,
    evaluate_in_order,
    named_modules,
    shape_for,
    shuffle_training,
)
from skgex._utils.random import seeded

# State of each module and criterion: arrays by name, by skorch's name of the module.
Weights = dict[str, dict[str, np.ndarray]]


class TrainedNet(NamedTuple):
    """A trained net as data.

    Attributes
    ----------
    net : NeuralNet
        Unfitted; it makes no validation split and runs no callbacks.
    weights : dict of dict of ndarray
        State of each module and criterion, by name.
    fixed : frozenset of str
        Names of the parameters that were not trained (``requires_grad=False``).
    history : list of dict
        skorch's record of the epochs.
    """

    net: NeuralNet
    weights: Weights
    fixed: frozenset[str]
    history: list[dict]


def snapshot(net: NeuralNet) -> TrainedNet:
    """Copy the weights of a fitted net."""
    recipe = clone(net)
    recipe.set_params(train_split=None, verbose=0)
    if recipe.callbacks != "disable":  # skorch raises if it is set twice
        recipe.set_params(callbacks="disable")
    shuffle_training(recipe)
    evaluate_in_order(recipe)
    recipe = clone(recipe)  # drops callbacks that set_params has instantiated
    fixed = {name for name, p in net.get_all_learnable_params() if not p.requires_grad}
    return TrainedNet(recipe, weights_of(net), frozenset(fixed), epochs_of(net))


def revive(trained: TrainedNet) -> NeuralNet:
    """Make a new initialised net with the trained weights; it may be changed."""
    net = clone(trained.net)
    with seeded(0):
        net.initialize()
    load_weights(net, trained.weights)
    for name, parameter in net.get_all_learnable_params():
        parameter.requires_grad_(name not in trained.fixed)
    net.history.extend(trained.history)
    return net


def initialised(net: NeuralNet, X: Any = None, y: Any = None) -> NeuralNet:
    """Return an initialised, untrained clone of a net.

    With samples, its callbacks shape the module for them, as in a training.
    """
    with seeded(0):
        fresh = clone(net).set_params(verbose=0)
        evaluate_in_order(fresh)
        fresh.initialize()
        if X is not None:
            shape_for(fresh, X, y)
        return fresh


def n_training_steps(trained: TrainedNet) -> int:
    """Return how many mini-batches the net was trained on, 0 if it is not recorded."""
    return sum(epoch.get("train_batch_count", 0) for epoch in trained.history)


def weights_of(net: NeuralNet) -> Weights:
    """Copy the state of all modules and criteria to arrays."""
    return {
        name: {key: to_array(value) for key, value in module.state_dict().items()}
        for name, module in named_modules(net)
    }


def load_weights(net: NeuralNet, weights: Weights) -> None:
    """Load copied weights into an initialised net, in place."""
    for name, module in named_modules(net):
        module.load_state_dict(
            {key: torch.tensor(value) for key, value in weights[name].items()}
        )


def dtype_of(net: NeuralNet) -> np.dtype:
    """Return the floating dtype that an initialised net computes in."""
    for _, parameter in net.get_all_learnable_params():
        if parameter.is_floating_point():
            return to_array(torch.empty(0, dtype=parameter.dtype)).dtype
    return np.dtype(np.float32)


def to_array(tensor: torch.Tensor) -> np.ndarray:
    """Copy a tensor to an array; bfloat16, which NumPy does not know, as float32."""
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return tensor.numpy().copy()
