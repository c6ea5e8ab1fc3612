"""Derivatives of samples' losses against loops of autograd calls, in float64."""

import numpy as np
import pytest
import torch
from tiny import (
    MLP,
    PairDataset,
    Probabilities,
    binary_classifier,
    classifier,
    make_blobs,
    plain_net,
    regressor,
)
from torch import nn

from skgex import _functional
from skgex._functional import SampleLosses
from skgex._net import evaluate, revive, snapshot

N = 10
X, Y = (part[:N] for part in make_blobs())
RNG = np.random.RandomState(0)


class Recurrent(nn.Module):
    """An LSTM, which cannot be batched by vmap."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 3, batch_first=True)
        self.output = nn.Linear(3, 3)
        self.double()

    def forward(self, X):
        return self.output(self.lstm(X[:, :, None])[0][:, -1])


class ScaledCriterion(nn.Module):
    """A criterion with a parameter of its own."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction
        self.scale = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))

    def forward(self, output, y):
        each = self.scale * (output - y[:, None]).square()
        return each if self.reduction == "none" else each.mean()


class PairModule(MLP):
    """Gives a tuple."""

    def forward(self, X):
        logits = super().forward(X)
        return logits, logits.square().mean(dim=1)


class PairLoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, outputs, y):
        logits, size = outputs
        each = nn.functional.cross_entropy(logits, y, reduction="none") + size
        return each if self.reduction == "none" else each.mean()


def nll(output, y):
    return -torch.log(output[0, y[0]] + torch.finfo(output.dtype).eps)


def cross_entropy(output, y):
    return nn.functional.cross_entropy(output, y)


# A net, its targets, and the loss of one sample written out.
CASES = {
    "cross entropy": (classifier(), Y, cross_entropy),
    "probabilities": (classifier(Probabilities, criterion=nn.NLLLoss), Y, nll),
    "class weights": (
        classifier(criterion__weight=torch.tensor([1.0, 2.0, 3.0]).double()),
        Y,
        lambda output, y: (1.0 + y[0]) * cross_entropy(output, y),
    ),
    "batch norm": (classifier(module__batch_norm=True), Y, cross_entropy),
    "binary": (
        binary_classifier(),
        (Y > 0).astype(float),
        lambda output, y: nn.functional.softplus(output[0] * (1 - 2 * y[0])),
    ),
    "several values": (
        regressor(),
        RNG.standard_normal((N, 3)),
        lambda output, y: (output - y).square().mean(),
    ),
    "a criterion with a parameter": (
        plain_net(criterion=ScaledCriterion, lr=0.0),
        Y.astype(float),
        lambda output, y: 2 * (output - y[:, None]).square().mean(),
    ),
    "a tuple": (
        plain_net(PairModule, criterion=PairLoss),
        Y,
        lambda outputs, y: cross_entropy(outputs[0], y) + outputs[1][0],
    ),
    "recurrent": (classifier(Recurrent), Y, cross_entropy),
}


def fitted(net, y):
    torch.manual_seed(0)
    return snapshot(net.fit(X, y))


def gradients_one_by_one(trained, y, loss):
    """Differentiate the loss of each sample by each parameter of the module."""
    module = revive(trained).module_.eval()
    rows = []
    for xi, yi in zip(torch.tensor(X), torch.tensor(y), strict=True):
        parts = torch.autograd.grad(
            loss(module(xi[None]), yi[None]), list(module.parameters())
        )
        rows.append(torch.cat([part.reshape(-1) for part in parts]).numpy())
    return np.array(rows)


@pytest.fixture(params=CASES)
def case(request):
    net, y, loss = CASES[request.param]
    return fitted(net, y), y, loss


def gradients(losses, X, y, **kwargs):
    return torch.cat(list(losses.gradients(X, y, **kwargs))).numpy()


def test_gradients_are_those_of_a_loop(case):
    trained, y, loss = case
    given = gradients(SampleLosses(trained), X, y)
    expected = gradients_one_by_one(trained, y, loss)
    np.testing.assert_allclose(given[:, : expected.shape[1]], expected, atol=1e-10)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"recurrent"}))
def test_gradients_of_common_nets_are_batched(name):
    net, y, _ = CASES[name]
    losses = SampleLosses(fitted(net, y))
    gradients(losses, X, y)
    assert losses._can_batch


def test_gradients_without_batching_are_the_same(case, monkeypatch):
    trained, y, _ = case
    batched = gradients(SampleLosses(trained), X, y)
    losses = SampleLosses(trained)
    losses._can_batch = False
    np.testing.assert_allclose(gradients(losses, X, y), batched, atol=1e-12)


def test_losses_are_those_of_the_evaluation(case):
    trained, y, _ = case
    losses = SampleLosses(trained)
    given = losses(losses.theta, torch.tensor(X), torch.tensor(y))
    expected = evaluate(revive(trained), X, y).losses
    np.testing.assert_allclose(given.numpy(), expected, rtol=1e-12)


def test_projections_and_derivatives_are_inner_products(case):
    trained, y, _ = case
    losses = SampleLosses(trained)
    directions = torch.tensor(RNG.standard_normal((3, len(losses.theta))))
    expected = gradients(losses, X, y) @ directions.numpy().T
    for given in (
        losses.projections(X, y, directions),
        losses.derivatives(X, y, directions),
    ):
        np.testing.assert_allclose(given, expected, atol=1e-10)


