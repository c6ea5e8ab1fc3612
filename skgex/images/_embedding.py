"""Embeddings of images by a net that was trained elsewhere."""

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted
from torch import nn
from torch.nn.functional import interpolate

from skgex.images._conv_net import has_channels_last

# What backbones of torchvision and timm were trained on: ImageNet's images.
SIDE = 224
MEAN = (0.485, 0.456, 0.406)
SCALE = (0.229, 0.224, 0.225)


class Embedding(TransformerMixin, BaseEstimator):
    """Turn images into what enters the last linear layer of a frozen backbone.

    Parameters
    ----------
    backbone, weights, batch_size, device
        As for :func:`skgex.images.image_detector`.

    Attributes
    ----------
    backbone_ : torch.nn.Module
        The backbone with its weights.
    """

    def __init__(
        self,
        backbone: str | Callable[[], nn.Module],
        weights: str | Path | None,
        *,
        batch_size: int = 64,
        device: str = "cpu",
    ):
        self.backbone = backbone
        self.weights = weights
        self.batch_size = batch_size
        self.device = device

    def fit(self, X: Any, y: Any = None) -> Self:
        """Load the weights; images and labels change nothing."""
        has_channels_last(np.shape(X))
        module = make_backbone(self.backbone)
        last_linear(module)
        load_weights_file(module, self.weights)
        self.backbone_ = module.eval().requires_grad_(False)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return embeddings of shape (n_samples, n_features), dtype=float32."""
        check_is_fitted(self)
        X = np.asarray(X)
        parts: list[np.ndarray] = []
        module = self.backbone_.to(self.device)
        hook = last_linear(module).register_forward_pre_hook(
            lambda _, entering: parts.append(entering[0].flatten(1).cpu().numpy())
        )
        try:
            with torch.no_grad():
                for rows in gen_batches(len(X), self.batch_size):
                    module(for_backbone(X[rows]).to(self.device))
        finally:
            hook.remove()
        return np.concatenate(parts)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "backbone_")


def for_backbone(X: np.ndarray) -> torch.Tensor:
    """Return images as ImageNet's were: (n, 3, 224, 224), standardised."""
    if X.ndim == 3:
        X = X[:, None]
    elif has_channels_last(X.shape):
        X = np.moveaxis(X, -1, 1)
    images = torch.as_tensor(np.ascontiguousarray(X, dtype=np.float32))
    if X.dtype == np.uint8:
        images = images / 255
    images = images[:, :3].expand(-1, 3, -1, -1)
    images = interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True)
    mean, scale = (torch.tensor(each).reshape(1, 3, 1, 1) for each in (MEAN, SCALE))
    return (images - mean) / scale


def make_backbone(backbone: str | Callable[[], nn.Module]) -> nn.Module:
    """Return an untrained backbone.

    Raises
    ------
    ImportError
        If neither torchvision nor timm is installed.
    ValueError
        If the library has no model of that name, or a function returns no module.
    """
    if callable(backbone):
        module = backbone()
        if not isinstance(module, nn.Module):
            kind = type(module).__name__
            raise ValueError(f"backbone: must return a torch.nn.Module, got {kind}.")
        return module
    library, make = _library()
    try:
        return make(backbone)
    except (ValueError, RuntimeError, KeyError) as error:
        raise ValueError(
            f"backbone: {library} has no model named {backbone!r}; 'resnet18' is one."
        ) from error


def _library() -> tuple[str, Callable[[str], nn.Module]]:
    """Return the library of backbones that is installed, and how it makes one."""
    for name, function, untrained in (
        ("torchvision.models", "get_model", {"weights": None}),
        ("timm", "create_model", {"pretrained": False}),
    ):
        try:
            make = getattr(importlib.import_module(name), function)
        except ImportError:
            continue
        return name.partition(".")[0], partial(make, **untrained)
    raise ImportError(
        "backbone: a model by name needs torchvision or timm: pip install torchvision; "
        "or pass a function that returns a torch.nn.Module."
    )


def last_linear(module: nn.Module) -> nn.Linear:
    """Return the last linear layer of a backbone, which no embedding passes."""
    layers = [part for part in module.modules() if isinstance(part, nn.Linear)]
    if not layers:
        raise ValueError(
            "backbone: has no linear layer, so that it is unclear what its embeddings "
            "are; add one behind them."
        )
    return layers[-1]


def load_weights_file(module: nn.Module, path: str | Path | None) -> None:
    """Load a saved ``state_dict`` into a module, exactly.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds anything but weights, or those of another module.
    """
    if path is None or not Path(path).is_file():
        raise FileNotFoundError(f"weights: there is no file {str(path)!r}.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file may raise anything
        raise ValueError(
            f"weights: {str(path)!r} cannot be read as weights; save them by "
            "torch.save(model.state_dict(), path)."
        ) from error
    try:
        module.load_state_dict(state, strict=True)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(
            f"weights: those in {str(path)!r} do not fit the backbone: {reason}"
        ) from error
