"""All that skgex knows of skorch's inside.

A net that was fitted is never changed, cloned with its weights or sent anywhere.
What travels, between processes too, is a :class:`TrainedNet`: the unfitted net and
its weights as arrays. :func:`revive` makes a net to work on from it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from skorch import NeuralNet
from skorch.dataset import Dataset, unpack_data
from skorch.utils import is_dataset
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    Subset,
    default_collate,
)

from skgex._random import seeded

Weights = dict[str, dict[str, np.ndarray]]

# Batches over which batch-norm statistics are estimated anew (official code: 50).
BATCH_NORM_BATCHES = 50

# Samplers that draw a whole pass when its first row is asked for.
_AT_ONCE = (RandomSampler, SequentialSampler)


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


class Evaluation(NamedTuple):
    """What a net says of samples.

    Attributes
    ----------
    losses : ndarray of shape (n_samples,)
        Loss of each sample, in nats for a likelihood's criterion.
    outputs : ndarray of shape (n_samples, ...)
        Predictions after the net's nonlinearity: probabilities, or values.
    targets : ndarray of shape (n_samples, ...)
        The targets as the net's dataset gave them.
    """

    losses: np.ndarray
    outputs: np.ndarray
    targets: np.ndarray


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


def weights_of(net: NeuralNet) -> Weights:
    """Copy the state of all modules and criteria to arrays."""
    return {
        name: {key: _to_array(value) for key, value in module.state_dict().items()}
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
            return _to_array(torch.empty(0, dtype=parameter.dtype)).dtype
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


def endless_batches(net: NeuralNet, X: Any, y: Any) -> Iterator[Any]:
    """Yield training batches, epoch after epoch."""
    dataset = net.get_dataset(X, y)
    alone = _has_batch_norm(net)  # which cannot learn from one row
    while True:
        n_batches = 0
        for batch in batches(net, dataset, training=True):
            if alone and len(unpack_data(batch)[1]) == 1:
                continue
            n_batches += 1
            yield batch
        if n_batches == 0:
            raise ValueError(
                "net: its training iterator gives no batch that can be trained on; "
                "lower its batch size or set iterator_train__drop_last=False."
            )


def steps_per_epoch(net: NeuralNet, X: Any, y: Any) -> int:
    """Return how many batches an initialised net's training iterator gives."""
    return len(net.get_iterator(net.get_dataset(X, y), training=True))


def targets_of(net: NeuralNet, dataset: Any) -> np.ndarray:
    """Read all targets that a Dataset holds, in order."""
    with seeded(0):
        parts = [_to_array(yi) for _, yi in batches(net, dataset, training=False)]
    return np.concatenate(parts)


def n_outputs(net: NeuralNet, X: Any) -> int | None:
    """Return the width of an initialised net's prediction; None if it has none.

    Raises
    ------
    ValueError
        If the net cannot take samples such as these.
    """
    dataset = net.get_dataset(X)
    with seeded(0):
        batch = next(batches(net, dataset, training=False))
        samples = unpack_data(batch)[0]
        try:
            output = net.evaluation_step(batch, training=False)
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            shape = getattr(samples, "shape", None)
            detail = f" (batch of shape {tuple(shape)})" if shape is not None else ""
            raise ValueError(f"X: the net cannot take it{detail}: {error}") from error
    prediction = net._get_predict_nonlinearity()(_first_of(output))
    return prediction.shape[1] if prediction.ndim > 1 else None


def check_loss(net: NeuralNet, X: Any, y: Any) -> None:
    """Take the loss of a few samples.

    Raises
    ------
    ValueError
        If the criterion cannot take outputs and targets such as these.
    """
    try:
        with seeded(0):
            evaluate(net, X, y)
    except (RuntimeError, TypeError, IndexError) as error:
        raise ValueError(f"y: the net's criterion cannot take it: {error}") from error


def batches(net: NeuralNet, dataset: Any, *, training: bool) -> Iterator[Any]:
    """Yield the batches of the net's own iterator.

    Arrays in skorch's own dataset are cut to whole batches at once, which gives the
    very batches that the loader would put together row by row.
    """
    loader = net.get_iterator(dataset, training=training)
    if not can_slice(loader, dataset):
        yield from loader
        return
    for rows in _rows_by_batch(loader):
        yield _rows_of(dataset.X, rows), _rows_of(dataset.y, rows)


def can_slice(loader: Any, dataset: Any) -> bool:
    """Return whether a loader does no more than put rows of arrays together."""
    return (
        type(loader) is DataLoader
        and loader.batch_sampler is not None
        and loader.collate_fn is default_collate
        and loader.num_workers == 0
        and type(dataset) is Dataset
        and isinstance(dataset.X, (np.ndarray, torch.Tensor))
        and (dataset.y is None or isinstance(dataset.y, (np.ndarray, torch.Tensor)))
    )


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