def test_curvature_is_the_hessian_of_autograd(case):
    trained, y, _ = case
    losses = SampleLosses(trained)

    def mean_loss(theta):
        return losses(theta, torch.tensor(X), torch.tensor(y)).mean()

    hessian = torch.autograd.functional.hessian(mean_loss, losses.theta)
    unit = torch.eye(len(losses.theta), dtype=torch.float64)
    np.testing.assert_allclose(
        losses.curvature(X, y, "hessian")(unit), hessian, atol=1e-10
    )


def test_curvature_of_a_linear_model_is_its_gauss_newton_matrix():
    net = classifier(nn.Linear, module__in_features=4, module__out_features=3)
    net.set_params(module__dtype=torch.float64, max_epochs=30, batch_size=4)
    losses = SampleLosses(fitted(net, Y))
    unit = torch.eye(len(losses.theta), dtype=torch.float64)
    np.testing.assert_allclose(
        losses.curvature(X, Y, "gauss_newton")(unit),
        losses.curvature(X, Y, "hessian")(unit),
        atol=1e-12,
    )


def test_gauss_newton_matrix_is_jacobians_around_the_outputs_hessian(case):
    trained, y, _ = case
    losses = SampleLosses(trained)
    if "ScaledCriterion" in str(losses._whole):
        pytest.skip("the criterion's parameter moves no output")
    module = losses._net.module_
    samples, targets = torch.tensor(X), torch.tensor(y)

    def outputs(theta):
        output = losses._at(theta, module, samples)
        parts = output if isinstance(output, tuple) else (output,)
        return torch.cat([part.reshape(N, -1) for part in parts], dim=1)

    def loss(values):
        if isinstance(module, PairModule):
            values = values[:, :3], values[:, 3]
        values = values[:, 0] if type(module).__name__ == "Flat" else values
        with _functional.per_sample_criterion(losses._net):
            return _functional.sample_losses(losses._net, values, targets, None).mean()

    values = outputs(losses.theta).detach()
    jacobian = torch.autograd.functional.jacobian(outputs, losses.theta)
    jacobian = jacobian.reshape(values.numel(), -1)
    inner = torch.autograd.functional.hessian(loss, values)
    inner = inner.reshape(values.numel(), values.numel())
    unit = torch.eye(len(losses.theta), dtype=torch.float64)
    np.testing.assert_allclose(
        losses.curvature(X, y, "gauss_newton")(unit),
        jacobian.T @ inner @ jacobian,
        atol=1e-10,
    )


def test_chunks_keep_to_the_bound_and_change_nothing():
    losses = SampleLosses(fitted(classifier(), Y))
    whole = gradients(losses, X, Y)
    row = losses.theta.nbytes
    for max_bytes, size in [(1, 1), (3 * row, 3), (100 * row, N)]:
        parts = list(losses.gradients(X, Y, max_bytes=max_bytes))
        assert max(map(len, parts)) == size
        np.testing.assert_allclose(torch.cat(parts), whole, rtol=1e-12)


def test_forms_are_those_of_the_gradients(monkeypatch):
    losses = SampleLosses(fitted(classifier(), Y))
    matrix = torch.tensor(RNG.standard_normal((len(losses.theta),) * 2))
    matrix = matrix + matrix.T
    g = gradients(losses, X, Y)
    expected = g @ matrix.numpy() @ g.T
    monkeypatch.setattr(_functional, "MAX_BYTES", 2 * losses.theta.nbytes)
    np.testing.assert_allclose(
        losses.quadratic_forms(X, Y, lambda v: v @ matrix), np.diag(expected)
    )
    np.testing.assert_allclose(
        losses.inner_products((X, Y), (X[:4], Y[:4]), lambda v: v @ matrix),
        expected[:, :4],
    )


def test_fixed_parameters_do_not_count():
    net = classifier().fit(X, Y)
    net.module_.hidden.requires_grad_(False)
    losses = SampleLosses(snapshot(net))
    assert len(losses.theta) == sum(p.numel() for p in net.module_.output.parameters())


def test_a_net_with_nothing_to_train_is_refused():
    net = classifier().fit(X, Y)
    net.module_.requires_grad_(False)
    with pytest.raises(ValueError, match="trainable"):
        SampleLosses(snapshot(net))


def test_parameters_go_into_weights_and_come_back():
    trained = fitted(classifier(module__batch_norm=True), Y)
    losses = SampleLosses(trained)
    weights = losses.weights_at(losses.theta + 1)
    np.testing.assert_array_equal(losses.theta_of(weights), losses.theta + 1)
    np.testing.assert_array_equal(losses.theta_of(trained.weights), losses.theta)
    moved, still = weights["module"], trained.weights["module"]
    np.testing.assert_array_equal(moved["output.bias"], still["output.bias"] + 1)
    np.testing.assert_array_equal(
        moved["norm.running_mean"], still["norm.running_mean"]
    )
    again = gradients(losses, X, Y)  # the weights were only borrowed
    np.testing.assert_array_equal(again, gradients(SampleLosses(trained), X, Y))


def test_a_dataset_gives_what_its_arrays_give():
    losses = SampleLosses(fitted(classifier(), Y))
    given = gradients(losses, PairDataset(X, Y), None)
    np.testing.assert_allclose(given, gradients(losses, X, Y), rtol=1e-12)


def test_global_generators_are_left_alone():
    losses = SampleLosses(fitted(classifier(), Y))
    before = torch.get_rng_state()
    losses.quadratic_forms(X, Y)
    losses.curvature(X, Y, "hessian")(losses.theta[None])
    assert torch.equal(torch.get_rng_state(), before)
