"""Pruning of data sets."""

from skgex._prune import prune_mask
from skgex.pruning._gex import GEXPruner

__all__ = ["GEXPruner", "prune_mask"]
