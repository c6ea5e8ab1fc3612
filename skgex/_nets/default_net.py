"""The nets that are used if none is given: a small MLP, or on wide data a linear net.

On data with few features per row, an MLP finds more wrong labels even if a linear net
predicts held-out labels as well. On wide data, such as texts, it has memorised labels
after an epoch, so that it has to predict better (``net_choice.py``).
"""

from typing import Any

import numpy as np
import torch
from skorch import NeuralNetClassifier
from torch import nn

from skgex._nets.batches import SliceLoader
from skgex._nets.default_inputs import Columns, Inputs, columns_of

# The mean squared norm of a linear net's inputs. The steps of SGD grow with it: data
# with few and with many features can then have the same learning rates.
LINEAR_NORM = 10.0

# With more features per row than this, data are wide.
WIDE = 1 / 8

# Where fewer values than this share are not zero, linear nets of both scales are tried.
SPARSE = 0.1


class MLP(nn.Module):
    """Two hidden layers over :class:`Inputs`; returns logits.

    Parameters
    ----------
    mean, scale, incomplete
        As for :class:`Inputs`.
    n_outputs : int
        Number of classes.
    hidden : int, default=128
        Width of both hidden layers.
    """

    def __init__(
        self,
        mean: np.ndarray,
        scale: np.ndarray,
        n_outputs: int,
        hidden: int = 128,
        incomplete: np.ndarray | None = None,
    ):
        super().__init__()
        self.inputs = Inputs(mean, scale, incomplete)
        dtype = self.inputs.mean.dtype  # whatever torch's default is
        self.layers = nn.Sequential(
            nn.Linear(self.inputs.n_inputs, hidden, dtype=dtype),
            nn.ReLU(),
            nn.Linear(hidden, hidden, dtype=dtype),
            nn.ReLU(),
            nn.Linear(hidden, n_outputs, dtype=dtype),
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (n_samples, n_outputs)."""
        return self.layers(self.inputs(X))


class Linear(nn.Module):
    """One layer over :class:`Inputs`; returns logits.

    Its weights start at zero: those of a feature that few samples have move little, and
    would keep most of a random start.

    Parameters
    ----------
    mean, scale, incomplete
        As for :class:`Inputs`.
    n_outputs : int
        Number of classes.
    gain : float, default=1.0
        The inputs are multiplied by it.
    """

    def __init__(
        self,
        mean: np.ndarray,
        scale: np.ndarray,
        n_outputs: int,
        gain: float = 1.0,
        incomplete: np.ndarray | None = None,
    ):
        super().__init__()
        self.inputs = Inputs(mean, scale, incomplete)
        self.gain = gain
        dtype = self.inputs.mean.dtype
        self.layer = nn.Linear(self.inputs.n_inputs, n_outputs, dtype=dtype)
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (n_samples, n_outputs)."""
        return self.layer(self.gain * self.inputs(X))


def make_default_net(X: Any, n_classes: int) -> NeuralNetClassifier:
    """Make the unfitted net to use where no held-out labels choose.

    Parameters
    ----------
    X : ndarray or SparseRows of shape (n_samples, ...), dtype=float32
        nan stands for a missing value.
    n_classes : int
    """
    return make_default_nets(X, n_classes)[0]


def make_default_nets(X: Any, n_classes: int) -> list[NeuralNetClassifier]:
    """Make the unfitted nets to choose from; one that comes first needs less evidence.

    The MLP alone, or linear nets before it if X is wide.

    Parameters
    ----------
    X, n_classes
        As for :func:`make_default_net`.
    """
    columns = columns_of(X)
    mlp = _mlp(X, n_classes, columns)
    if len(columns.mean) <= WIDE * len(X):
        return [mlp]
    scales = [columns.size]
    if columns.filled.mean() < SPARSE:
        scales.append(columns.deviation)
    return [*(_linear(X, n_classes, columns, scale) for scale in scales), mlp]


def _mlp(X: Any, n_classes: int, columns: Columns) -> NeuralNetClassifier:
    net = _net(MLP, X, n_classes, columns, columns.size)
    return net.set_params(optimizer=torch.optim.Adam, lr=2e-3)


def _linear(
    X: Any, n_classes: int, columns: Columns, scale: np.ndarray
) -> NeuralNetClassifier:
    """Make a net whose steps follow the gradient.

    Adam's would be as large for features that few samples have as for all others, which
    memorises the labels of these samples.
    """
    variance = np.square(columns.deviation / scale)[columns.varies].sum()
    net = _net(Linear, X, n_classes, columns, scale)
    return net.set_params(
        module__gain=float(np.sqrt(LINEAR_NORM / max(variance, 1.0))),
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        lr=0.1,
    )


def default_batch_size(n_rows: int) -> int:
    """Return how many rows a training step of the default net takes."""
    return int(np.clip(n_rows // 16, 16, 128))


def _net(
    module: type[nn.Module],
    X: Any,
    n_classes: int,
    columns: Columns,
    scale: np.ndarray,
) -> NeuralNetClassifier:
    incomplete = {}
    if len(columns.incomplete):
        incomplete["module__incomplete"] = columns.incomplete
    return NeuralNetClassifier(
        module,
        module__mean=columns.mean.astype(np.float32),
        module__scale=scale.astype(np.float32),
        module__n_outputs=n_classes,
        **incomplete,
        criterion=nn.CrossEntropyLoss,
        batch_size=default_batch_size(len(X)),
        iterator_train=SliceLoader,
        iterator_train__shuffle=True,
        iterator_valid=SliceLoader,
        train_split=None,
        # Nobody reads what these do after every epoch.
        callbacks__valid_acc=None,
        callbacks__print_log=None,
        verbose=0,
    )
