"""What a net says of samples, as probabilities, margins and features."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from skorch import NeuralNet

from skgex._nets.batches import batches
from skgex._nets.skorch_adapter import nonlinearity_of
from skgex._utils.random import seeded

# How far the sum of probabilities may be off one.
TOLERANCE = 1e-3


def as_probabilities(predictions: np.ndarray) -> np.ndarray:
    """Return class probabilities in float64, by a softmax if they are none yet.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_classes)
        What ``predict_proba`` of a net gives: with a criterion that skorch does not
        know, the outputs of the module.
    """
    predictions = np.asarray(predictions, dtype=np.float64)
    return predictions if _sum_to_one(predictions) else softmax(predictions, axis=1)


def probabilities(net: NeuralNet, outputs: np.ndarray) -> np.ndarray:
    """Return class probabilities in float64 from the outputs of a net's module."""
    nonlinearity = nonlinearity_of(net)
    predictions = nonlinearity(torch.as_tensor(outputs, dtype=torch.float64))
    return as_probabilities(predictions.numpy())


def log_probabilities(net: NeuralNet, outputs: np.ndarray) -> np.ndarray:
    """Return logits in float64: log-probabilities up to a number a sample.

    Outputs that are probabilities, or a binary net's, are taken by the logarithms of
    the probabilities, of which none counts as less than 2.2e-16.
    """
    if outputs.ndim == 2 and outputs.shape[1] > 1 and not _sum_to_one(outputs):
        return outputs.astype(np.float64)
    least = np.finfo(np.float64).eps
    return np.log(np.maximum(probabilities(net, outputs), least))


def _sum_to_one(values: np.ndarray) -> bool:
    sums = values.sum(axis=1)
    return bool((values >= 0).all() and (np.abs(sums - 1) < TOLERANCE).all())


def margins(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return by how much each label's value exceeds the largest of the others.

    Parameters
    ----------
    values : ndarray of shape (n_samples, n_classes)
        Logits or probabilities.
    codes : ndarray of shape (n_samples,)
        The labels' columns.

    Returns
    -------
    margins : ndarray of shape (n_samples,)
    """
    rows = np.arange(len(values))
    others = values.copy()
    others[rows, codes] = -np.inf
    return values[rows, codes] - others.max(axis=1)


def logits(net: NeuralNet, X: Any, y: Any) -> np.ndarray:
    """Return what the module of an initialised net gives, a flat row a sample."""
    with seeded(0):
        return np.concatenate([_flat(output) for output in _forward(net, X, y)])


def penultimate(net: NeuralNet, X: Any, y: Any) -> np.ndarray:
    """Return what enters the last layer of an initialised net, a flat row a sample.

    The last layer is the module with parameters of its own that is called last.
    """
    with seeded(0), _inputs(net.module_) as newest:
        return np.concatenate([_flat(newest[0]) for _ in _forward(net, X, y)])


def _forward(net: NeuralNet, X: Any, y: Any) -> Iterator[Any]:
    """Yield what the module gives for each batch, in evaluation mode."""
    for batch in batches(net, net.get_dataset(X, y), training=False):
        yield net.evaluation_step(batch, training=False)


@contextmanager
def _inputs(module: torch.nn.Module) -> Iterator[list[torch.Tensor]]:
    """Keep the newest input of the parts that have parameters, in a list of one."""
    newest: list[torch.Tensor] = []

    def keep(part: torch.nn.Module, given: tuple) -> None:
        newest[:] = given[:1]

    layers = [part for part in module.modules() if list(part.parameters(recurse=False))]
    hooks = [layer.register_forward_pre_hook(keep) for layer in layers]
    try:
        yield newest
    finally:
        for hook in hooks:
            hook.remove()


def _flat(output: Any) -> np.ndarray:
    first = output[0] if isinstance(output, tuple) else output
    return first.detach().cpu().double().reshape(len(first), -1).numpy()
