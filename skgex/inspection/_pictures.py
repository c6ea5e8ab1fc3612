"""Samples as pictures: whatever a net takes, as uint8 that a screen can show."""

from math import isqrt
from typing import Any

import numpy as np
import torch

# A square number of features is taken for a flat picture from this side on: tables of
# 4, 9, 16, 25, 36 or 49 columns are more common than pictures that small.
MIN_SIDE = 8

# How a DataFrame's columns begin if they are pixels, in scikit-learn's and OpenML's.
PIXEL = "pixel"

GREY, COLOUR, COLOUR_ALPHA = 1, 3, 4
CHANNELS = (GREY, COLOUR, COLOUR_ALPHA)

# Where pixels have a sign, they were standardised: these shares of the darkest and the
# brightest do not set the scale.
TAILS = (0.005, 0.995)

SHAPES = (
    "(n, height * width) with equal sides of at least 8 pixels, (n, height, width), "
    "(n, channels, height, width) or (n, height, width, channels) with 1, 3 or 4 "
    "channels"
)


def as_pictures(X: Any) -> np.ndarray:
    """Turn samples into pictures.

    Parameters
    ----------
    X : array-like, DataFrame or torch.Tensor of shape (n_samples, height * width), \
            (n_samples, height, width), (n_samples, channels, height, width) or \
            (n_samples, height, width, channels)
        Numbers of any type and range. Flat rows are square and grey, with at least 8
        pixels a side. A DataFrame's columns must be called "pixel" and something, as
        those of scikit-learn and OpenML are: those of another table are no pixels.

    Returns
    -------
    pictures : ndarray of shape (n_samples, height, width) or \
            (n_samples, height, width, 3), dtype=uint8
        Grey or coloured; 255 is the brightest. ``uint8`` stays as it is. Numbers from 0
        to 1 are multiplied by 255, other numbers without a sign are divided by the
        largest, and numbers with a sign are stretched so that all but a hundredth of
        them fit. What is not finite is black; an alpha channel is dropped.

    Raises
    ------
    ValueError
        If the samples are no pictures.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skgex.inspection._pictures import as_pictures
    >>> as_pictures(load_digits().data).shape
    (1797, 8, 8)
    """
    _check_columns(X)
    return _to_bytes(_channels_last(_as_array(X)))


def _check_columns(X: Any) -> None:
    """Refuse a DataFrame whose columns are no pixels."""
    columns = getattr(X, "columns", None)
    if columns is None:
        return
    if not all(str(name).lower().startswith(PIXEL) for name in columns):
        raise ValueError(
            f"X: the columns of a DataFrame of images are called {PIXEL!r} and a "
            f"number, got {str(next(iter(columns)))!r}. Pass an array if these are "
            "images."
        )


def _as_array(X: Any) -> np.ndarray:
    """Return samples as an array of numbers."""
    if isinstance(X, torch.Tensor):
        X = X.detach().cpu()
        return (X.float() if X.is_floating_point() else X).numpy()
    try:
        array = np.asarray(X)
    except ValueError as error:  # ragged
        raise ValueError(f"X: images must be of one size; {error}.") from error
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"X: images are numbers, got {type(X).__name__} of dtype {array.dtype}."
        )
    return array


def _channels_last(X: np.ndarray) -> np.ndarray:
    """Return (n, height, width) or (n, height, width, 3)."""
    if X.ndim == 2:
        side = isqrt(X.shape[1])
        if side >= MIN_SIDE and side * side == X.shape[1]:
            return X.reshape(len(X), side, side)
    if X.ndim == 4 and X.shape[1] in CHANNELS:  # as torch has them
        X = np.moveaxis(X, 1, -1)
    if X.ndim == 4 and X.shape[-1] in CHANNELS:
        X = X[..., 0] if X.shape[-1] == GREY else X[..., :COLOUR]
    coloured = X.ndim == 4 and X.shape[-1] == COLOUR
    if not (X.ndim == 3 or coloured) or 0 in X.shape[1:]:
        raise ValueError(f"X: images are {SHAPES}, got {X.shape}.")
    return X


def _to_bytes(X: np.ndarray) -> np.ndarray:
    """Stretch numbers of any range over 0 to 255."""
    if X.dtype == np.uint8:
        return X
    X = X.astype(np.float32 if X.dtype.itemsize <= 4 else np.float64)
    low, high = _range(X[np.isfinite(X)])
    scaled = np.clip((X - low) * (255 / (high - low)), 0, 255)
    return np.round(np.nan_to_num(scaled)).astype(np.uint8)


def _range(finite: np.ndarray) -> tuple[float, float]:
    """Return which numbers are black and white."""
    if not len(finite):
        return 0.0, 1.0
    if finite.min() >= 0:
        highest = float(finite.max())
        return 0.0, highest if highest > 1 else 1.0
    low, high = (float(edge) for edge in np.quantile(finite, TAILS))
    return low, high if high > low else low + 1
