"""Detection of wrong labels."""

from skgex.detection._gex import GEXDetector

__all__ = ["GEXDetector"]
