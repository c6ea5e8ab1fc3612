"""The loss and the prediction of each sample under a net."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import is_classifier
from skorch import NeuralNet
from skorch.dataset import unpack_data
from torch import nn

from skgex._nets.batches import batches
from skgex._nets.output_checks import TOLERANCE, check_outputs
from skgex._nets.skorch_adapter import nonlinearity_of, set_training
from skgex._utils.progress import steps
from skgex._utils.random import seeded

# How much work it is to evaluate a row, compared to training on it.
EVALUATION = 1 / 3

# Criteria of class indices.
_OF_INDICES = (nn.CrossEntropyLoss, nn.NLLLoss)


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
    predict = _prediction_of(net)
    for batch in batches(net, dataset, training=False):
        Xi, yi = unpack_data(batch)
        output = net.evaluation_step(batch, training=False) if own else net.infer(Xi)
        yield sample_losses(net, output, yi, Xi), predict(_first_of(output)), yi


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
    with steps("evaluation", n_rows) as reach:
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
            reach(n_given)
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
    """Return the scalar loss that a step of fine-tuning minimises."""
    with unweighted_criterion(net):
        return net.get_loss(net.infer(X), y, X=X, training=True)


def batch_answers(net: NeuralNet, X: Any, y: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss and the prediction of each row of a batch.

    To be called within :func:`per_sample_criterion`.
    """
    output = net.infer(X)
    prediction = _prediction_of(net)(_first_of(output))
    return sample_losses(net, output, y, X), prediction


@contextmanager
def unweighted_criterion(net: NeuralNet) -> Iterator[None]:
    """Let all labels count alike for a while, under a criterion of torch's own.

    What makes some labels count more than others says nothing of whether they are
    right. So the net is trained by its criterion as it is, but members are fine-tuned,
    and labels scored, without class weights and ``pos_weight``. A weight of zero stays,
    because the training leaves such labels out. The user's own criteria stay as they
    are.
    """
    with _changed(net.criterion_, _without_weights(net.criterion_)):
        yield


@contextmanager
def per_sample_criterion(net: NeuralNet) -> Iterator[None]:
    """Let the criterion return the loss of each label itself for a while.

    Its ``reduction`` becomes "none", if it has one. Under a criterion of torch's own,
    ``label_smoothing`` is left out as well as weights: the loss of a label is then the
    negative log of its probability.
    """
    criterion = net.criterion_
    settings: dict[str, Any] = {}
    if hasattr(criterion, "reduction"):
        settings["reduction"] = "none"
    if _is_of_torch(criterion) and hasattr(criterion, "label_smoothing"):
        settings["label_smoothing"] = 0.0
    with _changed(criterion, settings | _without_weights(criterion)):
        yield


