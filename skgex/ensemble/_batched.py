"""Independent members trained and evaluated side by side, as one program.

A small net spends most of a step in Python and in starting kernels. Members whose
parameters are stacked share that: one vmapped loss, one backward pass and one SGD
step serve them all. The numbers are those of the loop in ``_member``, up to rounding.
"""

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import Dataset, unpack_data
from torch.func import functional_call, vmap
from torch.utils.data import DataLoader, default_collate

from skgex._default_net import SliceLoader
from skgex._net import (
    Evaluation,
    TrainedNet,
    Weights,
    batches,
    endless_batches,
    is_row_by_row,
    modules,
    per_sample_criterion,
    replace_optimizers,
    revive,
    sample_losses,
    weights_of,
)
from skgex._random import seeded
from skgex.ensemble._member import MAX_NORM, FineTuning, has_plain_step

# Members a program: fixed, so that results do not depend on the number of jobs.
GROUP_SIZE = 8

# Beyond so many parameters a step's time goes into the products themselves, which
# are no faster stacked (benchmarks/speed.py).
MAX_PARAMETERS = 40_000

# A group's predictions of all rows are held at once, up to so many numbers.
MAX_OUTPUTS = 2**26

# Modules that learn without a gradient, or run slower stacked than one by one.
_UNFIT = (
    torch.nn.modules.batchnorm._BatchNorm,
    torch.nn.modules.conv._ConvNd,
    torch.nn.RNNBase,
)

Stack = dict[str, torch.Tensor]


class Together(torch.nn.Module):
    """A net's modules and criteria under one roof, for ``functional_call``.

    Parameters
    ----------
    net : NeuralNet
        Initialised; its own ``infer`` and ``get_loss`` are called.
    """

    def __init__(self, net: NeuralNet):
        super().__init__()
        self.roots = torch.nn.ModuleDict(modules(net))
        self._net = [net]  # in a list, since a net is no submodule

    def forward(self, X: torch.Tensor, y: torch.Tensor, *, training: bool) -> Any:
        """Return the loss of a batch, or each row's loss and prediction."""
        (net,) = self._net
        output = net.infer(X)
        if training:
            return net.get_loss(output, y, X=X, training=True)
        first = output[0] if isinstance(output, tuple) else output
        return sample_losses(net, output, y, X), net._get_predict_nonlinearity()(first)

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """Return the parameters that a step may change, by name."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    def program(self, *, training: bool) -> Callable:
        """Make the function of a stack and data that does all members' work.

        Members train on batches of their own, and are asked about the same rows.
        """

        def one(parameters: Stack, X: torch.Tensor, y: torch.Tensor) -> Any:
            return functional_call(self, parameters, (X, y), {"training": training})

        return vmap(one, in_dims=(0, 0, 0) if training else (0, None, None))


def can_batch(trained: TrainedNet, X: Any, y: Any) -> bool:
    """Return whether members can be stacked, and gain by it.

    It looks at the net and tries two members on two rows; no clock is read, so that
    equal calls always get equal answers.
    """
    net = revive(trained)
    dataset = net.get_dataset(X, y)
    if not (has_plain_step(net) and _is_light(net) and _holds_arrays(net, dataset)):
        return False
    with seeded(0), warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns where vmap is but a slow loop
        try:
            n_outputs = _try(net, trained.weights, dataset)
        except Exception:  # whatever a user's module makes of it, the loop is right
            return False
        drawn = _draw()
    with seeded(0):
        leaves_no_trace = drawn == _draw() and _equal(weights_of(net), trained.weights)
    return leaves_no_trace and n_outputs * len(X) * GROUP_SIZE <= MAX_OUTPUTS


def grow_group(
    trained: TrainedNet,
    X: Any,
    y: Any,
    tuning: FineTuning,
    plans: Sequence[tuple[np.ndarray | None, int]],
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
    plans : sequence of (ndarray of int or None, int)
        Each member's rows, None for all, and its seed.

    Returns
    -------
    grown : list of (dict, Evaluation) or None
        None if the members' batches are not of equal sizes.
    """
    net = revive(trained)
    drawn = [
        _draw_rows(net, len(X), rows, tuning.n_steps, seed) for rows, seed in plans
    ]
    sizes = [[len(rows) for rows in steps] for steps in drawn]
    if any(size != sizes[0] for size in sizes):
        return None
    stack = _stack(net, [trained.weights] * len(plans))
    _fine_tune(net, stack, net.get_dataset(X, y), drawn, tuning)
    evaluations = _evaluate(net, stack, X, y)
    return list(zip(_unstack(net, stack, len(plans)), evaluations, strict=True))


def evaluate_group(
    trained: TrainedNet, members: Sequence[Weights], X: Any, y: Any
) -> list[Evaluation]:
    """Take the losses and predictions of all rows under several members."""
    net = revive(trained)
    return list(_evaluate(net, _stack(net, members), X, y))


def _is_light(net: NeuralNet) -> bool:
    """Return whether a look at the net finds nothing against stacking."""
    together = Together(net)
    trainable = together.trainable().values()
    return (
        not is_row_by_row(net)
        and not any(isinstance(part, _UNFIT) for part in together.modules())
        and 0 < sum(p.numel() for p in trainable) <= MAX_PARAMETERS
    )


