"""A logistic regression whose optimum is exact, and its derivatives by autograd."""

import numpy as np
import torch
from skorch import NeuralNetClassifier
from tiny import make_blobs
from torch import nn

PENALTY = 0.3


class Ridge(NeuralNetClassifier):
    """The penalty is part of each sample's loss: it leaves with the sample."""

    def get_loss(self, y_pred, y_true, *args, **kwargs):
        loss = super().get_loss(y_pred, y_true, *args, **kwargs)
        squares = sum(p.square().sum() for p in self.module_.parameters())
        return loss + PENALTY / 2 * squares


def logistic_regression():
    """Trained to the optimum, to rounding, by one call of LBFGS on all rows."""
    return Ridge(
        nn.Linear,
        module__in_features=4,
        module__out_features=3,
        module__dtype=torch.float64,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.LBFGS,
        optimizer__line_search_fn="strong_wolfe",
        optimizer__max_iter=100,
        optimizer__tolerance_grad=1e-9,
        optimizer__tolerance_change=0.0,
        lr=1.0,
        max_epochs=1,
        batch_size=-1,
        train_split=None,
        verbose=0,
    )


def make_rows(n_rows=90):
    """Overlapping classes, so that rows matter."""
    return make_blobs(n_rows, spread=1.5)


def losses_at(theta, X, y):
    """The loss of each sample, with theta the weights and then the biases."""
    weights, biases = theta[:12].view(3, 4), theta[12:]
    each = nn.functional.cross_entropy(X @ weights.T + biases, y, reduction="none")
    return each + PENALTY / 2 * theta.square().sum()


def derivatives(net, X, y):
    """Gradients of the samples, (n, 15), and the Hessian of their mean loss."""
    theta = torch.cat([p.detach().reshape(-1) for p in net.module_.parameters()])
    X, y = torch.as_tensor(X), torch.as_tensor(y)
    gradients = torch.autograd.functional.jacobian(lambda t: losses_at(t, X, y), theta)
    hessian = torch.autograd.functional.hessian(
        lambda t: losses_at(t, X, y).mean(), theta
    )
    return gradients.numpy(), hessian.numpy()


def exact_influence(estimator, X, y, damping=0.0):
    """g (H + damping)⁻¹ g' / N over all pairs, from autograd and numpy alone."""
    gradients, hessian = derivatives(estimator.net_, X, y)
    damped = hessian + damping * np.eye(len(hessian))
    return gradients @ np.linalg.solve(damped, gradients.T) / len(X)
