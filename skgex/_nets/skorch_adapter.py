"""What skgex takes from inside a skorch net: the only file with its private names."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from skorch import NeuralNet
from skorch.callbacks import Checkpoint, InputShapeSetter, TrainEndCheckpoint
from skorch.dataset import get_len, unpack_data
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Subset

from skgex._utils.grad_mode import gradients_enabled
from skgex._utils.random import seeded

# Overriding one of these gives a training step a meaning of its own.
_STEP_METHODS = (
    "train_step",
    "train_step_single",
    "get_train_step_accumulator",
    "on_grad_computed",
    "notify",
    "_zero_grad_optimizer",
    "_step_optimizer",
    "_set_training",
)

# Parameters with these prefixes say how a net is trained, and do not shape it.
_OF_TRAINING = ("iterator_train", "iterator_valid", "callbacks", "dataset", "optimizer")


def unwrap(net: NeuralNet | FrozenEstimator) -> tuple[NeuralNet, bool]:
    """Return the skorch net, and whether it was passed as a FrozenEstimator."""
    if isinstance(net, FrozenEstimator):
        return net.estimator, True
    return net, False


def named_modules(net: NeuralNet) -> Iterator[tuple[str, torch.nn.Module]]:
    """Yield all modules and criteria of an initialised net, by skorch's names."""
    for name in net._modules + net._criteria:
        module = getattr(net, name + "_")
        if isinstance(module, torch.nn.Module):
            yield name, module


def submodules(net: NeuralNet) -> Iterator[torch.nn.Module]:
    """Yield every module inside the modules and criteria of an initialised net."""
    for _, root in named_modules(net):
        yield from root.modules()


def set_training(net: NeuralNet, training: bool) -> None:
    """Put all modules and criteria into training or evaluation mode."""
    net._set_training(training)


def nonlinearity_of(net: NeuralNet) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what ``predict_proba`` applies to the module's output."""
    return net._get_predict_nonlinearity()


def optimizers_of(net: NeuralNet) -> list[Optimizer]:
    """Return the optimizers of an initialised net."""
    return [getattr(net, name + "_") for name in net._optimizers]


def learning_rate_of(net: NeuralNet) -> float:
    """Return the current rate of the first optimizer's first group; nan if none."""
    return float(optimizers_of(net)[0].param_groups[0].get("lr", np.nan))


def replace_optimizers(
    net: NeuralNet, make: Callable[[list[dict]], Optimizer]
) -> list[Optimizer]:
    """Hand the trainable parameters of every optimizer to a new one.

    Parameters
    ----------
    net : NeuralNet
        Initialised; changed in place.
    make : callable
        Makes an optimizer from parameter groups with their weight decay. A decoupled
        weight decay (AdamW) is dropped: it is not a term of the loss, but a part of
        that optimizer's step.

    Returns
    -------
    optimizers : list of Optimizer
        The new ones.
    """
    replaced = []
    for name, old in zip(net._optimizers, optimizers_of(net), strict=True):
        groups = [
            {
                "params": [p for p in group["params"] if p.requires_grad],
                "weight_decay": _coupled_decay(old, group),
            }
            for group in old.param_groups
        ]
        replaced.append(make([group for group in groups if group["params"]]))
        # Plain assignment would register a second optimizer with skorch.
        net.__dict__[name + "_"] = replaced[-1]
    return replaced


def has_plain_step(net: NeuralNet) -> bool:
    """Return whether a training step is no more than loss, gradient and descent."""
    return len(net._optimizers) == 1 and all(
        getattr(type(net), name) is getattr(NeuralNet, name) for name in _STEP_METHODS
    )


def train_batch(net: NeuralNet, batch: Any) -> None:
    """Train an initialised net on a batch as skorch does, with a record of it."""
    net.notify("on_batch_begin", batch=batch, training=True)
    step = net.train_step(batch)
    if not isinstance(step, dict):  # nothing to record
        step = {}
    if torch.is_tensor(step.get("loss")):
        net.history.record_batch("train_loss", step["loss"].item())
    net.history.record_batch("train_batch_size", get_len(unpack_data(batch)[0]))
    net.notify("on_batch_end", batch=batch, training=True, **step)


def holds_rows_out(net: NeuralNet) -> bool:
    """Return whether ``fit`` keeps part of the rows for validation."""
    return bool(net.train_split)


def takes_indices(net: NeuralNet) -> bool:
    """Return whether an initialised net looks integer inputs up in a table."""
    tables = (torch.nn.Embedding, torch.nn.EmbeddingBag)
    return any(isinstance(part, tables) for part in submodules(net))


def is_row_by_row(net: NeuralNet) -> bool:
    """Return whether the criterion of an initialised net has no ``reduction``."""
    return not hasattr(net.criterion_, "reduction")