def _holds_arrays(net: NeuralNet, dataset: Any) -> bool:
    """Return whether batches are but rows of two arrays, in an order of their own."""
    if type(dataset) is not Dataset:
        return False
    if not all(isinstance(part, np.ndarray) for part in (dataset.X, dataset.y)):
        return False
    loaders = [net.get_iterator(dataset, training=t) for t in (True, False)]
    return all(
        type(loader) is SliceLoader
        or (type(loader) is DataLoader and loader.collate_fn is default_collate)
        for loader in loaders
    )


def _try(net: NeuralNet, weights: Weights, dataset: Dataset) -> int:
    """Train and ask two members with two rows; whatever cannot be stacked raises.

    Returns
    -------
    n_outputs : int
        Numbers that a prediction has.
    """
    stack = _stack(net, [weights] * 2)
    together, rows = Together(net), np.zeros((2, 2), dtype=np.int64)
    net._set_training(True)
    losses = together.program(training=True)(stack, *_rows(dataset, rows))
    torch.autograd.grad(losses.sum(), list(stack.values()), allow_unused=True)
    net._set_training(False)
    with torch.no_grad(), per_sample_criterion(net):
        each, outputs = together.program(training=False)(
            stack, *_rows(dataset, rows[0])
        )
    if losses.shape != (2,) or each.shape != (2, 2) or outputs.shape[:2] != (2, 2):
        raise ValueError("The net does not give a loss a batch and a row.")
    return outputs[0, 0].numel()


def _draw() -> tuple[float, float, float]:
    """Draw from each global generator: stacked members cannot have their own."""
    return random.random(), np.random.random(), torch.rand(()).item()


def _equal(weights: Weights, others: Weights) -> bool:
    """Return whether nothing was changed, buffers included."""
    return all(
        value.tobytes() == others[root][name].tobytes()
        for root, values in weights.items()
        for name, value in values.items()
    )


def _draw_rows(
    net: NeuralNet, n_rows: int, seen: np.ndarray | None, n_steps: int, seed: int
) -> list[np.ndarray]:
    """Draw the rows of each step's batch as the loop does: with the net's iterator."""
    rows = np.arange(n_rows) if seen is None else seen
    with seeded(seed):
        steps = islice(endless_batches(net, rows, rows), n_steps)
        return [unpack_data(batch)[1].numpy() for batch in steps]


def _rows(dataset: Dataset, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.as_tensor(dataset.X[rows]), torch.as_tensor(dataset.y[rows])


def _stack(net: NeuralNet, members: Sequence[Weights]) -> Stack:
    """Stack the members' trainable parameters, by their names in ``Together``."""
    stack = {}
    for name, parameter in Together(net).trainable().items():
        root, key = name.removeprefix("roots.").split(".", 1)
        values = np.stack([weights[root][key] for weights in members])
        stack[name] = torch.from_numpy(values).to(parameter).requires_grad_()
    return stack


def _unstack(net: NeuralNet, stack: Stack, n_members: int) -> Iterator[Weights]:
    """Yield each member's weights, with what was not trained as the net has it."""
    parameters = Together(net).trainable()
    for m in range(n_members):
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(stack[name][m])
        yield weights_of(net)


def _fine_tune(
    net: NeuralNet,
    stack: Stack,
    dataset: Dataset,
    drawn: list[list[np.ndarray]],
    tuning: FineTuning,
) -> None:
    """Take all members' steps at once, as ``_member.fine_tune`` takes one's."""
    together = Together(net)
    names = {id(p): name for name, p in together.trainable().items()}

    def stacked_sgd(groups: list[dict]) -> torch.optim.Optimizer:
        for group in groups:
            group["params"] = [stack[names[id(p)]] for p in group["params"]]
        return torch.optim.SGD(groups, lr=tuning.lr, momentum=tuning.momentum)

    (optimizer,) = replace_optimizers(net, stacked_sgd)
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    net._set_training(True)
    losses_of = together.program(training=True)
    for step, rows in enumerate(zip(*drawn, strict=True)):
        losses = losses_of(stack, *_rows(dataset, np.stack(rows)))
        gradients = torch.autograd.grad(losses.sum(), parameters, allow_unused=True)
        if tuning.schedule == "constant":
            gradients = _clip(gradients)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        for group in optimizer.param_groups:
            group["lr"] = tuning.rate(step)
        optimizer.step()


def _clip(gradients: Sequence[torch.Tensor | None]) -> list[torch.Tensor | None]:
    """Clip the norm of each member's whole gradient, as ``clip_grad_norm_`` does."""
    given = [g for g in gradients if g is not None]
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in given]).norm(dim=0)
    scale = (MAX_NORM / (norms + 1e-6)).clamp(max=1.0)
    return [
        None if g is None else g * scale.reshape(-1, *[1] * (g.ndim - 1))
        for g in gradients
    ]


def _evaluate(net: NeuralNet, stack: Stack, X: Any, y: Any) -> Iterator[Evaluation]:
    """Yield each member's losses and predictions, in evaluation mode."""
    answers_of = Together(net).program(training=False)
    losses, outputs, targets = [], [], []
    net._set_training(False)
    with seeded(0), torch.no_grad(), per_sample_criterion(net):
        for batch in batches(net, net.get_dataset(X, y), training=False):
            Xi, yi = unpack_data(batch)
            loss, output = answers_of(stack, Xi, yi)
            losses.append(loss.cpu())
            outputs.append(output.cpu())
            targets.append(yi.cpu())
    loss, output = torch.cat(losses, dim=1).numpy(), torch.cat(outputs, dim=1).numpy()
    target = torch.cat(targets).numpy()
    for m in range(len(loss)):
        yield Evaluation(loss[m], output[m], target)
