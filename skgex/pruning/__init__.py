"""Pruners of data sets: which rows could be left out of training."""

from skgex.pruning._dataset_pruner import DatasetPruner
from skgex.pruning._gex_pruner import GEXPruner
from skgex.pruning._mask import prune_mask

__all__ = ["DatasetPruner", "GEXPruner", "prune_mask"]
