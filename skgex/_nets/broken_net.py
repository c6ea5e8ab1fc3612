"""Nets that no answer can come from, because their weights or losses are no numbers."""

from typing import Any

import numpy as np
import torch
from skorch.dataset import unpack_data
from torch.utils._pytree import tree_leaves

from skgex._nets.batches import batches
from skgex._nets.snapshot import TrainedNet, revive
from skgex._utils.random import seeded

CURE = (
    "Scale the inputs (sklearn.preprocessing.StandardScaler) and the targets of a "
    "regression, or lower the net's own learning rate"
)


def check_weights(trained: TrainedNet, X: Any, y: Any = None) -> None:
    """Refuse a net with weights that are not finite.

    Parameters
    ----------
    trained : TrainedNet
    X : ndarray of shape (n_samples, ...) or Dataset
        What it was trained on.
    y : ndarray of shape (n_samples, ...) or None
        Targets as the net takes them.

    Raises
    ------
    ValueError
        If there are such weights. It names the epoch at which the training diverged,
        and the rows that are not finite themselves.
    """
    if not _is_broken(trained):
        return
    message = (
        f"net: its training diverged: weights are not finite{_when(trained.history)}."
    )
    rows = _rows_not_finite(trained, X, y)
    if len(rows):
        raise ValueError(
            f"{message} {len(rows)} samples of X are not finite, the first is row "
            f"{rows[0]}: impute or drop them."
        )
    raise ValueError(f"{message} {CURE}.")


def check_losses(losses: np.ndarray) -> None:
    """Refuse a trained net whose losses are nan, or mostly infinite.

    Raises
    ------
    ValueError
    """
    wrong = np.isnan(losses)
    if not wrong.any():
        wrong = np.isinf(losses)
        if wrong.mean() <= 0.5:
            return
    raise ValueError(
        f"net: its loss is not finite for {wrong.sum()} of {len(losses)} rows, the "
        f"first is row {wrong.argmax()}: there are samples or targets that are nan or "
        f"infinite, or the net has diverged. {CURE}."
    )


def _is_broken(trained: TrainedNet) -> bool:
    """Return whether a weight is nan, or a parameter infinite; a buffer may be."""
    parts = [part for state in trained.weights.values() for part in state.values()]
    parts = [part for part in parts if part.dtype.kind in "fc"]
    if any(np.isnan(part).any() for part in parts):
        return True
    if not any(np.isinf(part).any() for part in parts):
        return False
    parameters = revive(trained).get_all_learnable_params()
    return not all(torch.isfinite(parameter).all() for _, parameter in parameters)


def _when(history: list[dict]) -> str:
    """Name the epoch at which the training loss was no number any more."""
    for number, epoch in enumerate(history, start=1):
        loss = epoch.get("train_loss", 0.0)
        if not np.isfinite(loss):
            return f", and the loss was {loss} at epoch {number} of {len(history)}"
    return ""


def _rows_not_finite(trained: TrainedNet, X: Any, y: Any) -> np.ndarray:
    """Return the positions of samples that hold nan or infinity."""
    net, found = revive(trained), []
    with seeded(0):
        for batch in batches(net, net.get_dataset(X, y), training=False):
            rows = np.zeros(len(unpack_data(batch)[1]), dtype=bool)
            for part in tree_leaves(batch):
                if torch.is_tensor(part) and part.is_floating_point():
                    wrong = ~torch.isfinite(part).reshape(len(part), -1).all(dim=1)
                    rows |= wrong.cpu().numpy()
            found.append(rows)
    return np.flatnonzero(np.concatenate(found))
