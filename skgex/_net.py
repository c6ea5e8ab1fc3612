"""What skgex knows of a skorch net: its parts, its weights, its training.

A net that was fitted is never changed, cloned with its weights or sent anywhere.
What travels, between processes too, is a :class:`TrainedNet`: the unfitted net and
its weights as arrays. :func:`revive` makes a net to work on from it.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from skorch import NeuralNet
from skorch.callbacks import Callback
from skorch.dataset import unpack_data
from skorch.utils import is_dataset
from torch.utils.data import DataLoader, Subset

from skgex._random import seeded

Weights = dict[str, dict[str, np.ndarray]]

# Batches over which batch-norm statistics are estimated anew (official code: 50).
BATCH_NORM_BATCHES = 50


class TrainedNet(NamedTuple):
    """A trained net as what travels: how to make it, and its weights.

    Attributes
    ----------
    net : NeuralNet
        Unfitted; makes no validation split and runs no callbacks.
    weights : dict of dict of ndarray
        State of each module and criterion, by name.
    fixed : frozenset of str
        Names of the parameters that were not trained (``requires_grad=False``).
    history : list of dict
        skorch's record of the training.
    """

    net: NeuralNet
    weights: Weights
    fixed: frozenset[str]
    history: list


class Trial(NamedTuple):
    """A net trained on part of the rows, to be judged by the others.

    Attributes
    ----------
    trained : TrainedNet
    seen : ndarray of int
        Rows that it was trained on.
    held_out : ndarray of int
        The others.
    """

    trained: TrainedNet
    seen: np.ndarray
    held_out: np.ndarray


def unwrap(net: NeuralNet | FrozenEstimator) -> tuple[NeuralNet, bool]:
    """Return the skorch net and whether it came frozen."""
    if isinstance(net, FrozenEstimator):
        return net.estimator, True
    return net, False


def take(X: Any, y: Any, rows: np.ndarray | None) -> tuple[Any, Any]:
    """Return some rows of arrays or of a Dataset; None stands for all."""
    if rows is None:
        return X, y
    if is_dataset(X):
        return Subset(X, rows), None
    return X[rows], None if y is None else y[rows]


def split(
    n_samples: int, strata: np.ndarray | None, held_out: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random, by strata where each is large enough for it.

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


def train(net: NeuralNet, X: Any, y: Any, seed: int) -> TrainedNet:
    """Fit a clone of ``net`` from its starting weights."""
    with seeded(seed):
        return snapshot(clone(net).fit(X, y))


def train_watched(
    net: NeuralNet, X: Any, y: Any, seed: int, watch: Callback
) -> TrainedNet:
    """Fit as :func:`train` does, with a callback besides the net's own.

    It comes before them: before one that stops the training or moves the rate.
    """
    with seeded(seed):
        working = clone(net).initialize()
        working.callbacks_.insert(0, ("watch", watch))
        working.warm_start = True  # fit goes on from here
        working.fit(X, y)
        working.warm_start = net.warm_start
    return snapshot(working)


def train_further(
    net: NeuralNet, weights: Weights, X: Any, y: Any, seed: int
) -> TrainedNet:
    """Fit a clone of ``net`` from given weights."""
    with seeded(seed):
        fresh = clone(net).initialize()
        load_weights(fresh, weights)
        return snapshot(fresh.partial_fit(X, y))


def snapshot(net: NeuralNet) -> TrainedNet:
    """Take the weights of a fitted net."""
    recipe = clone(net)
    recipe.set_params(train_split=None, verbose=0)
    if recipe.callbacks != "disable":  # which skorch cannot set twice
        recipe.set_params(callbacks="disable")
    _shuffle(recipe)
    recipe = clone(recipe)  # without callbacks made meanwhile, which need not travel
    fixed = {name for name, p in net.get_all_learnable_params() if not p.requires_grad}
    return TrainedNet(recipe, weights_of(net), frozenset(fixed), _epochs(net))


def initialised(net: NeuralNet) -> NeuralNet:
    """Make an untrained net from a recipe."""
    with seeded(0):
        return clone(net).set_params(verbose=0).initialize()


def n_training_steps(trained: TrainedNet) -> int:
    """Return how many mini-batches the net was trained on, 0 if it is not recorded."""
    return sum(epoch.get("train_batch_count", 0) for epoch in trained.history)


def revive(trained: TrainedNet) -> NeuralNet:
    """Make an initialised net with the trained weights, to do as one likes with."""
    net = clone(trained.net)
    with seeded(0):
        net.initialize()
    load_weights(net, trained.weights)
    for name, parameter in net.get_all_learnable_params():
        parameter.requires_grad_(name not in trained.fixed)
    net.history.extend(trained.history)
    return net


def deal(trained: TrainedNet, parts: Iterable) -> Iterator[tuple[TrainedNet, Any]]:
    """Yield parts of some work, each with a net on the device that is to do it.

    A net on "cuda", no matter which, is put on each such device in turn; one on a
    processor, or on the device of a number, stays where it is.
    """
    nets, device = [trained], trained.net.device
    if device is not None and torch.device(device) == torch.device("cuda"):
        names = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
        recipes = [clone(trained.net).set_params(device=name) for name in names]
        nets = [trained._replace(net=recipe) for recipe in recipes] or nets
    return zip(cycle(nets), parts, strict=False)


def weights_of(net: NeuralNet) -> Weights:
    """Copy the state of all modules and criteria to arrays."""
    return {
        name: {key: to_array(value) for key, value in module.state_dict().items()}
        for name, module in modules(net)
    }


def load_weights(net: NeuralNet, weights: Weights) -> None:
    """Put copied states back."""
    for name, module in modules(net):
        module.load_state_dict(
            {key: torch.tensor(value) for key, value in weights[name].items()}
        )


def dtype_of(net: NeuralNet) -> np.dtype:
    """Return the floating dtype that an initialised net computes in."""
    for _, parameter in net.get_all_learnable_params():
        if parameter.is_floating_point():
            return to_array(torch.empty(0, dtype=parameter.dtype)).dtype
    return np.dtype(np.float32)


def takes_indices(net: NeuralNet) -> bool:
    """Return whether an initialised net looks integer inputs up in a table."""
    tables = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    return any(
        isinstance(part, tables) for _, root in modules(net) for part in root.modules()
    )


def holds_rows_out(net: NeuralNet) -> bool:
    """Return whether ``fit`` keeps part of the rows for validation."""
    return bool(net.train_split)


def replace_optimizers(net: NeuralNet, make: Callable[[list[dict]], Any]) -> list:
    """Give every optimizer's trainable parameters to a new one, and return these.

    ``make`` gets parameter groups with their weight decay. A decoupled decay (AdamW)
    is no term of the loss but a pace of that optimizer, and is left behind with it.
    """
    fresh = []
    for name in net._optimizers:
        groups = [
            {
                "params": [p for p in group["params"] if p.requires_grad],
                "weight_decay": _coupled_decay(getattr(net, name + "_"), group),
            }
            for group in getattr(net, name + "_").param_groups
        ]
        fresh.append(make([group for group in groups if group["params"]]))
        net.__dict__[name + "_"] = fresh[-1]
    return fresh


def reestimate_batch_norm(net: NeuralNet, batches: Iterator[Any]) -> None:
    """Estimate running statistics anew, as means over batches, if there are any."""
    norms = _batch_norms(net)
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean over all batches
    net._set_training(True)
    with torch.no_grad():
        for _, batch in zip(range(BATCH_NORM_BATCHES), batches, strict=False):
            net.infer(unpack_data(batch)[0])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


def _epochs(net: NeuralNet) -> list[dict]:
    """Return skorch's record of the epochs, without that of their batches."""
    return [
        {key: value for key, value in epoch.items() if key != "batches"}
        for epoch in net.history
    ]


