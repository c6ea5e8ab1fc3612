"""Batch-norm statistics, which must be estimated again after fine-tuning."""

from collections.abc import Iterator
from typing import Any

import torch
from skorch import NeuralNet
from skorch.dataset import unpack_data
from torch.nn.modules.batchnorm import _BatchNorm

from skgex._nets.skorch_adapter import set_training, submodules

# Batches over which the statistics are averaged (official code: 50).
BATCH_NORM_BATCHES = 50


def has_batch_norm(net: NeuralNet) -> bool:
    """Return whether an initialised net normalises by batch, with statistics or not."""
    return any(isinstance(part, _BatchNorm) for part in submodules(net))


def reestimate_batch_norm(net: NeuralNet, batches: Iterator[Any]) -> None:
    """Replace running statistics by their means over some batches, in place.

    Batches are only drawn if the net keeps such statistics.
    """
    norms = [
        part
        for part in submodules(net)
        if isinstance(part, _BatchNorm) and part.track_running_stats
    ]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch then keeps the plain mean over all batches
    set_training(net, True)
    with torch.no_grad():
        for _, batch in zip(range(BATCH_NORM_BATCHES), batches, strict=False):
            net.infer(unpack_data(batch)[0])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
