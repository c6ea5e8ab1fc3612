"""Detectors of wrong labels."""

from skgex.detection._gex_detector import GEXDetector
from skgex.detection._noisy_label_detector import NoisyLabelDetector

__all__ = ["GEXDetector", "NoisyLabelDetector"]
