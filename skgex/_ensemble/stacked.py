"""Independent members trained and evaluated side by side, as one program.

A small net spends most of a step in Python and in starting kernels. Members whose
parameters are stacked share that: one vmapped loss, one backward pass and one SGD
step serve them all. The numbers are those of the loop in ``_member``, up to rounding.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import Dataset, unpack_data
from torch.func import vmap

from skgex._ensemble.fine_tuning import MAX_NORM, FineTuning, MemberSGD
from skgex._ensemble.member import Plan
from skgex._nets.batches import batches, endless_rows
from skgex._nets.evaluation import (
    Evaluation,
    batch_answers,
    batch_loss,
    in_place,
    per_sample_criterion,
)
from skgex._nets.functional import NetModule
from skgex._nets.skorch_adapter import replace_optimizers, set_training
from skgex._nets.snapshot import TrainedNet, Weights, load_weights, revive, weights_of
from skgex._utils.random import seeded

# Members a program: fixed, so that results do not depend on the number of jobs. Twice
# as many hardly take longer until their activations leave the processor's cache.
GROUP_SIZE = 16


class Stacked:
    """Members of a net whose trainable parameters are stacked, to be used at once.

    Parameters
    ----------
    net : NeuralNet
        Initialised. Its own weights are overwritten.
    members : sequence of dict
        Weights of each, which differ in trainable parameters alone.
    """

    def __init__(self, net: NeuralNet, members: Sequence[Weights]):
        self.net = net
        self._n_members = len(members)
        self._whole = NetModule(net)
        self._own = self._whole.trainable()
        each = []
        for weights in members:
            load_weights(net, weights)
            each.append([p.detach().clone() for p in self._own.values()])
        stacks = [torch.stack(values) for values in zip(*each, strict=True)]
        self._stacks = dict(zip(self._own, stacks, strict=True))

    def sgd(self, tuning: FineTuning) -> MemberSGD:
        """Make the optimizer of all stacks, with the net's weight decay."""
        names = {id(parameter): name for name, parameter in self._own.items()}

        def stacked(groups: list[dict]) -> MemberSGD:
            for group in groups:
                group["params"] = [self._stacks[names[id(p)]] for p in group["params"]]
            return MemberSGD(groups, tuning, _clip, fused=True)

        (optimizer,) = replace_optimizers(self.net, stacked)
        return optimizer

    def backward(self, X: torch.Tensor, y: torch.Tensor) -> None:
        """Set the gradient of each member's loss of its own batch, (n_members, ...).

        The net must be in training mode.
        """
        losses = vmap(partial(self._at, batch_loss))
        for stack in self._stacks.values():
            stack.grad = None
            stack.requires_grad_()
        losses(self._stacks, X, y).sum().backward()

    def answers(
        self, X: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return losses (n_members, n_rows) and predictions of the same rows.

        The net must be in evaluation mode.
        """
        ask = vmap(partial(self._at, batch_answers), (0, None, None))
        with torch.no_grad(), per_sample_criterion(self.net):
            return ask(self._stacks, X, y)

    def gradients(self) -> Iterator[tuple[torch.nn.Parameter, torch.Tensor | None]]:
        """Yield each trainable parameter of the net with all members' gradient."""
        for name, parameter in self._own.items():
            yield parameter, self._stacks[name].grad

    def weights(self) -> Iterator[Weights]:
        """Yield each member's weights."""
        for m in range(self._n_members):
            with torch.no_grad():
                for name, parameter in self._own.items():
                    parameter.copy_(self._stacks[name][m])
            yield weights_of(self.net)

    def _at(self, function: Any, parameters: dict, X: Any, y: Any) -> Any:
        return self._whole.at(parameters, function, self.net, X, y)


def grow_group(
    trained: TrainedNet,
    X: np.ndarray,
    y: np.ndarray,
    tuning: FineTuning,
    plans: Sequence[Plan],
) -> list[tuple[Weights, Evaluation]] | None:
    """Fine-tune members as one program, and evaluate all rows under each.

    Parameters
    ----------
    trained : TrainedNet
        θ*, for which :func:`can_batch` holds.
    X, y : ndarray
        Samples, and targets as the net takes them.
    tuning : FineTuning
        Of every member.
    plans : sequence of Plan
        One per member.

    Returns
    -------
    grown : list of (dict, Evaluation) or None
        None if the members' batches are not of equal sizes.
    """
    net = revive(trained)
    drawn = [_draw_rows(net, len(X), plan, tuning.n_steps) for plan in plans]
    sizes = [[len(rows) for rows in steps] for steps in drawn]
    if any(size != sizes[0] for size in sizes):
        return None
    members = Stacked(net, [trained.weights] * len(plans))
    fine_tune_group(members, net.get_dataset(X, y), drawn, tuning)
    return list(zip(members.weights(), _evaluate(members, X, y), strict=True))


def evaluate_group(
    trained: TrainedNet, members: Sequence[Weights], X: Any, y: Any
) -> list[Evaluation]:
    """Take the losses and predictions of all rows under several members."""
    return list(_evaluate(Stacked(revive(trained), members), X, y))


def fine_tune_group(
    members: Stacked,
    dataset: Dataset,
    drawn: list[list[np.ndarray]],
    tuning: FineTuning,
) -> None:
    """Take all members' steps at once, as ``_member.fine_tune`` takes one's.

    Parameters
    ----------
    members : Stacked
    dataset : Dataset
        Of arrays.
    drawn : list of list of ndarray of int
        Rows of each member's batches.
    tuning : FineTuning
    """
    optimizer = members.sgd(tuning)
    set_training(members.net, True)
    for step, rows in enumerate(zip(*drawn, strict=True)):
        members.backward(*rows_of(dataset, np.stack(rows)))
        for group in optimizer.param_groups:
            group["lr"] = tuning.rate(step)
        optimizer.descend()


def rows_of(dataset: Dataset, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Take rows of the arrays in skorch's dataset."""
    return torch.as_tensor(dataset.X[rows]), torch.as_tensor(dataset.y[rows])


def _draw_rows(
    net: NeuralNet, n_rows: int, plan: Plan, n_steps: int
) -> list[np.ndarray]:
    """Draw the rows of each step's batch as the loop does: with the net's iterator."""
    rows = np.arange(n_rows) if plan.rows is None else plan.rows
    with seeded(plan.seed):
        steps = islice(endless_rows(net, net.get_dataset(rows, rows)), n_steps)
        return [rows[places] for places in steps]


def _clip(stacks: Sequence[torch.Tensor]) -> None:
    """Clip the norm of each member's whole gradient, as ``clip_grad_norm_`` does."""
    gradients = [stack.grad for stack in stacks]
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients]).norm(dim=0)
    scale = (MAX_NORM / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.reshape(-1, *[1] * (gradient.ndim - 1)))


def _evaluate(members: Stacked, X: np.ndarray, y: np.ndarray) -> Iterator[Evaluation]:
    """Yield each member's losses and predictions of all rows."""
    set_training(members.net, False)
    with seeded(0):
        dataset = members.net.get_dataset(X, y)
        parts = (
            (*members.answers(Xi, yi), yi)
            for Xi, yi in map(
                unpack_data, batches(members.net, dataset, training=False)
            )
        )
        losses, outputs, targets = in_place(parts, (1, 1, 0), len(dataset))
    for loss, output in zip(losses, outputs, strict=True):
        yield Evaluation(loss, output, targets)
