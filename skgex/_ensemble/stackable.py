"""Which nets can have their members trained as one program, and gain by it.

One program gives the members of a loop over single members only if the net does nothing
that :func:`torch.func.vmap` cannot see or repeat. The net's class, its modules and its
data are looked at first, which is cheap. Then two members are tried on two rows.
"""

import pickle
import random
import warnings
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import Dataset
from torch.overrides import TorchFunctionMode

from skgex._data.sparse_rows import SparseRows
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
from skgex._nets.snapshot import TrainedNet, Weights, revive
from skgex._utils.grad_mode import gradients_enabled
from skgex._utils.random import seeded

# Beyond this number of parameters, most of a step is spent on matrix products, which
# are not faster if they are stacked (benchmarks/speed.py).
MAX_PARAMETERS = 40_000

# The predictions of all rows by a group are held at once, up to this many numbers.
MAX_OUTPUTS = 2**26

_UNFIT = (
    # Its running statistics change in a forward pass, without a gradient.
    torch.nn.modules.batchnorm._BatchNorm,
    # These run slower if they are stacked.
    torch.nn.modules.conv._ConvNd,
    torch.nn.RNNBase,
)

# One step that does not move the weights.
_STANDING = FineTuning(n_steps=1, lr=0.0, momentum=0.0, schedule="cosine")

# A net that overrides one of these draws batches, or evaluates rows, in its own way,
# which one program for all members would bypass.
_OWN = ("get_iterator", "get_dataset", "evaluation_step")


def can_batch(
    trained: TrainedNet, X: Any, y: Any, other: Weights | None = None
) -> bool:
    """Return whether members can be stacked, and gain by it.

    It looks at the net and tries two members on two rows. It measures no time, so that
    equal calls always return the same.

    Parameters
    ----------
    trained : TrainedNet
    X : ndarray of shape (n_samples, ...) or Dataset
    y : ndarray of shape (n_samples, ...) or None
        Targets as the net takes them.
    other : dict or None
        Weights that are to be stacked with those of θ*, if members start from both.
    """
    with gradients_enabled():  # or a query under ``no_grad`` would be refused here
        return _can_batch(trained, X, y) and _can_stack(trained, other)


def _can_stack(trained: TrainedNet, other: Weights | None) -> bool:
    """Return whether other weights differ from those of θ* only in what is trained.

    Each net has its own weights, but all that is stacked shares buffers, and parameters
    that are not trained.
    """
    if other is None:
        return True
    stacked = Stacked(revive(trained), [trained.weights, other])
    return all(
        np.array_equal(kept[name][key], value, equal_nan=value.dtype.kind == "f")
        for kept, given in zip(stacked.weights(), [trained.weights, other], strict=True)
        for name in given
        for key, value in given[name].items()
    )


def _can_batch(trained: TrainedNet, X: Any, y: Any) -> bool:
    net = revive(trained)
    if not (_is_plain(net) and _is_light(net)):
        return False
    dataset = net.get_dataset(X, y)
    if not _holds_arrays(net, dataset):
        return False
    with warnings.catch_warnings():
        # torch warns if an operation has no vmap of its own and becomes a slow loop.
        warnings.simplefilter("error")
        try:
            n_outputs = _try(net, trained, dataset)
        except Exception:  # a user's module may raise anything; one by one always works
            return False
    return n_outputs * len(X) * GROUP_SIZE <= MAX_OUTPUTS


def _is_plain(net: NeuralNet) -> bool:
    """Return whether the net trains, evaluates and draws batches as skorch's own."""
    return has_plain_step(net) and all(
        getattr(type(net), name) is getattr(NeuralNet, name) for name in _OWN
    )


def _is_light(net: NeuralNet) -> bool:
    """Return whether stacked members are likely to be faster than single ones."""
    module = NetModule(net)
    n_parameters = sum(p.numel() for p in module.trainable().values())
    return (
        # Without a ``reduction``, the criterion is called with each row alone.
        not is_row_by_row(net)
        and not any(isinstance(part, _UNFIT) for part in module.modules())
        and 0 < n_parameters <= MAX_PARAMETERS
    )


def _holds_arrays(net: NeuralNet, dataset: Any) -> bool:
    """Return whether each batch is no more than some rows of two arrays.

    Only then can the row numbers be drawn first, and the rows of all members be read
    together. A y of None is left out: :func:`rows_of` reads targets.
    """
    loaders = [net.get_iterator(dataset, training=t) for t in (True, False)]
    return (
        type(dataset) is Dataset
        and isinstance(dataset.X, (np.ndarray, SparseRows))
        and isinstance(dataset.y, np.ndarray)
        and all(can_slice(loader, dataset) for loader in loaders)
    )


def _try(net: NeuralNet, trained: TrainedNet, dataset: Dataset) -> int:
    """Train and evaluate two members on two rows.

    Returns
    -------
    n_outputs : int
        How many numbers the prediction of a row has.

    Raises
    ------
    Exception
        Of any kind, if the members cannot be stacked.
    """
    members = Stacked(net, [trained.weights] * 2)
    rows = np.array([0, len(dataset) - 1])
    with seeded(0):
        before = _state(net)
        # The net's own backward pass, to compare the stacked gradients with.
        with _FullPrecision():
            batch_loss(net, *rows_of(dataset, rows)).backward()
        fine_tune_group(members, dataset, [[rows]] * 2, _STANDING)
        set_training(net, False)
        losses, outputs = members.answers(*rows_of(dataset, rows))
        set_training(net, True)
        leaves_no_trace = before == _state(net)
    if losses.shape != (2, 2) or outputs.shape[:2] != (2, 2):
        # A prediction of the whole batch.
        raise ValueError("There is not one loss and one prediction per row.")
    if not leaves_no_trace:
        # Dropout, a counter or a cache: stacked members would share one draw or state.
        raise ValueError("A forward pass draws random numbers, or changes its module.")
    if not all(_agree(*pair) for pair in members.gradients()):
        # A module that reads its parameters by another way than its attributes does not
        # get the stacked ones.
        raise ValueError("Stacked gradients are not those of the net.")
    return outputs[0, 0].numel()


class _FullPrecision(TorchFunctionMode):
    """Raises an error under autocast, which vmap applies to some operations only."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if any(map(torch.is_autocast_enabled, ("cpu", "cuda"))):
            raise ValueError("The module computes under autocast.")
        return func(*args, **(kwargs or {}))


def _state(net: NeuralNet) -> bytes:
    """Return all that stacked members would share: modules and global generators."""
    drawn = random.getstate(), np.random.get_state(), torch.get_rng_state().tolist()
    set_training(net, True)
    return pickle.dumps((dict(named_modules(net)), drawn))


def _agree(parameter: torch.nn.Parameter, stacked: torch.Tensor | None) -> bool:
    """Return whether a stacked gradient is that of the net's own backward pass."""
    if parameter.grad is None:
        return stacked is None or not stacked.any()
    if stacked is None:
        return False
    return bool((stacked - parameter.grad).norm() <= 0.01 * stacked.norm())
