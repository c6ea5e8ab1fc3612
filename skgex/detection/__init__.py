"""Detection of wrong labels."""

from skgex.detection._gex import GEXDetector
from skgex.detection._scored import NoisyLabelDetector

__all__ = ["GEXDetector", "NoisyLabelDetector"]
