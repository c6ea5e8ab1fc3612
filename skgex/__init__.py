"""skgex finds wrong labels and prunable rows by influence, inside scikit-learn."""

from skgex.cleaning import CleanedClassifier, CleaningSampler
from skgex.detection import GEXDetector, NoisyLabelDetector
from skgex.pruning import DatasetPruner, GEXPruner

__version__ = "0.1.0"

__all__ = [
    "CleanedClassifier",
    "CleaningSampler",
    "DatasetPruner",
    "GEXDetector",
    "GEXPruner",
    "NoisyLabelDetector",
    "__version__",
]
