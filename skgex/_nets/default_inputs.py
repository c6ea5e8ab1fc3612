"""What the default nets make of samples before their first layer."""

from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from sklearn.utils import gen_batches
from torch import nn

from skgex._data.casting import fit_scaler, row_blocks
from skgex._data.sparse_rows import SparseRows, read

# Rows that are copied to float64 at once, to compute means and scales.
BLOCK = 4096

# Inputs further from their mean, in scales, are clipped to this.
MAX_DEVIATIONS = 10.0


class Inputs(nn.Module):
    """Centre and scale flattened samples, clip them, and mark missing values.

    A missing value, nan, counts as the mean.

    Parameters
    ----------
    mean, scale : ndarray of shape (n_features,)
        The mean is subtracted from the samples, which are then divided by the scale.
    incomplete : ndarray of int or None, default=None
        The features with missing values in training. Each has an indicator of them as
        one more input. None stands for no such features.

    Attributes
    ----------
    n_inputs : int
        Number of features and indicators.
    """

    mean: torch.Tensor
    scale: torch.Tensor
    incomplete: torch.Tensor

    def __init__(
        self,
        mean: np.ndarray,
        scale: np.ndarray,
        incomplete: np.ndarray | None = None,
    ):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("scale", torch.tensor(scale))
        if incomplete is not None:
            self.register_buffer("incomplete", torch.tensor(incomplete))
        self.n_inputs = len(mean) + (0 if incomplete is None else len(incomplete))

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return inputs of shape (n_samples, n_inputs)."""
        deviations = (X.flatten(1) - self.mean) / self.scale
        inputs = deviations.clamp(-MAX_DEVIATIONS, MAX_DEVIATIONS).nan_to_num(0.0)
        if hasattr(self, "incomplete"):
            indicators = deviations[:, self.incomplete].isnan().to(inputs.dtype)
            inputs = torch.cat([inputs, indicators], dim=1)
        return inputs


class Columns(NamedTuple):
    """Statistics of the features of samples, all but one of shape (n_features,).

    Attributes
    ----------
    mean, deviation : ndarray of float64
        Of the values that are not missing. The deviation of a constant is 1; so is that
        of a feature without any value, whose mean is 0.
    size : ndarray of float64
        The deviation, divided by the square root of the share of values that are not
        zero. In units of their deviation, the few values of a feature that is mostly
        zero would be larger than those of all others.
    filled : ndarray of float64
        The share of values that are not zero, among those that are not missing.
    varies : ndarray of bool
        Which features are not constant.
    incomplete : ndarray of intp
        Which features lack values.
    """

    mean: np.ndarray
    deviation: np.ndarray
    size: np.ndarray
    filled: np.ndarray
    varies: np.ndarray
    incomplete: np.ndarray


def columns_of(X: Any) -> Columns:
    """Return the statistics of the features of samples.

    Parameters
    ----------
    X : ndarray or SparseRows of shape (n_samples, ...), dtype=float32
        nan stands for a missing value.
    """
    scaler = fit_scaler(X) if isinstance(X, SparseRows) else _fit_dense(X)
    n_missing, n_filled = _counts(X)
    n_known = np.maximum(len(X) - n_missing, 1)
    filled = n_filled / n_known
    deviation = np.nan_to_num(scaler.scale_, nan=1.0)
    return Columns(
        mean=np.nan_to_num(scaler.mean_),
        deviation=deviation,
        size=deviation / np.sqrt(np.where(n_filled > 0, filled, 1.0)),
        filled=filled,
        varies=scaler.var_ > 0,
        incomplete=np.flatnonzero(n_missing),
    )


def _fit_dense(X: np.ndarray) -> StandardScaler:
    rows, scaler = X.reshape(len(X), -1), StandardScaler()
    for block in gen_batches(len(rows), BLOCK):
        with np.errstate(invalid="ignore"):  # in a column without any value
            scaler.partial_fit(rows[block])
    return scaler


def _counts(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return how many values each feature lacks, and how many are not zero."""
    n_features = int(np.prod(X.shape[1:]))
    n_missing, n_filled = np.zeros((2, n_features), dtype=np.intp)
    for block in row_blocks(X):
        rows = read(X, block).reshape(-1, n_features)
        missing = np.isnan(rows).sum(axis=0)
        n_missing += missing
        n_filled += np.count_nonzero(rows, axis=0) - missing
    return n_missing, n_filled
