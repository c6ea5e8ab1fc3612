import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from growing import grow_one
from reference import endless, sgd_by_hand
from skorch import NeuralNetClassifier
from tiny import BareCriterion, classifier
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader, TensorDataset
from watching import heard_in, whole

from skgex._ensemble.fine_tuning import (
    MAX_NORM,
    FineTuning,
    MemberSGD,
    expect_member,
    fine_tune,
)
from skgex._nets.batches import endless_batches
from skgex._nets.snapshot import load_weights, revive
from skgex._nets.training import train
from skgex._utils.random import seeded

SEED = 7


def by_hand(trained, X, y, tuning, *, weight_decay=0.0):
    """A plain torch loop over a plain DataLoader, with the member's seed."""
    module = copy.deepcopy(revive(trained).module_)
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    with seeded(SEED):
        batches = endless(DataLoader(data, batch_size=16, shuffle=True))
        sgd_by_hand(
            module,
            nn.CrossEntropyLoss(),
            batches,
            tuning.n_steps,
            lr=tuning.lr,
            momentum=tuning.momentum,
            schedule=tuning.schedule,
            weight_decay=weight_decay,
        )
    return module


def assert_same_weights(weights, module):
    for name, value in module.state_dict().items():
        np.testing.assert_allclose(
            weights["module"][name], value.numpy(), rtol=0, atol=1e-6, err_msg=name
        )


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize("n_steps", [1, 3, 4, 5, 11])  # 4 steps an epoch
def test_every_step_equals_the_plain_loop(blobs, schedule, n_steps):
    X, y = blobs
    trained = train(classifier(), X, y, 0)
    # A rate at which the norm of the gradient is clipped at some steps.
    tuning = FineTuning(n_steps, 0.5, 0.9, schedule)
    weights, *_ = grow_one(trained, X, y, None, None, tuning, SEED)
    module = by_hand(trained, X, y, tuning)
    assert_same_weights(weights, module)


def test_steps_in_one_run_are_the_steps_one_by_one(blobs):
    """Each prefix of a constant-rate run is the run of fewer steps."""
    X, y = blobs
    trained = train(classifier(), X, y, 0)
    net = revive(trained)
    path = []
    with seeded(SEED):
        batches = endless_batches(net, X, y)

        def watched():
            for batch in batches:
                path.append(net.module_.output.bias.detach().numpy().copy())
                yield batch

        fine_tune(net, watched(), FineTuning(6, 0.1, 0.9, "constant"))
    for n_steps in range(1, 6):
        short = FineTuning(n_steps, 0.1, 0.9, "constant")
        weights, *_ = grow_one(trained, X, y, None, None, short, SEED)
        np.testing.assert_array_equal(
            weights["module"]["output.bias"], path[n_steps], err_msg=str(n_steps)
        )


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_momentum_and_weight_decay_equal_the_plain_loop(blobs, momentum, schedule):
    X, y = blobs
    trained = train(classifier(optimizer__weight_decay=0.3), X, y, 0)
    tuning = FineTuning(7, 0.2, momentum, schedule)
    weights, *_ = grow_one(trained, X, y, None, None, tuning, SEED)
    module = by_hand(trained, X, y, tuning, weight_decay=0.3)
    assert_same_weights(weights, module)


def test_dropout_is_on_and_equals_the_plain_loop_of_the_same_seed(blobs):
    X, y = blobs
    trained = train(classifier(module__dropout=0.4), X, y, 0)
    tuning = FineTuning(9, 0.1, 0.9, "cosine")
    weights, *_ = grow_one(trained, X, y, None, None, tuning, SEED)
    module = by_hand(trained, X, y, tuning)
    assert_same_weights(weights, module)
    without = train(classifier(), X, y, 0)._replace(weights=trained.weights)
    undropped, *_ = grow_one(without, X, y, None, None, tuning, SEED)
    assert not np.allclose(
        undropped["module"]["output.bias"], weights["module"]["output.bias"]
    )


