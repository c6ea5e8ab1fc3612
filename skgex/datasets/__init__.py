"""Toy data, and label noise that is known."""

from skgex.datasets._circles import make_three_circles
from skgex.datasets._noise import flip_labels

__all__ = ["flip_labels", "make_three_circles"]
