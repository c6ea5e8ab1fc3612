"""The loss and the prediction of each sample under a net."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import unpack_data

from skgex._nets.batches import batches
from skgex._nets.skorch_adapter import nonlinearity_of, set_training
from skgex._utils.random import seeded

# Criteria of class indices.
_OF_INDICES = (torch.nn.CrossEntropyLoss, torch.nn.NLLLoss)


class Evaluation(NamedTuple):
    """Losses and predictions of samples under a net.

    Attributes
    ----------
    losses : ndarray of shape (n_samples,)
        Loss of each sample; in nats if the criterion is a negative log-likelihood.
    outputs : ndarray of shape (n_samples, ...)
        Predictions after the nonlinearity of ``predict_proba``: class probabilities, or
        predicted regression targets.
    targets : ndarray of shape (n_samples, ...)
        The targets as the net's dataset returned them.
    """

    losses: np.ndarray
    outputs: np.ndarray
    targets: np.ndarray


def evaluate(net: NeuralNet, X: Any, y: Any = None) -> Evaluation:
    """Compute the loss and the prediction of each sample, in evaluation mode.

    Both come from one pass through the net's own ``evaluation_step`` and ``get_loss``.

    Parameters
    ----------
    net : NeuralNet
        Initialised; it is left in evaluation mode.
    X : ndarray of shape (n_samples, ...) or Dataset
        Samples in the dtype of the net.
    y : ndarray of shape (n_samples, ...) or None, default=None
        Targets as the net's loss takes them; None where a Dataset holds them.

    Raises
    ------
    ValueError
        If the criterion broadcasts outputs against targets, or the validation iterator
        does not yield each row once.
    """
    dataset = net.get_dataset(X, y)
    set_training(net, False)
    with torch.no_grad(), per_sample_criterion(net):
        return Evaluation(*in_place(_answers(net, dataset), (0, 0, 0), len(dataset)))


def _answers(net: NeuralNet, dataset: Any) -> Iterator[tuple[torch.Tensor, ...]]:
    """Yield losses, predictions and targets, batch by batch."""
    # skorch's own step switches the mode of all modules, which evaluate did already.
    own = type(net).evaluation_step is not NeuralNet.evaluation_step
    nonlinearity = nonlinearity_of(net)
    for batch in batches(net, dataset, training=False):
        Xi, yi = unpack_data(batch)
        output = net.evaluation_step(batch, training=False) if own else net.infer(Xi)
        yield sample_losses(net, output, yi, Xi), nonlinearity(_first_of(output)), yi


def in_place(
    parts: Iterable[tuple[torch.Tensor, ...]], axes: tuple[int, ...], n_rows: int
) -> list[np.ndarray]:
    """Join the batches of several quantities.

    Each batch is written at once to its place in the result. Separate arrays that are
    kept between large activations would fragment the heap.

    Parameters
    ----------
    parts : iterable of tuple of Tensor
        Per batch, its part of each quantity.
    axes : tuple of int
        The axis of each quantity that runs over the rows.
    n_rows : int
        Rows of all batches together.

    Returns
    -------
    joined : list of ndarray
        One per quantity.

    Raises
    ------
    ValueError
        If the batches do not have ``n_rows`` rows together.
    """
    joined: list[torch.Tensor] = []
    n_given = 0
    for batch in parts:
        if not joined:
            joined = [
                _allocate(*pair, n_rows) for pair in zip(batch, axes, strict=True)
            ]
        size = batch[0].shape[axes[0]]
        if n_given + size <= n_rows:
            for result, part, axis in zip(joined, batch, axes, strict=True):
                result.narrow(axis, n_given, size).copy_(part)
        n_given += size
    if n_given != n_rows:
        raise ValueError(
            f"net: its validation iterator gave {n_given} of {n_rows} rows."
        )
    return [result.numpy() for result in joined]


def _allocate(part: torch.Tensor, axis: int, n_rows: int) -> torch.Tensor:
    """Allocate main memory for all rows, in a dtype that NumPy has."""
    shape = (*part.shape[:axis], n_rows, *part.shape[axis + 1 :])
    dtype = torch.float32 if part.dtype == torch.bfloat16 else part.dtype
    return torch.empty(shape, dtype=dtype)


def batch_loss(net: NeuralNet, X: Any, y: Any) -> torch.Tensor:
    """Return the scalar loss that a training step on a batch minimises."""
    return net.get_loss(net.infer(X), y, X=X, training=True)


def batch_answers(net: NeuralNet, X: Any, y: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss and the prediction of each row of a batch.

    To be called within :func:`per_sample_criterion`.
    """
    output = net.infer(X)
    prediction = nonlinearity_of(net)(_first_of(output))
    return sample_losses(net, output, y, X), prediction


