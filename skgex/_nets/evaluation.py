"""What a net says of samples: the loss and the prediction of each."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import unpack_data

from skgex._nets.batches import batches
from skgex._nets.skorch_adapter import nonlinearity_of, set_training
from skgex._utils.random import seeded


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
    set_training(net, False)
    with torch.no_grad(), per_sample_criterion(net):
        return Evaluation(*in_place(_answers(net, dataset), (0, 0, 0), len(dataset)))


def _answers(net: NeuralNet, dataset: Any) -> Iterator[tuple[torch.Tensor, ...]]:
    """Yield losses, predictions and targets, batch by batch."""
    own = type(net).evaluation_step is not NeuralNet.evaluation_step
    nonlinearity = nonlinearity_of(net)
    for batch in batches(net, dataset, training=False):
        Xi, yi = unpack_data(batch)
        output = net.evaluation_step(batch, training=False) if own else net.infer(Xi)
        yield sample_losses(net, output, yi, Xi), nonlinearity(_first_of(output)), yi


def in_place(
    parts: Iterable[tuple[torch.Tensor, ...]], axes: tuple[int, ...], n_rows: int
) -> list[np.ndarray]:
    """Put quantities together that come batch by batch.

    Each batch is written to its place in the whole: kept in pieces between large
    activations, they would hold the heap apart.

    Parameters
    ----------
    parts : iterable of tuple of Tensor
        A batch of each quantity.
    axes : tuple of int
        Along which axis the rows of each quantity lie.
    n_rows : int
        Of all batches.

    Returns
    -------
    wholes : list of ndarray

    Raises
    ------
    ValueError
        If the rows of all batches are not ``n_rows``.
    """
    wholes: list[torch.Tensor] = []
    n_given = 0
    for batch in parts:
        if not wholes:
            wholes = [_room(*pair, n_rows) for pair in zip(batch, axes, strict=True)]
        size = batch[0].shape[axes[0]]
        if n_given + size <= n_rows:
            for whole, part, axis in zip(wholes, batch, axes, strict=True):
                whole.narrow(axis, n_given, size).copy_(part)
        n_given += size
    if n_given != n_rows:
        raise ValueError(
            f"net: its validation iterator gave {n_given} of {n_rows} rows."
        )
    return [whole.numpy() for whole in wholes]


def _room(part: torch.Tensor, axis: int, n_rows: int) -> torch.Tensor:
    """Make room for all rows, in memory and in a dtype that NumPy knows."""
    shape = (*part.shape[:axis], n_rows, *part.shape[axis + 1 :])
    dtype = torch.float32 if part.dtype == torch.bfloat16 else part.dtype
    return torch.empty(shape, dtype=dtype)


def batch_loss(net: NeuralNet, X: Any, y: Any) -> torch.Tensor:
    """Return the loss of a batch that a training step descends."""
    return net.get_loss(net.infer(X), y, X=X, training=True)


def batch_answers(net: NeuralNet, X: Any, y: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each row's loss and prediction; under :func:`per_sample_criterion`."""
    output = net.infer(X)
    prediction = nonlinearity_of(net)(_first_of(output))
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
    prediction = nonlinearity_of(net)(_first_of(output))
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


def _first_of(output: Any) -> torch.Tensor:
    """Return what a module predicts, where it gives more than that."""
    return output[0] if isinstance(output, tuple) else output


def _row(value: Any, i: int) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_row(part, i) for part in value)
    if isinstance(value, dict):
        return {key: _row(part, i) for key, part in value.items()}
    return value[i : i + 1]
