"""A small convolutional net that takes its shape from the images it is trained on."""

from typing import Any

import numpy as np
import torch
from skorch import NeuralNet, NeuralNetClassifier
from skorch.callbacks import Callback
from torch import nn

from skgex.images._shifting import RandomFlip, RandomShift

# Widths of the two stages, each of two convolutions.
WIDTHS = 32, 64

# The features of each channel are averaged over a grid of this many cells a side, so
# that the place of a stroke counts, but the number of weights does not grow with size.
CELLS = 4

# Channels of grey, colour, and colour with opacity.
CHANNELS = (1, 3, 4)


class ConvNet(nn.Module):
    """Two stages of two convolutions and one hidden layer; returns logits.

    Parameters
    ----------
    mean, scale : tuple of float
        One number per channel: the mean is subtracted, the scale divides.
    n_outputs : int
        Number of classes.
    channels_last : {0, 1}
        Whether images are (height, width, channels).
    shift : float
        In training, images are moved by up to this share of their sides.
    flip : bool
        In training, half of the images are mirrored, left for right.
    """

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self,
        mean: tuple[float, ...] = (0.0,),
        scale: tuple[float, ...] = (1.0,),
        n_outputs: int = 2,
        channels_last: int = 0,
        shift: float = 0.0,
        flip: bool = False,
    ):
        super().__init__()
        self.channels_last = bool(channels_last)
        self.register_buffer("mean", torch.tensor(mean).reshape(-1, 1, 1))
        self.register_buffer("scale", torch.tensor(scale).reshape(-1, 1, 1))
        self.augmentation = nn.Sequential(
            RandomShift(shift) if shift else nn.Identity(),
            RandomFlip() if flip else nn.Identity(),
        )
        self.layers = nn.Sequential(
            *_stage(len(mean), WIDTHS[0]),
            nn.MaxPool2d(2, ceil_mode=True),
            *_stage(*WIDTHS),
            nn.AdaptiveAvgPool2d(CELLS),
            nn.Flatten(),
            nn.Linear(WIDTHS[1] * CELLS**2, 128),
            nn.ReLU(),
            nn.Linear(128, n_outputs),
        )

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return logits of shape (n_samples, n_outputs)."""
        if X.ndim == 3:
            X = X.unsqueeze(1)
        elif self.channels_last:
            X = X.movedim(-1, 1)
        return self.layers(self.augmentation((X - self.mean) / self.scale))


def _stage(n_in: int, n_out: int) -> list[nn.Module]:
    """Return two convolutions that keep the size."""
    return [
        nn.Conv2d(n_in, n_out, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(n_out, n_out, 3, padding=1),
        nn.ReLU(),
    ]


class ImageShape(Callback):
    """Shape the module for the images and classes that a training begins with."""

    def on_train_begin(self, net: NeuralNet, X: Any, y: Any, **kwargs: Any) -> None:
        """Set the number of channels and classes, and what images are scaled by."""
        channels_last = has_channels_last(np.shape(X))
        axis = {3: None, 4: -1 if channels_last else 1}[np.ndim(X)]
        mean, scale = _moments(np.asarray(X), axis)
        n_outputs = int(np.max(y)) + 1
        wanted = {
            "mean": mean,
            "scale": scale,
            "n_outputs": n_outputs,
            "channels_last": int(channels_last),
        }
        params = net.get_params(deep=False)
        if any(params.get(f"module__{name}") != wanted[name] for name in wanted):
            net.set_params(**{f"module__{name}": wanted[name] for name in wanted})


def has_channels_last(shape: tuple[int, ...]) -> bool:
    """Return whether images are (n, height, width, channels).

    Raises
    ------
    ValueError
        If they are no images.
    """
    if len(shape) == 3:
        return False
    if len(shape) == 4 and shape[-1] in CHANNELS:
        return True
    if len(shape) == 4 and shape[1] in CHANNELS:
        return False
    raise ValueError(
        "X: images of shape (n, height, width), (n, height, width, channels) or "
        "(n, channels, height, width) with 1, 3 or 4 channels are expected, got "
        f"{shape}."
    )


def _moments(
    X: np.ndarray, axis: int | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel; 1 for a constant one."""
    channels = X[..., None] if axis is None else np.moveaxis(X, axis, -1)
    axes = tuple(range(channels.ndim - 1))
    mean = channels.mean(axis=axes, dtype=np.float64)
    scale = channels.std(axis=axes, dtype=np.float64)
    scale[scale == 0] = 1.0
    return tuple(mean.tolist()), tuple(scale.tolist())


def make_conv_net(
    shift: float, flip: bool, batch_size: int, max_epochs: int, device: str
) -> NeuralNetClassifier:
    """Make the unfitted net; see :func:`skgex.images.image_detector`."""
    return NeuralNetClassifier(
        ConvNet,
        module__shift=shift,
        module__flip=flip,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=2e-3,
        batch_size=batch_size,
        max_epochs=max_epochs,
        iterator_train__shuffle=True,
        train_split=None,
        callbacks=[ImageShape()],
        device=device,
        verbose=0,
    )
