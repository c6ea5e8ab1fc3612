"""Curvature of nets against the matrices that autograd gives, in float64."""

import numpy as np
import pytest
import torch
from sample_losses import CASES, N, PairModule, X, Y, fitted
from tiny import classifier
from torch import nn

from skgex._nets.curvature import mean_curvature
from skgex._nets.evaluation import per_sample_criterion, sample_losses
from skgex._nets.sample_losses import SampleLosses


@pytest.fixture(params=CASES)
def case(request):
    net, y, loss = CASES[request.param]
    return fitted(net, y), y, loss


def test_curvature_is_the_hessian_of_autograd(case):
    trained, y, _ = case
    losses = SampleLosses(trained)

    def mean_loss(theta):
        return losses(theta, torch.tensor(X), torch.tensor(y)).mean()

    hessian = torch.autograd.functional.hessian(mean_loss, losses.theta)
    unit = torch.eye(len(losses.theta), dtype=torch.float64)
    np.testing.assert_allclose(
        mean_curvature(losses, X, y, "hessian")(unit), hessian, atol=1e-10
    )


def test_curvature_of_a_linear_model_is_its_gauss_newton_matrix():
    net = classifier(nn.Linear, module__in_features=4, module__out_features=3)
    net.set_params(module__dtype=torch.float64, max_epochs=30, batch_size=4)
    losses = SampleLosses(fitted(net, Y))
    unit = torch.eye(len(losses.theta), dtype=torch.float64)
    np.testing.assert_allclose(
        mean_curvature(losses, X, Y, "gauss_newton")(unit),
        mean_curvature(losses, X, Y, "hessian")(unit),
        atol=1e-12,
    )


def test_gauss_newton_matrix_is_jacobians_around_the_outputs_hessian(case):
    trained, y, _ = case
    losses = SampleLosses(trained)
    if "ScaledCriterion" in str(losses._module):
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
        with per_sample_criterion(losses._net):
            return sample_losses(losses._net, values, targets, None).mean()

    values = outputs(losses.theta).detach()
    jacobian = torch.autograd.functional.jacobian(outputs, losses.theta)
    jacobian = jacobian.reshape(values.numel(), -1)
    inner = torch.autograd.functional.hessian(loss, values)
    inner = inner.reshape(values.numel(), values.numel())
    unit = torch.eye(len(losses.theta), dtype=torch.float64)
    np.testing.assert_allclose(
        mean_curvature(losses, X, y, "gauss_newton")(unit),
        jacobian.T @ inner @ jacobian,
        atol=1e-10,
    )
