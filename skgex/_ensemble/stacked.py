"""Independent members that are trained and evaluated together, as one program.

A small net spends most of a step in Python and in starting kernels. Members whose
parameters are stacked share that cost: one vmapped loss, one backward pass and one step
of SGD serve all of them. The results are those of :mod:`skgex._ensemble.member`, which
grows one member after the other, up to rounding.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import Dataset, unpack_data
from torch.func import vmap

from skgex._data.sparse_rows import read
from skgex._ensemble.fine_tuning import (
    MAX_NORM,
    FineTuning,
    MemberSGD,
    expect_member,
)
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
from skgex._nets.parts import bound
from skgex._nets.skorch_adapter import replace_optimizers, set_training
from skgex._nets.snapshot import TrainedNet, Weights, load_weights, revive, weights_of
from skgex._utils.progress import steps
from skgex._utils.random import seeded
from skgex._utils.unfinished import NO_DRAFT, Draft

# Members per program. It is fixed, so that results do not depend on the number of jobs.
# Twice as many members hardly take longer, as long as their activations fit the cache.
GROUP_SIZE = 16


class Stacked:
    """Members whose trainable parameters are stacked, so that one call runs all.

    Parameters
    ----------
    net : NeuralNet
        Initialised. Its own weights are overwritten.
    members : sequence of dict
        Weights of each, which differ only in trainable parameters.
    """

    def __init__(self, net: NeuralNet, members: Sequence[Weights]):
        self.net = net
        self._n_members = len(members)
        self._module = NetModule(net)
        self._own = self._module.trainable()
        each = []
        for weights in members:
            load_weights(net, weights)
            each.append([p.detach().clone() for p in self._own.values()])
        stacks = [torch.stack(values) for values in zip(*each, strict=True)]
        self._stacks = dict(zip(self._own, stacks, strict=True))

    def sgd(self, tuning: FineTuning) -> MemberSGD:
        """Make one optimizer for all members, with the net's weight decay."""
        names = {id(parameter): name for name, parameter in self._own.items()}

        def stacked(groups: list[dict]) -> MemberSGD:
            for group in groups:
                group["params"] = [self._stacks[names[id(p)]] for p in group["params"]]
            return MemberSGD(groups, tuning, _clip, fused=True)

        (optimizer,) = replace_optimizers(self.net, stacked)
        return cast(MemberSGD, optimizer)

    def backward(self, X: torch.Tensor, y: torch.Tensor) -> None:
        """Compute the gradient of each member's loss on its own batch.

        The net must be in training mode. The gradients of :meth:`gradients` are
        replaced.

        Parameters
        ----------
        X, y : Tensor of shape (n_members, batch_size, ...)
        """
        losses = vmap(partial(self._at, batch_loss))
        for stack in self._stacks.values():
            stack.grad = None
            stack.requires_grad_()
        losses(self._stacks, X, y).sum().backward()

    def answers(
        self, X: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return losses and predictions of the same rows under each member.

        The net must be in evaluation mode.

        Parameters
        ----------
        X, y : Tensor of shape (n_rows, ...)

        Returns
        -------
        losses : Tensor of shape (n_members, n_rows)
        predictions : Tensor of shape (n_members, n_rows, ...)
        """
        evaluate = vmap(partial(self._at, batch_answers), (0, None, None))
        with torch.no_grad(), per_sample_criterion(self.net):
            return evaluate(self._stacks, X, y)

    def gradients(self) -> Iterator[tuple[torch.nn.Parameter, torch.Tensor | None]]:
        """Yield each trainable parameter of the net, and its gradients by member."""
        for name, parameter in self._own.items():
            yield parameter, self._stacks[name].grad

    def weights(self) -> Iterator[Weights]:
        """Yield the weights of each member; the net then has those."""
        for m in range(self._n_members):
            with torch.no_grad():
                for name, parameter in self._own.items():
                    parameter.copy_(self._stacks[name][m])
            yield weights_of(self.net)

    def state(self, optimizer: MemberSGD) -> list[torch.Tensor]:
        """Return all that the steps change: stacks, and their momenta."""
        return [*self._stacks.values(), *optimizer.velocities()]

    def _at(self, function: Any, parameters: dict, X: Any, y: Any) -> Any:
        return self._module.at(parameters, function, self.net, X, y)


def grow_group(
    trained: TrainedNet,
    X: np.ndarray,
    y: np.ndarray,
    tuning: FineTuning,
    plans: Sequence[Plan],
    draft: Draft = NO_DRAFT,
) -> list[tuple[Weights, Evaluation]] | None:
    """Fine-tune a group of members as one program, and evaluate all rows under each.

    Parameters
    ----------
    trained : TrainedNet
        θ*, which :func:`skgex._ensemble.stackable.can_batch` accepts, with the
        weights that the plans start from.
    X, y : ndarray
        Samples, and targets as the net takes them.
    tuning : FineTuning
        Of every member.
    plans : sequence of Plan
        One per member.
    draft : Draft
        Where the state is kept on the way.

    Returns
    -------
    grown : list of (dict, Evaluation) or None
        None if the batches of the members do not have equal sizes.
    """
    net = revive(trained)
    drawn = [_draw_rows(net, len(X), plan, tuning.n_steps) for plan in plans]
    if len({tuple(map(len, steps)) for steps in drawn}) > 1:
        return None
    members = Stacked(net, [plan.weights(trained) for plan in plans])
    expect_member(net, tuning.n_steps, len(X))
    fine_tune_group(members, net.get_dataset(X, y), drawn, tuning, draft)
    return list(zip(members.weights(), _evaluate(members, X, y), strict=True))


def evaluate_group(
    trained: TrainedNet, members: Sequence[Weights], X: Any, y: Any
) -> list[Evaluation]:
    """Compute losses and predictions of all rows under several members."""
    return list(_evaluate(Stacked(revive(trained), members), X, y))


def fine_tune_group(
    members: Stacked,
    dataset: Dataset,
    drawn: list[list[np.ndarray]],
    tuning: FineTuning,
    draft: Draft = NO_DRAFT,
) -> None:
    """Take the steps of all members, as ``fine_tune`` takes those of one net.

    Parameters
    ----------
    members : Stacked
    dataset : Dataset
        skorch's, of two arrays.
    drawn : list of list of ndarray of int
        Row numbers by member and step.
    tuning : FineTuning
    draft : Draft
        Where the state is kept on the way, from which it goes on if there is one.
    """
    optimizer = members.sgd(tuning)
    set_training(members.net, True)
    state = members.state(optimizer)
    n_done = _restore(state, draft.read())
    with steps("fine-tuning", tuning.n_steps) as reach:
        numbered = enumerate(zip(*drawn, strict=True))
        for step, rows in islice(numbered, n_done, None):
            if draft.is_due():
                draft.write((step, [each.detach().cpu() for each in state]))
            members.backward(*rows_of(dataset, np.stack(rows)))
            for group in optimizer.param_groups:
                group["lr"] = tuning.rate(step)
            optimizer.descend()
            reach(step + 1)


def _restore(state: list[torch.Tensor], kept: Any) -> int:
    """Copy what was kept into the state; return how many steps that was after."""
    if kept is None:
        return 0
    n_done, values = kept
    with torch.no_grad():
        for each, value in zip(state, values, strict=True):
            each.copy_(value)
    return n_done


def rows_of(dataset: Dataset, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return some rows of skorch's dataset of two arrays, as tensors."""
    return torch.as_tensor(read(dataset.X, rows)), torch.as_tensor(dataset.y[rows])


def _draw_rows(
    net: NeuralNet, n_rows: int, plan: Plan, n_steps: int
) -> list[np.ndarray]:
    """Draw the rows of each step's batch by the net's own iterator.

    These are the rows that a member gets if it is grown alone with the same seed.
    """
    rows = np.arange(n_rows) if plan.rows is None else plan.rows
    with seeded(plan.seed), bound(net, plan.rows, n_rows):
        steps = islice(endless_rows(net, net.get_dataset(rows, rows)), n_steps)
        return [rows[places] for places in steps]


def _clip(stacks: Sequence[torch.Tensor]) -> None:
    """Clip the norm of each member's whole gradient, as ``clip_grad_norm_`` does."""
    gradients = [stack.grad for stack in stacks if stack.grad is not None]
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients]).norm(dim=0)
    scale = (MAX_NORM / (norms + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.reshape(-1, *[1] * (gradient.ndim - 1)))


def _evaluate(members: Stacked, X: np.ndarray, y: np.ndarray) -> Iterator[Evaluation]:
    """Yield the losses and predictions of all rows under each member."""
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