def modules(net: NeuralNet) -> Iterator[tuple[str, torch.nn.Module]]:
    for name in net._modules + net._criteria:
        module = getattr(net, name + "_")
        if isinstance(module, torch.nn.Module):
            yield name, module


def _batch_norms(net: NeuralNet) -> list[torch.nn.Module]:
    return [
        part
        for _, root in modules(net)
        for part in root.modules()
        if isinstance(part, torch.nn.modules.batchnorm._BatchNorm)
        and part.track_running_stats
    ]


def has_batch_norm(net: NeuralNet) -> bool:
    kind = torch.nn.modules.batchnorm._BatchNorm
    return any(isinstance(p, kind) for _, root in modules(net) for p in root.modules())


def _coupled_decay(optimizer: torch.optim.Optimizer, group: dict) -> float:
    decoupled = isinstance(optimizer, torch.optim.AdamW) or group.get(
        "decoupled_weight_decay", False
    )
    return 0.0 if decoupled else group.get("weight_decay", 0.0)


def _shuffle(net: NeuralNet) -> None:
    """Let the training iterator shuffle, unless the user chose an order himself.

    The validation iterator must give each row once and in order.
    """
    params = net.get_params(deep=False)
    own_order = ("sampler", "batch_sampler", "shuffle")
    if net.iterator_train is DataLoader and not any(
        f"iterator_train__{name}" in params for name in own_order
    ):
        net.set_params(iterator_train__shuffle=True)
    for name in ("shuffle", "drop_last"):
        if params.get(f"iterator_valid__{name}"):
            net.set_params(**{f"iterator_valid__{name}": False})


def to_array(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:  # unknown to numpy
        tensor = tensor.float()
    return tensor.numpy().copy()