def test_batch_norm_learns_and_is_estimated_anew(blobs):
    X, y = blobs
    trained = train(classifier(module__batch_norm=True), X, y, 0)
    tuning = FineTuning(6, 0.1, 0.9, "cosine")
    weights, *_ = evaluation = grow_one(trained, X, y, None, None, tuning, SEED)
    module = by_hand(trained, X, y, tuning)
    # The next 50 batches of the same shuffling, at the final weights.
    with seeded(SEED):
        data = TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
        batches = endless(DataLoader(data, batch_size=16, shuffle=True))
        for _ in range(6):
            next(batches)
        hidden = [module.hidden(next(batches)[0]).detach() for _ in range(50)]
    means = torch.stack([part.mean(dim=0) for part in hidden])
    variances = torch.stack([part.var(dim=0) for part in hidden])
    module.norm.running_mean.copy_(means.mean(dim=0))
    module.norm.running_var.copy_(variances.mean(dim=0))
    module.norm.num_batches_tracked.fill_(50)
    assert_same_weights(weights, module)
    module.eval()
    with torch.no_grad():
        losses = nn.functional.cross_entropy(
            module(torch.as_tensor(X)), torch.as_tensor(y), reduction="none"
        )
    np.testing.assert_allclose(evaluation.losses, losses.numpy(), atol=1e-6)


def test_a_member_evaluates_the_rows_that_are_queried(blobs):
    X, y = blobs
    trained = train(classifier(), X, y, 0)
    tuning = FineTuning(3, 0.1, 0.9, "cosine")
    queried = np.array([4, 2, 50])
    weights, *_ = few = grow_one(trained, X, y, None, queried, tuning, SEED)
    all_rows = grow_one(trained, X, y, None, None, tuning, SEED)
    np.testing.assert_allclose(few.losses, all_rows.losses[queried], rtol=1e-12)
    net = revive(trained)
    load_weights(net, weights)
    np.testing.assert_allclose(few.outputs, net.predict_proba(X[queried]), rtol=1e-12)


def test_a_member_on_some_rows_is_a_member_on_those_alone(blobs):
    X, y = blobs
    trained = train(classifier(), X, y, 0)
    tuning = FineTuning(5, 0.1, 0.9, "cosine")
    rows = np.arange(0, 60, 2)
    weights, *_ = grow_one(trained, X, y, rows, None, tuning, SEED)
    alone, *_ = grow_one(trained, X[rows], y[rows], None, None, tuning, SEED)
    np.testing.assert_array_equal(
        weights["module"]["hidden.weight"], alone["module"]["hidden.weight"]
    )


def test_the_cosine_falls_from_the_rate_to_zero():
    tuning = FineTuning(10, 0.4, 0.9, "cosine")
    assert tuning.rate(0) == 0.4
    assert tuning.rate(5) == pytest.approx(0.2)
    assert tuning.rate(9) == pytest.approx(0.2 * (1 + math.cos(0.9 * math.pi)))
    rates = [tuning.rate(step) for step in range(11)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-15)


def test_a_constant_rate_stays():
    tuning = FineTuning(10, 0.4, 0.9, "constant")
    assert {tuning.rate(step) for step in range(10)} == {0.4}


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_steps_are_those_of_torch(fused, momentum, decay):
    """A parameter may get its first gradient some steps later than the others."""
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(2, 5, dtype=torch.float64, generator=generator)
    gradients = torch.randn(6, 2, 5, dtype=torch.float64, generator=generator)
    ours, theirs = ([nn.Parameter(p.clone()) for p in start] for _ in range(2))
    tuning = FineTuning(6, 0.1, momentum, "cosine")
    groups = [{"params": ours, "weight_decay": decay}]
    optimizer = MemberSGD(groups, tuning, None, fused=fused)
    alone = [
        torch.optim.SGD([p], lr=0.1, momentum=momentum, weight_decay=decay)
        for p in theirs
    ]
    for step, given in enumerate(gradients):
        present = [0, 1] if step > 1 else [0]
        for i in present:
            ours[i].grad, theirs[i].grad = given[i].clone(), given[i].clone()
            alone[i].step()
        optimizer.step()
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(("size", "expected"), [(0.5, 0.5), (40.0, 1.0)])
def test_clipping_bounds_the_norm_of_the_whole_gradient(size, expected):
    parameters = [nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2, 2))]
    tuning = FineTuning(1, 1.0, 0.0, "constant")
    clip = partial(clip_grad_norm_, max_norm=MAX_NORM)
    groups = [{"params": [p]} for p in parameters]
    optimizer = MemberSGD(groups, tuning, clip, fused=True)

    def closure():
        for p in parameters:
            p.grad = torch.full_like(p, size / math.sqrt(7))
        return 12.0

    assert optimizer.step(closure) == 12.0
    moved = math.sqrt(sum(float((p.detach() - 1).square().sum()) for p in parameters))
    assert moved == pytest.approx(expected, rel=1e-5)


