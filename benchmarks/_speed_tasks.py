"""Nets and data of speed.py, and the loops to compare with."""

import math

import torch
from skorch import NeuralNetClassifier
from torch import nn

from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.growth import Growth
from skgex._nets.training import train

N_CLASSES = 10


class MLP(nn.Module):
    """Two hidden layers."""

    def __init__(self, n_features, hidden):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, N_CLASSES),
        )

    def forward(self, X):
        return self.layers(X)


class ConvNet(nn.Module):
    """Two convolutions over images of 16 x 16."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(256, N_CLASSES),
        )

    def forward(self, X):
        return self.layers(X)


def make_task(n_rows, batch_size, hidden=None, n_features=16, n_epochs=1):
    """Return a trained net, X and y. The net is an MLP, or conv if hidden is None."""
    generator = torch.Generator().manual_seed(0)
    shape = (1, 16, 16) if hidden is None else (n_features,)
    X = torch.randn(n_rows, *shape, generator=generator).numpy()
    y = torch.randint(N_CLASSES, (n_rows,), generator=generator).numpy()
    sizes = {"module__n_features": n_features, "module__hidden": hidden}
    net = NeuralNetClassifier(
        ConvNet if hidden is None else MLP,
        **({} if hidden is None else sizes),
        criterion=nn.CrossEntropyLoss,
        batch_size=batch_size,
        max_epochs=n_epochs,
        lr=0.01,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    )
    return train(net, X, y, 0), X, y


def grow_members(trained, X, y, n_members, n_steps):
    """Fine-tune members and compute the losses of all rows, as ``fit`` does."""
    tuning = FineTuning(n_steps, 0.01, 0.9, "cosine")
    return Growth(trained, X, y, tuning, range(n_members)).grow(n_members)


def plain_loop(module, X, y, n_members, n_steps, batch_size):
    """Do the same in plain torch, written for this one net.

    Batches are indexed as tensors, and losses are computed in batches of equal size.
    """
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    start = {key: value.clone() for key, value in module.state_dict().items()}
    losses = [_plain_losses(module, X, y, batch_size)]
    for _ in range(n_members):
        module.load_state_dict(start)
        optimizer = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9)
        module.train()
        step = 0
        while step < n_steps:
            for rows in torch.randperm(len(X)).split(batch_size):
                rate = 0.005 * (1 + math.cos(math.pi * step / n_steps))
                optimizer.param_groups[0]["lr"] = rate
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(module(X[rows]), y[rows])
                loss.backward()
                optimizer.step()
                step += 1
                if step == n_steps:
                    break
        losses.append(_plain_losses(module, X, y, batch_size))
    module.load_state_dict(start)
    return torch.stack(losses)


def skorch_loop(net, X, y, n_members, n_passes):
    """Do the same with skorch's ``partial_fit`` and ``predict_proba``."""
    net.predict_proba(X)
    for _ in range(n_members):
        net.initialize()
        net.set_params(max_epochs=n_passes)
        net.partial_fit(X, y)
        net.predict_proba(X)


def flops(trained, n_rows, n_members, n_steps, batch_size):
    """Count the operations that an MLP's members need, plus one pass of the net."""
    weights = trained.weights["module"].values()
    sizes = [value.size for value in weights if value.ndim == 2]
    forward = 2 * sum(sizes)
    backward = 2 * forward - 2 * sizes[0]  # inputs need no gradient
    steps = n_members * n_steps * batch_size * (forward + backward)
    return steps + (n_members + 1) * n_rows * forward


def _plain_losses(module, X, y, batch_size):
    module.eval()
    with torch.no_grad():
        parts = zip(X.split(batch_size), y.split(batch_size), strict=True)
        return torch.cat(
            [
                nn.functional.cross_entropy(module(Xi), yi, reduction="none")
                for Xi, yi in parts
            ]
        )
