"""Nets of all kinds, each with the loss of one sample written out."""

import numpy as np
import torch
from tiny import (
    MLP,
    Probabilities,
    binary_classifier,
    classifier,
    make_blobs,
    plain_net,
    regressor,
)
from torch import nn

from skgex._nets.snapshot import snapshot

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
        cross_entropy,  # weights are not of the label's loss
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
