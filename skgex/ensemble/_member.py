"""One member: a net fine-tuned by SGD for some steps, from where it stands."""

import math
from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

import torch
from skorch import NeuralNet
from skorch.dataset import unpack_data

from skgex._evaluation import batch_loss
from skgex._net import modules, replace_optimizers

# Norm that the gradient is clipped at under a constant rate (official code: 1).
MAX_NORM = 1.0

# Devices with a fused step: a parameter and its momentum are read and written once.
_FUSING = ("cpu", "cuda")

# What a net overrides to give a step a meaning of its own.
_STEP = (
    "train_step",
    "train_step_single",
    "get_train_step_accumulator",
    "on_grad_computed",
    "notify",
    "_zero_grad_optimizer",
    "_step_optimizer",
    "_set_training",
)


class FineTuning(NamedTuple):
    """How members are fine-tuned.

    Attributes
    ----------
    n_steps : int
        T, mini-batch steps; they run on across epochs.
    lr : float
        Learning rate; its peak under the cosine schedule.
    momentum : float
        Momentum of SGD.
    schedule : {"cosine", "constant"}
        The rate falls to zero as a half cosine, or stays and the gradient is clipped.
    """

    n_steps: int
    lr: float
    momentum: float
    schedule: str

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        if self.schedule == "constant":
            return self.lr
        return self.lr * (1 + math.cos(math.pi * step / self.n_steps)) / 2


class ClippedSGD(torch.optim.SGD):
    """SGD that clips the norm of the whole gradient before each step.

    An optimizer rather than a callback, so that a net's own ``train_step`` cannot
    miss it.
    """

    def step(self, closure: Any = None) -> Any:
        """Take the gradient from the closure, clip it and descend."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        parameters = [p for group in self.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, MAX_NORM)
        super().step()
        return loss


def has_plain_step(net: NeuralNet) -> bool:
    """Return whether a step of the net is no more than loss, gradient and descent."""
    return len(net._optimizers) == 1 and all(
        getattr(type(net), name) is getattr(NeuralNet, name) for name in _STEP
    )


def fine_tune(net: NeuralNet, batches: Iterable[Any], tuning: FineTuning) -> None:
    """Train an initialised net in place, through its own ``train_step`` if it has one.

    skorch's own spends more time on its records than a small net on its loss.
    """
    kind = ClippedSGD if tuning.schedule == "constant" else torch.optim.SGD
    settings = {"lr": tuning.lr, "momentum": tuning.momentum, "fused": _can_fuse(net)}
    optimizers = replace_optimizers(net, lambda groups: kind(groups, **settings))
    step_once = _descend if has_plain_step(net) else type(net).train_step
    net._set_training(True)
    for step, batch in enumerate(islice(batches, tuning.n_steps)):
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = tuning.rate(step)
        step_once(net, batch)


def _can_fuse(net: NeuralNet) -> bool:
    """Return whether one kernel can do a step: on its devices, no sparse rows."""
    parts = [part for _, root in modules(net) for part in root.modules()]
    return not any(getattr(part, "sparse", False) for part in parts) and all(
        p.device.type in _FUSING and p.is_floating_point()
        for part in parts
        for p in part.parameters(recurse=False)
    )


def _descend(net: NeuralNet, batch: Any) -> None:
    """Do what skorch's ``train_step`` does to weights, and nothing else."""
    (name,) = net._optimizers
    optimizer = getattr(net, name + "_")
    optimizer.zero_grad()
    X, y = unpack_data(batch)
    batch_loss(net, X, y).backward()
    optimizer.step()
