"""Which members can be trained as one program, and gain by it."""

import random
import warnings
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import Dataset

from skgex._default_net import SliceLoader
from skgex._net import TrainedNet, can_slice, is_row_by_row, revive, weights_of
from skgex._random import seeded
from skgex._whole import Whole
from skgex.ensemble._batched import GROUP_SIZE, Stacked, rows_of
from skgex.ensemble._member import has_plain_step

# Beyond so many parameters a step's time goes into the products themselves, which
# are no faster stacked (benchmarks/speed.py).
MAX_PARAMETERS = 40_000

# A group's predictions of all rows are held at once, up to so many numbers.
MAX_OUTPUTS = 2**26

# Modules that learn without a gradient, or run slower stacked than one by one.
_UNFIT = (
    torch.nn.modules.batchnorm._BatchNorm,
    torch.nn.modules.conv._ConvNd,
    torch.nn.RNNBase,
)

# What a net overrides to give its batches, or its answers, in a way of its own.
_OWN = ("get_iterator", "get_dataset", "evaluation_step")


def can_batch(trained: TrainedNet, X: Any, y: Any) -> bool:
    """Return whether members can be stacked, and gain by it.

    It looks at the net and tries two members on two rows; no clock is read, so that
    equal calls always get equal answers.
    """
    net = revive(trained)
    if not (_is_plain(net) and _is_light(net)):
        return False
    dataset = net.get_dataset(X, y)
    if not _holds_arrays(net, dataset):
        return False
    with seeded(0), warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns where vmap is but a slow loop
        try:
            n_outputs = _try(net, trained, dataset)
        except Exception:  # whatever a user's module makes of it, the loop is right
            return False
        drawn = _draw()
    with seeded(0):
        leaves_no_trace = drawn == _draw() and _equal(weights_of(net), trained.weights)
    return leaves_no_trace and n_outputs * len(X) * GROUP_SIZE <= MAX_OUTPUTS


def _is_plain(net: NeuralNet) -> bool:
    """Return whether the net trains and answers as skorch's own does."""
    return has_plain_step(net) and all(
        getattr(type(net), name) is getattr(NeuralNet, name) for name in _OWN
    )


def _is_light(net: NeuralNet) -> bool:
    """Return whether a look at the net finds nothing against stacking."""
    whole = Whole(net)
    n_parameters = sum(p.numel() for p in whole.trainable().values())
    return (
        not is_row_by_row(net)
        and not any(isinstance(part, _UNFIT) for part in whole.modules())
        and 0 < n_parameters <= MAX_PARAMETERS
    )


def _holds_arrays(net: NeuralNet, dataset: Any) -> bool:
    """Return whether batches are but rows of two arrays, in an order of their own."""
    loaders = [net.get_iterator(dataset, training=t) for t in (True, False)]
    return (
        type(dataset) is Dataset
        and all(isinstance(part, np.ndarray) for part in (dataset.X, dataset.y))
        and all(type(it) is SliceLoader or can_slice(it, dataset) for it in loaders)
    )


def _try(net: NeuralNet, trained: TrainedNet, dataset: Dataset) -> int:
    """Train and ask two members with two rows; whatever cannot be stacked raises.

    Returns
    -------
    n_outputs : int
        Numbers that a prediction has.
    """
    members = Stacked(net, [trained.weights] * 2)
    rows = np.zeros((2, 2), dtype=np.int64)
    members.backward(*rows_of(dataset, rows))
    losses, outputs = members.answers(*rows_of(dataset, rows[0]))
    if losses.shape != (2, 2) or outputs.shape[:2] != (2, 2):
        raise ValueError("The net does not give a loss and a prediction for each row.")
    return outputs[0, 0].numel()


def _draw() -> tuple[float, float, float]:
    """Draw from each global generator: stacked members cannot have their own."""
    return random.random(), np.random.random(), torch.rand(()).item()


def _equal(weights: dict, others: dict) -> bool:
    """Return whether nothing was changed, buffers included."""
    return all(
        value.tobytes() == others[root][name].tobytes()
        for root, values in weights.items()
        for name, value in values.items()
    )
