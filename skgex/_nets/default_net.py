"""The net that is used if none is given: a small MLP, made for the data."""

from typing import Any

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from sklearn.utils import gen_batches
from skorch import NeuralNetClassifier
from torch import nn

from skgex._data.casting import fit_scaler
from skgex._data.sparse_rows import SparseRows
from skgex._nets.batches import SliceLoader

# Rows that are copied to float64 at once, to compute means and scales.
BLOCK = 4096

# Inputs further from their mean, in standard deviations, are clipped to this.
MAX_DEVIATIONS = 10.0


class MLP(nn.Module):
    """Two hidden layers over inputs that the module standardises; returns logits.

    A missing input, nan, counts as the mean.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_features,)
        The mean is subtracted from the flattened inputs, which are then divided by the
        scale.
    n_outputs : int
        Number of classes.
    hidden : int, default=128
        Width of both hidden layers.
    incomplete : ndarray of int or None, default=None
        The inputs with missing values in training. Each has an indicator of them as
        one more input. None stands for no such inputs.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    incomplete: torch.Tensor

    def __init__(
        self,
        mean: np.ndarray,
        scale: np.ndarray,
        n_outputs: int,
        hidden: int = 128,
        incomplete: np.ndarray | None = None,
    ):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("scale", torch.tensor(scale))
        if incomplete is not None:
            self.register_buffer("incomplete", torch.tensor(incomplete))
        n_inputs = len(mean) + (0 if incomplete is None else len(incomplete))
        dtype = self.mean.dtype  # whatever torch's default is
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, hidden, dtype=dtype),
            nn.ReLU(),
            nn.Linear(hidden, hidden, dtype=dtype),
            nn.ReLU(),
            nn.Linear(hidden, n_outputs, dtype=dtype),
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (n_samples, n_outputs)."""
        deviations = (X.flatten(1) - self.mean) / self.scale
        inputs = deviations.clamp(-MAX_DEVIATIONS, MAX_DEVIATIONS).nan_to_num(0.0)
        if hasattr(self, "incomplete"):
            indicators = deviations[:, self.incomplete].isnan().to(inputs.dtype)
            inputs = torch.cat([inputs, indicators], dim=1)
        return self.layers(inputs)


def make_default_net(X: Any, n_classes: int) -> NeuralNetClassifier:
    """Make the unfitted net for samples.

    Parameters
    ----------
    X : ndarray or SparseRows of shape (n_samples, ...), dtype=float32
        nan stands for a missing value.
    n_classes : int
    """
    scaler, n_missing = _statistics(X)
    incomplete = {}
    if n_missing.any():
        incomplete["module__incomplete"] = np.flatnonzero(n_missing)
    # A column without any value has no mean; all of it counts as missing.
    mean, scale = np.nan_to_num(scaler.mean_), scaler.scale_
    return NeuralNetClassifier(
        MLP,
        module__mean=mean.astype(np.float32),
        module__scale=np.where(np.isnan(scale), 1.0, scale).astype(np.float32),
        module__n_outputs=n_classes,
        **incomplete,
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


def _statistics(X: Any) -> tuple[StandardScaler, np.ndarray]:
    """Return means and scales of the columns, and how many values each one lacks."""
    if isinstance(X, SparseRows):
        matrix = X.matrix
        n_missing = np.bincount(
            matrix.indices[np.isnan(matrix.data)], minlength=X.shape[1]
        )
        return fit_scaler(X), n_missing
    rows, scaler = X.reshape(len(X), -1), StandardScaler()
    n_missing = np.zeros(rows.shape[1], dtype=np.intp)
    for block in gen_batches(len(rows), BLOCK):
        with np.errstate(invalid="ignore"):  # in a column without any value
            scaler.partial_fit(rows[block])
        n_missing += np.isnan(rows[block]).sum(axis=0)
    return scaler, n_missing