class Keeper:
    """Says that some steps were taken before."""

    def __init__(self, n_done):
        self.n_done, self.kept = n_done, []

    def resume(self):
        return self.n_done

    def keep(self, n_steps):
        self.kept.append(n_steps)


def test_a_fine_tuning_goes_on_after_the_steps_that_were_taken(blobs):
    batch = tuple(map(torch.as_tensor, blobs))
    net, keeper = classifier(module__batch_norm=True).initialize(), Keeper(2)
    net.module_.eval()
    tuning = FineTuning(4, 0.1, 0.0, "cosine")
    expected = copy.deepcopy(net.module_)
    for step in (2, 3):
        still = tuning._replace(n_steps=1, lr=tuning.rate(step))._asdict()
        sgd_by_hand(expected, nn.CrossEntropyLoss(), iter([batch]), **still)
    heard = heard_in(fine_tune, net, [batch] * 9, tuning, keeper)
    assert heard == whole("fine-tuning", 4, first=3)
    assert keeper.kept == [3, 4]
    torch.testing.assert_close(net.module_.state_dict(), expected.state_dict())


@pytest.mark.parametrize(("batch_size", "n_batches"), [(16, 3.75), (1, 60), (-1, 1)])
def test_a_step_counts_as_the_evaluation_of_three_batches(batch_size, n_batches):
    heard = heard_in(expect_member, classifier(batch_size=batch_size), 7, 60)
    work = {"fine-tuning": 7, "evaluation": pytest.approx(n_batches / 3)}
    assert heard == [("expect", work)]


def test_a_criterion_without_reduction_can_be_fine_tuned(blobs):
    X, y = blobs
    trained = train(classifier(criterion=BareCriterion), X, y, 0)
    tuning = FineTuning(30, 0.05, 0.9, "cosine")
    start = losses_of(trained, X, y)
    evaluation = grow_one(trained, X, y, None, None, tuning, SEED)
    assert evaluation.losses.mean() < start.mean()


def losses_of(trained, X, y):
    module = revive(trained).module_.eval()
    with torch.no_grad():
        logits = module(torch.as_tensor(X))
    return (logits - torch.eye(3)[y]).square().sum(dim=1).numpy()


def test_sparse_gradients_are_descended():
    """No fused kernel accepts them."""

    kind = NeuralNetClassifier(nn.Embedding, criterion=nn.CrossEntropyLoss)
    net = kind.set_params(
        module__num_embeddings=4, module__embedding_dim=2, module__sparse=True
    ).initialize()
    before = net.module_.weight.detach().clone()
    X, y = torch.tensor([1]), torch.tensor([0])
    fine_tune(net, [(X, y)], FineTuning(1, 0.5, 0.0, "cosine"))
    moved = net.module_.weight.detach() - before
    gradient = before[1].softmax(0) - torch.tensor([1.0, 0.0])
    torch.testing.assert_close(moved[1], -0.5 * gradient)
    assert not moved[[0, 2, 3]].any()


class Spectral(nn.Module):
    """Multiplies by complex numbers."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.full((4, 3), 1 + 2j, dtype=torch.complex128))

    def forward(self, X):
        return (X.to(self.weight.dtype) @ self.weight).abs()


def test_complex_parameters_are_descended(blobs):
    """No fused kernel accepts these either."""
    batches = [tuple(map(torch.as_tensor, blobs))] * 2
    net, tuning = classifier(Spectral).initialize(), FineTuning(2, 0.1, 0.9, "cosine")
    expected = copy.deepcopy(net.module_)
    fine_tune(net, batches, tuning)
    sgd_by_hand(expected, nn.CrossEntropyLoss(), iter(batches), **tuning._asdict())
    torch.testing.assert_close(net.module_.weight, expected.weight)
