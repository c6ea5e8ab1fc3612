"""skgex finds wrong labels and prunable rows by influence, inside scikit-learn."""

from skgex.detection import GEXDetector

__version__ = "0.1.0"

__all__ = ["GEXDetector", "__version__"]
