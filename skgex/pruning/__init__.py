"""Pruning of rows that a training set can do without."""

from skgex.pruning._gex import GEXPruner

__all__ = ["GEXPruner"]
