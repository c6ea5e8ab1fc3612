"""Pruning of data sets."""

from skgex._prune import prune_mask
from skgex.pruning._gex import GEXPruner
from skgex.pruning._scored import DatasetPruner

__all__ = ["DatasetPruner", "GEXPruner", "prune_mask"]