def evaluate(net: NeuralNet, X: Any, y: Any = None) -> Evaluation:
    """Take the loss and the prediction of each sample, in evaluation mode.

    Both come from one pass through the net's own ``evaluation_step`` and ``get_loss``.

    Raises
    ------
    ValueError
        If the criterion pairs every output with every target, or the validation
        iterator does not give each row once.
    """
    dataset = net.get_dataset(X, y)
    own = type(net).evaluation_step is not NeuralNet.evaluation_step
    nonlinearity = net._get_predict_nonlinearity()
    n_rows, filled = 0, None
    net._set_training(False)
    with torch.no_grad(), per_sample_criterion(net):
        for batch in batches(net, dataset, training=False):
            Xi, yi = unpack_data(batch)
            output = (
                net.evaluation_step(batch, training=False) if own else net.infer(Xi)
            )
            losses = sample_losses(net, output, yi, Xi)
            parts = losses, nonlinearity(_first_of(output)), yi
            parts = [_to_array(part) for part in parts]
            if filled is None:
                filled = [
                    np.empty((len(dataset), *p.shape[1:]), p.dtype) for p in parts
                ]
            # Into place: kept in pieces, they would hold the heap apart.
            for whole, part in zip(filled, parts, strict=True):
                room = whole[n_rows : n_rows + len(part)]
                room[...] = part[: len(room)]
            n_rows += len(losses)
    if n_rows != len(dataset):
        raise ValueError(
            f"net: its validation iterator gave {n_rows} of {len(dataset)} rows."
        )
    return Evaluation(*filled)


def batch_loss(net: NeuralNet, X: Any, y: Any) -> torch.Tensor:
    """Return the loss of a batch that a training step descends."""
    return net.get_loss(net.infer(X), y, X=X, training=True)


def batch_answers(net: NeuralNet, X: Any, y: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each row's loss and prediction; under :func:`per_sample_criterion`."""
    output = net.infer(X)
    prediction = net._get_predict_nonlinearity()(_first_of(output))
    return sample_losses(net, output, y, X), prediction


@contextmanager
def per_sample_criterion(net: NeuralNet) -> Iterator[None]:
    """Set the criterion's reduction to "none" for a while, if it has one."""
    criterion = net.criterion_
    if not hasattr(criterion, "reduction"):
        yield
        return
    reduction, criterion.reduction = criterion.reduction, "none"
    try:
        yield
    finally:
        criterion.reduction = reduction


def sample_losses(net: NeuralNet, output: Any, y: Any, X: Any) -> torch.Tensor:
    """Return one loss a sample; to be called under :func:`per_sample_criterion`."""
    n_samples = len(y)
    loss = net.get_loss(output, y, X=X, training=False)
    if loss.ndim == 0 or len(loss) != n_samples:
        return torch.stack(
            [
                net.get_loss(_row(output, i), _row(y, i), X=_row(X, i), training=False)
                for i in range(n_samples)
            ]
        ).reshape(n_samples, -1)[:, 0]
    if y.ndim == 1 and loss.shape == (n_samples, n_samples) and n_samples > 1:
        raise ValueError(
            f"net: its criterion broadcast outputs of shape {tuple(output.shape)} "
            f"against targets of shape {tuple(y.shape)}; both need the same shape."
        )
    return loss if loss.ndim == 1 else loss.reshape(n_samples, -1).mean(dim=1)


def is_row_by_row(net: NeuralNet) -> bool:
    """Return whether the criterion of an initialised net has no ``reduction``."""
    return not hasattr(net.criterion_, "reduction")


def _first_of(output: Any) -> torch.Tensor:
    """Return what a module predicts, where it gives more than that."""
    return output[0] if isinstance(output, tuple) else output


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


def _has_batch_norm(net: NeuralNet) -> bool:
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


def _rows_by_batch(loader: DataLoader) -> Iterator[np.ndarray]:
    """Draw the rows of each batch as the loader's own iterator draws them."""
    # It begins with this draw, which the order depends on.
    torch.empty((), dtype=torch.int64).random_(generator=loader.generator)
    batches = loader.batch_sampler
    if type(batches) is not BatchSampler or type(batches.sampler) not in _AT_ONCE:
        yield from map(np.asarray, batches)
        return
    rows = np.fromiter(batches.sampler, np.int64)
    size = batches.batch_size
    end = len(rows) - len(rows) % size if batches.drop_last else len(rows)
    for start in range(0, end, size):
        yield rows[start : min(start + size, end)]


def _rows_of(data: Any, rows: np.ndarray) -> torch.Tensor:
    if data is None:  # what skorch's dataset says in the place of a target
        return torch.zeros(len(rows), 1)
    return torch.as_tensor(data[rows])


def _row(value: Any, i: int) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_row(part, i) for part in value)
    if isinstance(value, dict):
        return {key: _row(part, i) for key, part in value.items()}
    return value[i : i + 1]


def _to_array(tensor: torch.Tensor) -> np.ndarray:
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.bfloat16:  # unknown to numpy
        tensor = tensor.float()
    return tensor.numpy().copy()
