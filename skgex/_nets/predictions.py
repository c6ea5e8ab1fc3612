"""Probabilities, logits, margins and features of samples under a net."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from skorch import NeuralNet

from skgex._nets.batches import batches
from skgex._nets.skorch_adapter import nonlinearity_of
from skgex._utils.random import seeded

# How far the sum of class probabilities may be from one.
TOLERANCE = 1e-3


def as_probabilities(predictions: np.ndarray) -> np.ndarray:
    """Return class probabilities in float64, by a softmax where that is still to do.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_classes)
        What ``predict_proba`` of a net returns. With a criterion that skorch does not
        know, these are the outputs of the module, and count as logits.
    """
    predictions = np.asarray(predictions, dtype=np.float64)
    return predictions if _sum_to_one(predictions) else softmax(predictions, axis=1)


def probabilities(net: NeuralNet, outputs: np.ndarray) -> np.ndarray:
    """Return class probabilities in float64 from the outputs of a net's module.

    Parameters
    ----------
    net : NeuralNet
    outputs : ndarray of shape (n_samples, ...)
        Before the nonlinearity of ``predict_proba``.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes)
    """
    nonlinearity = nonlinearity_of(net)
    predictions = nonlinearity(torch.as_tensor(outputs, dtype=torch.float64))
    return as_probabilities(predictions.numpy())


def class_logits(net: NeuralNet, outputs: np.ndarray) -> np.ndarray:
    """Return log-probabilities of classes, up to a constant per row, in float64.

    If the outputs are neither probabilities nor those of a binary net, they are such
    logits already. Otherwise these are the logarithms of the probabilities, and a
    probability below 2.2e-16 counts as 2.2e-16.

    Parameters
    ----------
    net : NeuralNet
    outputs : ndarray of shape (n_samples, ...)
        What the net's module returned.

    Returns
    -------
    logits : ndarray of shape (n_samples, n_classes)
        In nats.
    """
    if outputs.ndim == 2 and outputs.shape[1] > 1 and not _sum_to_one(outputs):
        return outputs.astype(np.float64)
    least = np.finfo(np.float64).eps
    return np.log(np.maximum(probabilities(net, outputs), least))


def _sum_to_one(rows: np.ndarray) -> bool:
    sums = rows.sum(axis=1)
    return bool((rows >= 0).all() and (np.abs(sums - 1) < TOLERANCE).all())


def margins(class_scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return how far each label's entry lies above the largest of the others.

    Parameters
    ----------
    class_scores : ndarray of shape (n_samples, n_classes)
        Logits or probabilities.
    codes : ndarray of shape (n_samples,)
        The labels' columns.

    Returns
    -------
    margins : ndarray of shape (n_samples,)
        Negative where another class has a larger entry.
    """
    rows = np.arange(len(class_scores))
    others = class_scores.copy()
    others[rows, codes] = -np.inf
    return class_scores[rows, codes] - others.max(axis=1)


def logits(net: NeuralNet, X: Any, y: Any) -> np.ndarray:
    """Return what the module of an initialised net returns, as (n_samples, width)."""
    with seeded(0):
        return np.concatenate([_flat(output) for output in _forward(net, X, y)])


def penultimate(net: NeuralNet, X: Any, y: Any) -> np.ndarray:
    """Return what enters the last layer of an initialised net, as (n_samples, width).

    The last layer is the module with parameters of its own that is called last.
    """
    with seeded(0), _inputs(net.module_) as newest:
        return np.concatenate([_flat(newest[0]) for _ in _forward(net, X, y)])


def features(net: NeuralNet, X: Any, y: Any) -> np.ndarray:
    """Return what enters the last layer of a net, or what leaves it if that is unknown.

    It is unknown if the last layer takes no tensor with an entry per sample, such as
    one that is given by name, or one of all tokens of a batch.

    Returns
    -------
    features : ndarray of shape (n_samples, width), dtype=float64
    """
    found = []
    with seeded(0), _inputs(net.module_) as newest:
        for output in _forward(net, X, y):
            outputs = _flat(output)
            known = newest and isinstance(newest[0], torch.Tensor)
            inputs = _flat(newest[0]) if known and newest[0].ndim else outputs
            found.append(inputs if len(inputs) == len(outputs) else outputs)
            newest.clear()
    widths = {block.shape[1] for block in found}
    return np.concatenate(found) if len(widths) == 1 else logits(net, X, y)


def _forward(net: NeuralNet, X: Any, y: Any) -> Iterator[Any]:
    """Yield what the module returns for each batch, in evaluation mode."""
    for batch in batches(net, net.get_dataset(X, y), training=False):
        yield net.evaluation_step(batch, training=False)


@contextmanager
def _inputs(module: torch.nn.Module) -> Iterator[list[torch.Tensor]]:
    """Yield a list that always holds the input of the layer that was called last.

    Layers are the modules that have parameters of their own.
    """
    newest: list[torch.Tensor] = []

    def keep(part: torch.nn.Module, given: tuple) -> None:
        newest[:] = given[:1]

    layers = [part for part in module.modules() if list(part.parameters(recurse=False))]
    hooks = [layer.register_forward_pre_hook(keep) for layer in layers]
    # A compiled module calls no hooks.
    compiled = hasattr(module, "_orig_mod")
    eager = torch.compiler.set_stance("force_eager") if compiled else nullcontext()
    try:
        with eager:
            yield newest
    finally:
        for hook in hooks:
            hook.remove()


def _flat(output: Any) -> np.ndarray:
    first = output[0] if isinstance(output, tuple) else output
    return first.detach().cpu().double().reshape(len(first), -1).numpy()
