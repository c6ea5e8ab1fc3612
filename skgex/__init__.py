"""skgex finds wrong labels and prunable rows by influence, inside scikit-learn."""

import importlib
from typing import Any

from skgex.cleaning import CleanedClassifier, CleaningSampler
from skgex.detection import GEXDetector, NoisyLabelDetector
from skgex.pruning import DatasetPruner, GEXPruner
from skgex.tabular import tabular_detector

__version__ = "0.1.0"

_SUBMODULES = [
    "cleaning",
    "datasets",
    "detection",
    "exceptions",
    "hardness",
    "images",
    "influence",
    "inspection",
    "metrics",
    "pruning",
    "report",
    "tabular",
]

__all__ = [
    "CleanedClassifier",
    "CleaningSampler",
    "DatasetPruner",
    "GEXDetector",
    "GEXPruner",
    "NoisyLabelDetector",
    "__version__",
    "tabular_detector",
]


def __getattr__(name: str) -> Any:
    """Import a public submodule when it is first used, as scikit-learn does."""
    if name in _SUBMODULES:
        return importlib.import_module(f"skgex.{name}")
    raise AttributeError(f"module 'skgex' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_SUBMODULES])
