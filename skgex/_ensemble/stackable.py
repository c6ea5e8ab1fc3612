"""Which members can be trained as one program, and gain by it."""

import pickle
import random
import warnings
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import Dataset
from torch.overrides import TorchFunctionMode

from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.stacked import GROUP_SIZE, Stacked, fine_tune_group, rows_of
from skgex._nets.batches import can_slice
from skgex._nets.evaluation import batch_loss
from skgex._nets.functional import NetModule
from skgex._nets.skorch_adapter import (
    has_plain_step,
    is_row_by_row,
    named_modules,
    set_training,
)
from skgex._nets.snapshot import TrainedNet, revive
from skgex._utils.random import seeded

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

# One step that leads nowhere.
_STANDING = FineTuning(n_steps=1, lr=0.0, momentum=0.0, schedule="cosine")

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
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns where vmap is but a slow loop
        try:
            n_outputs = _try(net, trained, dataset)
        except Exception:  # whatever a user's module makes of it, the loop is right
            return False
    return n_outputs * len(X) * GROUP_SIZE <= MAX_OUTPUTS


def _is_plain(net: NeuralNet) -> bool:
    """Return whether the net trains and answers as skorch's own does."""
    return has_plain_step(net) and all(
        getattr(type(net), name) is getattr(NeuralNet, name) for name in _OWN
    )


def _is_light(net: NeuralNet) -> bool:
    """Return whether a look at the net finds nothing against stacking."""
    whole = NetModule(net)
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
        and all(can_slice(loader, dataset) for loader in loaders)
    )


def _try(net: NeuralNet, trained: TrainedNet, dataset: Dataset) -> int:
    """Train and ask two members with two rows; what speaks against stacking raises.

    Returns
    -------
    n_outputs : int
        Numbers that a prediction has.
    """
    members = Stacked(net, [trained.weights] * 2)
    rows = np.array([0, len(dataset) - 1])
    with seeded(0):
        before = _state(net)
        with _FullPrecision():
            batch_loss(net, *rows_of(dataset, rows)).backward()
        fine_tune_group(members, dataset, [[rows]] * 2, _STANDING)
        set_training(net, False)
        losses, outputs = members.answers(*rows_of(dataset, rows))
        set_training(net, True)
        leaves_no_trace = before == _state(net)
    if losses.shape != (2, 2) or outputs.shape[:2] != (2, 2):
        raise ValueError("There is not a loss and a prediction for each row.")
    if not leaves_no_trace:
        raise ValueError("A forward pass draws at random, or changes its module.")
    if not all(_agree(*pair) for pair in members.gradients()):
        raise ValueError("The parameters are not where the module says.")
    return outputs[0, 0].numel()


class _FullPrecision(TorchFunctionMode):
    """Refuses autocast, which reaches but some of the operations that vmap stacks."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if any(map(torch.is_autocast_enabled, ("cpu", "cuda"))):
            raise ValueError("The module computes under autocast.")
        return func(*args, **(kwargs or {}))


def _state(net: NeuralNet) -> bytes:
    """Take all that stacked members would share: modules, and global generators."""
    drawn = random.getstate(), np.random.get_state(), torch.get_rng_state().tolist()
    set_training(net, True)
    return pickle.dumps((dict(named_modules(net)), drawn))


def _agree(parameter: torch.nn.Parameter, stacked: torch.Tensor | None) -> bool:
    """Return whether a gradient is what the net's own backward pass gives."""
    if parameter.grad is None:
        return stacked is None or not stacked.any()
    return bool((stacked - parameter.grad).norm() <= 0.01 * stacked.norm())
