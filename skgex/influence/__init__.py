"""Estimators of influence: what if this row were absent."""

from skgex.influence._gex import GEX

__all__ = ["GEX"]
