"""Tiny data, modules and nets of the tests.

Modules live here, at the top of a module, so that nets of them can be pickled and
sent to other processes. All compute in float64 unless asked otherwise, which lets
tests compare to 1e-6 and better.
"""

import numpy as np
import torch
from skorch import (
    NeuralNet,
    NeuralNetBinaryClassifier,
    NeuralNetClassifier,
    NeuralNetRegressor,
)
from torch import nn
from torch.utils.data import Dataset

N_ROWS, N_FEATURES, N_CLASSES = 60, 4, 3


class MLP(nn.Module):
    """One hidden layer; logits, or values of shape (n_samples, n_outputs)."""

    def __init__(
        self,
        n_features=N_FEATURES,
        n_outputs=N_CLASSES,
        hidden=8,
        dropout=0.0,
        batch_norm=False,
        dtype=torch.float64,
    ):
        super().__init__()
        self.hidden = nn.Linear(n_features, hidden)
        self.norm = nn.BatchNorm1d(hidden) if batch_norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, n_outputs)
        self.to(dtype)

    def forward(self, X):
        return self.output(self.dropout(torch.tanh(self.norm(self.hidden(X)))))


class Probabilities(MLP):
    """For skorch's default NLLLoss."""

    def forward(self, X):
        return super().forward(X).softmax(dim=1)


class Flat(MLP):
    """One output of shape (n_samples,)."""

    def __init__(self, **kwargs):
        super().__init__(n_outputs=1, **kwargs)

    def forward(self, X):
        return super().forward(X)[:, 0]


class Pair(MLP):
    """A tuple of outputs, of which the first is the prediction."""

    def forward(self, X):
        logits = super().forward(X)
        return logits, logits.square()


class ConvNet(nn.Module):
    """For images of shape (channels, height, width), of any size."""

    def __init__(self, channels=1, n_outputs=N_CLASSES):
        super().__init__()
        self.conv = nn.Conv2d(channels, 4, 3, padding=1)
        self.output = nn.Linear(4, n_outputs)

    def forward(self, X):
        return self.output(torch.relu(self.conv(X)).mean(dim=(2, 3)))


class Tagger(nn.Module):
    """Embeds integer tokens of shape (n_samples, length)."""

    def __init__(self, n_tokens=20, n_outputs=N_CLASSES):
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, 8)
        self.output = nn.Linear(8, n_outputs)

    def forward(self, X):
        return self.output(self.embedding(X).mean(dim=1))


class AnyWidth(nn.Module):
    """Logits for inputs of any width, for scikit-learn's checks.

    They compare rows in another order to 1e-7, finer than float32 rounds everywhere.
    """

    def __init__(self, n_outputs=N_CLASSES, n_pooled=4):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool1d(n_pooled)
        self.output = nn.Linear(n_pooled, n_outputs)
        self.double()

    def forward(self, X):
        return self.output(self.pool(X[:, None])[:, 0])


class PairNet(NeuralNetClassifier):
    """Takes the loss of the first of a tuple of outputs."""

    def get_loss(self, y_pred, y_true, *args, **kwargs):
        return super().get_loss(y_pred[0], y_true, *args, **kwargs)


class PairDataset(Dataset):
    """A torch Dataset of pairs (sample, target)."""

    def __init__(self, X, y):
        self.X, self.y = X, y

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        return self.X[i], self.y[i]


class OwnCriterion(nn.Module):
    """A user's criterion, squared error of the logits, with ``reduction``."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, logits, y):
        wanted = nn.functional.one_hot(y, logits.shape[1]).to(logits.dtype)
        each = (logits - wanted).square().sum(dim=1)
        return each if self.reduction == "none" else each.mean()


class BareCriterion(nn.Module):
    """The same without ``reduction``."""

    def forward(self, logits, y):
        wanted = nn.functional.one_hot(y, logits.shape[1]).to(logits.dtype)
        return (logits - wanted).square().sum(dim=1).mean()


def make_blobs(n_rows=N_ROWS, n_classes=N_CLASSES, spread=0.7, seed=0):
    """Gaussian classes around corners; float64 rows and int64 labels, in turn."""
    rng = np.random.RandomState(seed)
    y = np.arange(n_rows) % n_classes
    centres = 2.0 * np.eye(n_classes, N_FEATURES)
    return centres[y] + spread * rng.standard_normal((n_rows, N_FEATURES)), y


def flip_every(y, step, n_classes=N_CLASSES):
    """Move every ``step``-th label to the next class; give the mask as well."""
    noise_mask = np.arange(len(y)) % step == 0
    return np.where(noise_mask, (y + 1) % n_classes, y), noise_mask


def _defaults(kwargs):
    quiet = {"train_split": None, "verbose": 0, "batch_size": 16, "lr": 0.05}
    return {**quiet, "max_epochs": 3, **kwargs}


def classifier(module=MLP, **kwargs):
    """A NeuralNetClassifier on logits and cross entropy."""
    kwargs.setdefault("criterion", nn.CrossEntropyLoss)
    return NeuralNetClassifier(module, **_defaults(kwargs))


def binary_classifier(**kwargs):
    """A NeuralNetBinaryClassifier on one logit."""
    return NeuralNetBinaryClassifier(Flat, **_defaults(kwargs))


def regressor(**kwargs):
    """A NeuralNetRegressor with several outputs."""
    return NeuralNetRegressor(MLP, **_defaults(kwargs))


def plain_net(module=MLP, **kwargs):
    """A NeuralNet that is neither a classifier nor a regressor."""
    kwargs.setdefault("criterion", nn.MSELoss)
    return NeuralNet(module, **_defaults(kwargs))


def learner(**kwargs):
    """A float32 classifier that fits the blobs well within a moment."""
    settings = {
        "module__dtype": torch.float32,
        "module__hidden": 16,
        "optimizer": torch.optim.Adam,
        "lr": 0.02,
        "max_epochs": 15,
    }
    return classifier(**{**settings, **kwargs})