@contextmanager
def _changed(criterion: Any, settings: dict[str, Any]) -> Iterator[None]:
    """Set attributes for a while."""
    before = {name: getattr(criterion, name) for name in settings}
    for name, value in settings.items():
        setattr(criterion, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(criterion, name, value)


def _without_weights(criterion: Any) -> dict[str, Any]:
    """Return weights for a criterion of torch's own under which labels count alike."""
    if not _is_of_torch(criterion):
        return {}
    settings: dict[str, Any] = {}
    for name in ("weight", "pos_weight"):
        weight = getattr(criterion, name, None)
        if isinstance(weight, torch.Tensor):
            counts = weight != 0
            settings[name] = None if counts.all() else counts.to(weight.dtype)
    return settings


def _is_of_torch(criterion: Any) -> bool:
    """Return whether the loss is computed by a criterion of torch's own."""
    forward = getattr(type(criterion), "forward", None)
    return getattr(forward, "__module__", "") == torch.nn.modules.loss.__name__


def sample_losses(net: NeuralNet, output: Any, y: Any, X: Any) -> torch.Tensor:
    """Return one loss per sample, averaged over its targets if there are several.

    Targets that torch's own criterion ignores, by ``ignore_index`` or a class weight of
    zero, do not count in the average. A sample without any other has a loss of zero.

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
        rows = [
            net.get_loss(_row(output, i), _row(y, i), X=_row(X, i), training=False)
            for i in range(n_samples)
        ]
        loss = torch.stack(rows).reshape(n_samples, -1)
    elif y.ndim == 1 and loss.shape == (n_samples, n_samples) and n_samples > 1:
        raise ValueError(
            f"net: its criterion broadcasts outputs of shape {tuple(output.shape)} "
            f"against targets of shape {tuple(y.shape)}; both need the same shape."
        )
    if loss.ndim == 1:
        return loss
    loss = loss.reshape(n_samples, -1)
    counts = _counted(net.criterion_, y)
    if counts is None or counts.numel() != loss.numel():
        return loss.mean(dim=1)
    # The others have a loss of zero.
    return loss.sum(dim=1) / counts.reshape(loss.shape).sum(dim=1).clamp(min=1)


def _counted(criterion: Any, y: Any) -> torch.Tensor | None:
    """Return which class targets torch's own criterion does not ignore.

    None if it ignores none by their value.
    """
    ignored = getattr(criterion, "ignore_index", None)
    if ignored is None or not _is_of_torch(criterion) or y.is_floating_point():
        return None
    counts = y != ignored
    if criterion.weight is None:
        return counts
    # Within per_sample_criterion weights are zeros and ones.
    return counts & (criterion.weight[torch.where(counts, y, 0).long()] != 0)


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

    A warning is raised if the criterion takes logits but gets probabilities.

    Raises
    ------
    ValueError
        If the net or its criterion raises an error for these samples and targets, or
        NLLLoss gets outputs that are not probabilities.
    """
    try:
        with seeded(0):
            evaluate(net, X, y)
            outputs = _raw_outputs(net, X, y)
    except (RuntimeError, TypeError, IndexError, ValueError) as error:
        if str(error).startswith("net: "):
            raise
        name, what = ("X", "its targets") if y is None else ("y", "it")
        raise ValueError(
            f"{name}: the net's criterion cannot take {what}: {error}"
        ) from error
    check_outputs(net, outputs)


@seeded(0)
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
    with torch.no_grad(), per_sample_criterion(net):
        batch = next(batches(net, dataset, training=False))
        samples = unpack_data(batch)[0]
        output = net.evaluation_step(batch, training=False)
        if takes(dtype):
            return False
        # Indices by their shape, though of another size than the outputs.
        indices = isinstance(net.criterion_, _OF_INDICES)
        fewer = len(shape) == _first_of(output).ndim - 1
        return takes(np.int64) or (indices and fewer)


def _raw_outputs(net: NeuralNet, X: Any, y: Any) -> torch.Tensor:
    """Return what the module returns for the first batch of samples."""
    batch = next(batches(net, net.get_dataset(X, y), training=False))
    return _first_of(net.evaluation_step(batch, training=False))


def _prediction_of(net: NeuralNet) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return what makes predictions of the module's outputs, as ``predict_proba`` does.

    skorch leaves the outputs of a classifier as they are if it does not know the
    criterion, or if that takes log-probabilities. Then a softmax makes probabilities of
    them; rows that are probabilities already stay.
    """
    nonlinearity = nonlinearity_of(net)
    known = (nn.CrossEntropyLoss, nn.BCEWithLogitsLoss, nn.BCELoss)
    classes = is_classifier(net) or isinstance(net.criterion_, nn.NLLLoss)
    automatic = net.predict_nonlinearity == "auto"
    if isinstance(net.criterion_, known) or not (classes and automatic):
        return nonlinearity

    def predict(output: torch.Tensor) -> torch.Tensor:
        found = nonlinearity(output)
        if found.ndim < 2 or not found.is_floating_point():
            return found
        sums = found.sum(dim=1, keepdim=True)
        least = found.amin(dim=1, keepdim=True)
        given = (least >= 0) & ((sums - 1).abs() < TOLERANCE)
        return torch.where(given, found, found.softmax(dim=1))

    return predict


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
