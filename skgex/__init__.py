"""skgex finds wrong labels and prunable rows by influence, inside scikit-learn."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skgex.cleaning import CleanedClassifier, CleaningSampler
    from skgex.detection import GEXDetector, NoisyLabelDetector
    from skgex.persistence import load
    from skgex.pruning import DatasetPruner, GEXPruner
    from skgex.tabular import tabular_detector

__version__ = "0.1.0"

# Imported when they are first used: torch takes seconds, which the command's help and
# its word on a wrong option do not need.
_HOMES = {
    "CleanedClassifier": "cleaning",
    "CleaningSampler": "cleaning",
    "DatasetPruner": "pruning",
    "GEXDetector": "detection",
    "GEXPruner": "pruning",
    "NoisyLabelDetector": "detection",
    "load": "persistence",
    "tabular_detector": "tabular",
}

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
    "persistence",
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
    "load",
    "tabular_detector",
]


def __getattr__(name: str) -> Any:
    """Import a public submodule, or what it holds, when it is first used."""
    if name in _SUBMODULES:
        return importlib.import_module(f"skgex.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(f"skgex.{_HOMES[name]}"), name)
        globals()[name] = value  # the next use finds it at once
        return value
    raise AttributeError(f"module 'skgex' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_SUBMODULES})