@contextmanager
def per_sample_criterion(net: NeuralNet) -> Iterator[None]:
    """Set the criterion's ``reduction`` to "none" for a while, if it has one."""
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
    """Return one loss per sample, averaged over the outputs if there are several.

    To be called within :func:`per_sample_criterion`. A criterion that reduces all the
    same is called with each sample alone.

    Raises
    ------
    ValueError
        If the criterion broadcasts outputs against targets.
    """
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
            f"net: its criterion broadcasts outputs of shape {tuple(output.shape)} "
            f"against targets of shape {tuple(y.shape)}; both need the same shape."
        )
    return loss if loss.ndim == 1 else loss.reshape(n_samples, -1).mean(dim=1)


def n_outputs(net: NeuralNet, X: Any) -> int | None:
    """Return the width of an initialised net's prediction; None if that is flat.

    Raises
    ------
    ValueError
        If the net raises an error for a batch of these samples.
    """
    dataset = net.get_dataset(X)
    with seeded(0):
        batch = next(batches(net, dataset, training=False), None)
        if batch is None:
            raise ValueError(
                f"net: its validation iterator gives no batch of {len(dataset)} rows; "
                "it must give each row once, in order."
            )
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
    """Compute the loss of a few samples, to see whether the net can.

    Raises
    ------
    ValueError
        If the net or its criterion raises an error for these samples and targets.
    """
    try:
        with seeded(0):
            evaluate(net, X, y)
    except (RuntimeError, TypeError, IndexError, ValueError) as error:
        if str(error).startswith("net: "):
            raise
        it = (
            "X: the net's criterion cannot take its targets"
            if y is None
            else ("y: the net's criterion cannot take it")
        )
        raise ValueError(f"{it}: {error}") from error


def wants_class_indices(
    net: NeuralNet, X: Any, shape: tuple[int, ...], dtype: np.dtype
) -> bool:
    """Return whether the criterion refuses targets as floats, and takes integers.

    Parameters
    ----------
    net : NeuralNet
        Initialised.
    X : ndarray or Dataset
        A few samples.
    shape : tuple of int
        Shape of the targets of these samples.
    dtype : dtype
        The floating type of the net.
    """

    def takes(kind: Any) -> bool:
        try:
            sample_losses(net, output, torch.as_tensor(np.zeros(shape, kind)), samples)
        except (RuntimeError, TypeError, IndexError, ValueError):
            return False
        return True

    dataset = net.get_dataset(X)
    with seeded(0), torch.no_grad(), per_sample_criterion(net):
        batch = next(batches(net, dataset, training=False))
        samples = unpack_data(batch)[0]
        output = net.evaluation_step(batch, training=False)
        if takes(dtype):
            return False
        # Indices by their shape, though of another size than the outputs.
        indices = isinstance(net.criterion_, _OF_INDICES)
        fewer = len(shape) == _first_of(output).ndim - 1
        return takes(np.int64) or (indices and fewer)


def _first_of(output: Any) -> torch.Tensor:
    """Return the prediction, which is the first of several outputs of a module.

    Raises
    ------
    TypeError
        If it is no tensor.
    """
    first = output[0] if isinstance(output, tuple) and output else output
    if not torch.is_tensor(first):
        raise TypeError(
            f"net: its module gives {_kind_of(output)}; it must give a tensor, or a "
            "tuple whose first element is the prediction as a tensor. Wrap the module "
            "in one whose forward returns the tensor, and whatever else the loss "
            "needs after it."
        )
    return first


def _kind_of(output: Any) -> str:
    """Return what a module gave, in words."""
    kind = type(output).__name__
    if isinstance(output, Mapping):
        return f"a {kind} with the keys {', '.join(map(repr, output))}"
    if isinstance(output, (tuple, list)):
        return f"a {kind} of {', '.join(type(part).__name__ for part in output)}"
    return f"a {kind}"


def _row(value: Any, i: int) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_row(part, i) for part in value)
    if isinstance(value, dict):
        return {key: _row(part, i) for key, part in value.items()}
    return value[i : i + 1]
