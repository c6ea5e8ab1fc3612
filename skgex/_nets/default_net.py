"""The net that is used if none is given: a small MLP, made for the data."""

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from sklearn.utils import gen_batches
from skorch import NeuralNetClassifier
from torch import nn

from skgex._nets.batches import SliceLoader

# Rows that are copied to float64 at once, to compute means and scales.
BLOCK = 4096

# Inputs further from their mean, in standard deviations, are clipped to this.
MAX_DEVIATIONS = 10.0


class MLP(nn.Module):
    """Two hidden layers over inputs that the module standardises; returns logits.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_features,)
        The mean is subtracted from the flattened inputs, which are then divided by the
        scale.
    n_outputs : int
        Number of classes.
    hidden : int, default=128
        Width of both hidden layers.
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self, mean: np.ndarray, scale: np.ndarray, n_outputs: int, hidden: int = 128
    ):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("scale", torch.tensor(scale))
        self.layers = nn.Sequential(
            nn.Linear(len(mean), hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, n_outputs),
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (n_samples, n_outputs)."""
        deviations = (X.flatten(1) - self.mean) / self.scale
        return self.layers(deviations.clamp(-MAX_DEVIATIONS, MAX_DEVIATIONS))


def make_default_net(X: np.ndarray, n_classes: int) -> NeuralNetClassifier:
    """Make the unfitted net for samples.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...), dtype=float32
    n_classes : int
    """
    rows, scaler = X.reshape(len(X), -1), StandardScaler()
    for block in gen_batches(len(rows), BLOCK):
        scaler.partial_fit(rows[block])
    return NeuralNetClassifier(
        MLP,
        module__mean=scaler.mean_.astype(np.float32),
        module__scale=scaler.scale_.astype(np.float32),
        module__n_outputs=n_classes,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=2e-3,
        batch_size=int(np.clip(len(X) // 16, 16, 128)),
        iterator_train=SliceLoader,
        iterator_train__shuffle=True,
        iterator_valid=SliceLoader,
        train_split=None,
        verbose=0,
    )
