"""A detector made for images."""

from collections.abc import Callable
from math import inf
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import torch
from sklearn.pipeline import Pipeline, make_pipeline
from torch import nn

from skgex.detection import GEXDetector
from skgex.images._conv_net import make_conv_net
from skgex.images._embedding import Embedding


def image_detector(
    *,
    backbone: str | Callable[[], nn.Module] | None = None,
    weights: str | Path | None = None,
    shift: float = 1 / 16,
    flip: bool = False,
    batch_size: int = 64,
    max_epochs: int = 20,
    device: str = "auto",
    **settings: Any,
) -> GEXDetector | Pipeline:
    """Make a detector of wrong labels of images.

    Without ``weights`` it is a :class:`~skgex.GEXDetector` around a small convolutional
    net, which takes its number of channels and classes from the images that it is
    fitted on, and which is trained from scratch on images that are moved a little.
    This suits some hundred to some ten thousand images of up to about 64 pixels a side.

    With ``weights``, images are turned into the embeddings of a backbone that was
    trained elsewhere, and a :class:`~skgex.GEXDetector` with its default net judges
    them. This suits photographs, and few images per class.

    Parameters
    ----------
    backbone : str or callable, default=None
        The net that makes embeddings: the name of a model of torchvision or, if that is
        not installed, of timm, such as "resnet18"; or a function without arguments that
        returns an untrained ``torch.nn.Module``. The embedding of an image is what
        enters the module's last linear layer.
    weights : str or Path, default=None
        File with the backbone's weights: its ``state_dict``, saved by ``torch.save``.
        It is read with ``weights_only=True``, so that the file cannot run code, and
        must fit the backbone exactly.
    shift : float, default=0.0625
        In training, images are moved by up to this share of their sides, in [0, 1/2).
        0 leaves them where they are. For the convolutional net only.
    flip : bool, default=False
        If True, half of the images are mirrored in training, left for right. Leave it
        off where that changes the meaning, as of digits and text. For the convolutional
        net only.
    batch_size : int, default=64
        Images per step of the convolutional net, or per pass through the backbone.
    max_epochs : int, default=20
        For how many passes over the images the convolutional net is trained at most; it
        stops where the loss of held-out labels no longer falls.
    device : str, default="auto"
        Where nets compute, such as "cpu" or "cuda". "auto" takes a GPU if there is one.
    **settings
        Parameters of :class:`~skgex.GEXDetector`, such as ``threshold``, ``n_jobs`` and
        ``random_state``.

    Returns
    -------
    detector : GEXDetector or Pipeline
        Unfitted. Its ``fit(X, y)`` takes images of shape (n, height, width) or (n,
        height, width, channels) with at least two images per class; the convolutional
        net also takes (n, channels, height, width). The Pipeline has the steps
        "embedding" and "gexdetector".

    Raises
    ------
    ValueError
        If an argument is impossible, or ``backbone`` comes without ``weights``.

    See Also
    --------
    skgex.images.read_image_folder : Read images from a folder of one sub-folder per
        class.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgex.images import image_detector
    >>> digits = load_digits(n_class=3)
    >>> detector = image_detector(max_epochs=4, n_members=2, random_state=0)
    >>> detector.fit(digits.images, digits.target).noise_mask_.shape
    (537,)
    """
    _check_number("shift", shift, Real, 0, 0.5)
    _check_number("batch_size", batch_size, Integral, 1, inf)
    _check_number("max_epochs", max_epochs, Integral, 1, inf)
    if (backbone is None) != (weights is None):
        given, missing = (
            ("weights", "backbone") if backbone is None else ("backbone", "weights")
        )
        raise ValueError(
            f"{missing}: is needed with {given}; embeddings come from a net and its "
            "weights, such as backbone='resnet18', weights='resnet18.pt'."
        )
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if backbone is None:
        net = make_conv_net(shift, flip, batch_size, max_epochs, device)
        return GEXDetector(net, **settings)
    embedding = Embedding(backbone, weights, batch_size=batch_size, device=device)
    return make_pipeline(embedding, GEXDetector(**settings))


def _check_number(name: str, value: Any, kind: Any, low: float, end: float) -> None:
    """Refuse what is no number of a kind, or below the lowest, or not below the end."""
    is_one = isinstance(value, kind) and not isinstance(value, bool)
    if not is_one or not low <= value < end:
        wanted = "an int" if kind is Integral else "a number"
        most = "" if end == inf else f" and below {end:g}"
        raise ValueError(
            f"{name}: must be {wanted} of at least {low}{most}, got {value!r}."
        )
