"""Fine-tuning of a trained net by some steps of SGD, which makes it a member."""

import math
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, Protocol, cast

import torch
from skorch import NeuralNet
from skorch.dataset import unpack_data
from torch.nn.utils import clip_grad_norm_
from torch.optim.sgd import sgd

from skgex._nets.evaluation import EVALUATION, batch_loss, unweighted_criterion
from skgex._nets.skorch_adapter import (
    has_plain_step,
    optimizers_of,
    replace_optimizers,
    set_training,
    submodules,
    train_batch,
)
from skgex._utils.progress import expect, steps

# Under a constant learning rate, gradients are clipped to this norm (official code: 1).
MAX_NORM = 1.0

# Devices with a fused kernel, which reads and writes parameter and momentum only once.
_FUSING = ("cpu", "cuda")


class FineTuning(NamedTuple):
    """How members are fine-tuned.

    Attributes
    ----------
    n_steps : int
        T, mini-batch steps; they run across epochs.
    lr : float
        Learning rate; its peak under the cosine schedule.
    momentum : float
        Momentum of SGD.
    schedule : {"cosine", "constant"}
        Under "cosine", the learning rate falls to zero as half a cosine. Under
        "constant", it stays, and gradients are clipped.
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


class MemberSGD(torch.optim.Optimizer):
    """SGD with momentum, and a step without torch's hooks and profiling.

    Gradients are clipped here rather than in a callback, so that this happens under a
    net's own ``train_step`` as well.

    Parameters
    ----------
    groups : list of dict
        Parameters, each group with its weight decay.
    tuning : FineTuning
    clip : callable
        Clips the gradients of parameters, in place. Only called if the schedule is
        "constant".
    fused : bool
        Do a step by one kernel.
    """

    def __init__(
        self,
        groups: list[dict],
        tuning: FineTuning,
        clip: Callable[[list[torch.Tensor]], Any],
        fused: bool,
    ):
        super().__init__(groups, {"lr": tuning.lr, "weight_decay": 0.0})
        self._momentum, self._fused = tuning.momentum, fused
        self._clip = clip if tuning.schedule == "constant" else None
        # Zeros for all, so that a parameter without a gradient at first has one later.
        self._velocity: dict[torch.Tensor, torch.Tensor] = {}
        for group in self.param_groups:
            for parameter in group["params"]:
                self._velocity[parameter] = torch.zeros_like(parameter)

    def velocities(self) -> list[torch.Tensor]:
        """Return the momentum of each parameter, in the order of the parameters."""
        return list(self._velocity.values())

    def step(self, closure: Any = None) -> Any:
        """Call the closure, which computes gradients, and take a step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.descend()
        return loss

    @torch.no_grad()
    def descend(self) -> None:
        """Take a step, without hooks and profiling."""
        groups = [
            (group, [p for p in group["params"] if p.grad is not None])
            for group in self.param_groups
        ]
        if self._clip:
            self._clip([p for _, parameters in groups for p in parameters])
        for group, parameters in groups:
            sgd(
                parameters,
                [p.grad for p in parameters],
                [self._velocity[p] for p in parameters],
                fused=self._fused,
                weight_decay=group["weight_decay"],
                momentum=self._momentum,
                lr=group["lr"],
                dampening=0.0,
                nesterov=False,
                maximize=False,
            )


def expect_member(net: NeuralNet, n_steps: int, n_rows: int) -> None:
    """Announce the steps of a member, and the evaluation of rows under it."""
    n_batches = 1 if net.batch_size == -1 else n_rows / net.batch_size
    expect({"fine-tuning": n_steps, "evaluation": EVALUATION * n_batches})


class StepKeeper(Protocol):
    """Keeps the state of a fine-tuning on the way."""

    def resume(self) -> int:
        """Restore what was kept; return after how many steps it was."""

    def keep(self, n_steps: int) -> None:
        """Keep the state after some steps."""


def fine_tune(
    net: NeuralNet,
    batches: Iterable[Any],
    tuning: FineTuning,
    keeper: StepKeeper | None = None,
) -> None:
    """Train an initialised net in place, through its own ``train_step`` if it has one.

    skorch's ``train_step`` is replaced by a shorter one with the same effect on the
    weights: its records take longer than the loss of a small net. A net's own step gets
    the history that it has in a training; all batches are of one epoch.

    Parameters
    ----------
    net : NeuralNet
        Initialised; changed in place.
    batches : iterable
        At least ``tuning.n_steps`` batches.
    tuning : FineTuning
    keeper : StepKeeper or None
        Draws the batches that were trained on already, if there are any.
    """
    clip, fused = partial(clip_grad_norm_, max_norm=MAX_NORM), _can_fuse(net)
    optimizers = replace_optimizers(
        net, lambda groups: MemberSGD(groups, tuning, clip, fused)
    )
    plain = has_plain_step(net)
    step_once = _descend if plain else train_batch
    if not plain:
        net.notify("on_epoch_begin")
    set_training(net, True)
    n_done = 0 if keeper is None else keeper.resume()
    left = enumerate(islice(batches, tuning.n_steps - n_done), n_done)
    with steps("fine-tuning", tuning.n_steps) as reach:
        for step, batch in left:
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = tuning.rate(step)
            with unweighted_criterion(net):
                step_once(net, batch)
            if keeper is not None:
                keeper.keep(step + 1)
            reach(step + 1)


def _can_fuse(net: NeuralNet) -> bool:
    """Return whether the fused kernel can take the steps of all parameters."""
    parts = list(submodules(net))
    return not any(getattr(part, "sparse", False) for part in parts) and all(
        p.device.type in _FUSING and p.is_floating_point()
        for part in parts
        for p in part.parameters(recurse=False)
    )


def _descend(net: NeuralNet, batch: Any) -> None:
    """Do what skorch's ``train_step`` does to the weights, and nothing else."""
    (optimizer,) = optimizers_of(net)
    X, y = unpack_data(batch)
    batch_loss(net, X, y).backward()
    cast(MemberSGD, optimizer).descend()
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None