def shuffle_training(net: NeuralNet) -> None:
    """Let the training iterator shuffle, unless the user chose an order."""
    params = net.get_params(deep=False)
    own_order = ("sampler", "batch_sampler", "shuffle")
    if net.iterator_train is DataLoader and not any(
        f"iterator_train__{name}" in params for name in own_order
    ):
        net.set_params(iterator_train__shuffle=True)


def evaluate_in_order(net: NeuralNet) -> None:
    """Let the validation iterator give each row once and in order."""
    plain = {"shuffle": False, "drop_last": False, "sampler": None}
    params = net.get_params(deep=False)
    for name, value in {**plain, "batch_sampler": None}.items():
        if params.get(f"iterator_valid__{name}"):
            net.set_params(**{f"iterator_valid__{name}": value})


def shape_for(net: NeuralNet, X: Any, y: Any) -> None:
    """Let callbacks shape the module of an initialised net, as a training begins.

    Those are ``InputShapeSetter`` and callbacks of the user's own. skorch's others do
    not shape a module, but open files or load weights.
    """
    if type(net).on_train_begin is not NeuralNet.on_train_begin:
        net.on_train_begin(net, X=X, y=y)
    for _, callback in net.callbacks_:
        method = type(callback).on_train_begin
        if isinstance(callback, InputShapeSetter) or not _is_of_skorch(method):
            callback.on_train_begin(net, X=X, y=y)


def shape_like(net: NeuralNet, other: NeuralNet) -> None:
    """Give an uninitialised net the shape that callbacks gave another one."""
    params = net.get_params(deep=False)
    net.set_params(
        **{
            name: value
            for name, value in other.get_params(deep=False).items()
            if isinstance(value, (int, str, tuple))
            and "__" in name
            and name.partition("__")[0] not in _OF_TRAINING
            and params.get(name) != value
        }
    )


def _is_of_skorch(method: Any) -> bool:
    return method.__module__.partition(".")[0] == "skorch"


@contextmanager
def own_checkpoints(net: NeuralNet) -> Iterator[None]:
    """Let the checkpoints of a net be written to a folder of their own, and removed.

    Several trainings with the same callback would read each other's files.
    """
    given = net.callbacks if isinstance(net.callbacks, (list, tuple)) else []
    callbacks = [each[-1] if isinstance(each, tuple) else each for each in given]
    callbacks += [each for _, each in getattr(net, "callbacks_", [])]
    writing = [each for each in callbacks if _writes_files(each)]
    if not writing:
        yield
        return
    with TemporaryDirectory() as folder:
        for callback in writing:
            callback.dirname = folder
            if isinstance(callback, TrainEndCheckpoint) and net.initialized_:
                callback.checkpoint_.dirname = folder
        yield


def _writes_files(callback: Any) -> bool:
    """Return whether a callback writes checkpoints to paths, not to open files."""
    return isinstance(callback, (Checkpoint, TrainEndCheckpoint)) and all(
        value is None or isinstance(value, str)
        for name, value in vars(callback).items()
        if name.startswith("f_")
    )


def is_single(batch: Any) -> bool:
    """Return whether a batch has a single row."""
    y = unpack_data(batch)[1]
    try:
        return bool((len(y) if torch.is_tensor(y) else get_len(y)) == 1)
    except (TypeError, ValueError):  # what a Dataset gives may have no length
        return False


def takes_single_row(net: NeuralNet, dataset: Any) -> bool:
    """Return whether a net can be trained on a batch of one row; batch norm cannot.

    Parameters
    ----------
    net : NeuralNet
        Initialised; its gradients change, and its module may count what it has seen.
    dataset : Dataset
        Of two rows. A net that cannot be asked for the loss of two is taken at its
        word.
    """

    def has_gradient(rows: list[int]) -> bool:
        loader = DataLoader(Subset(dataset, rows), batch_size=len(rows))
        try:
            X, y = unpack_data(next(iter(loader)))
            net.get_loss(net.infer(X), y, X=X, training=True).backward()
        except Exception:  # a user's module may raise anything
            return False
        return True

    with seeded(0), gradients_enabled():
        set_training(net, True)
        return len(dataset) < 2 or has_gradient([0]) or not has_gradient([0, 1])


def epochs_of(net: NeuralNet) -> list[dict[str, Any]]:
    """Return skorch's record of the epochs, without that of their batches."""
    return [
        {key: value for key, value in epoch.items() if key != "batches"}
        for epoch in net.history
    ]


def _coupled_decay(optimizer: Optimizer, group: dict) -> float:
    decoupled = isinstance(optimizer, torch.optim.AdamW) or group.get(
        "decoupled_weight_decay", False
    )
    return 0.0 if decoupled else group.get("weight_decay", 0.0)
