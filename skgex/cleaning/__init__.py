"""What is done with rows that are judged wrong: drop, relabel, weigh them down."""

from skgex._relabel import (
    hard_targets,
    influence_targets,
    probability_targets,
    weighted_rows,
)
from skgex.cleaning._classifier import CleanedClassifier
from skgex.cleaning._sampler import CleaningSampler

__all__ = [
    "CleanedClassifier",
    "CleaningSampler",
    "hard_targets",
    "influence_targets",
    "probability_targets",
    "weighted_rows",
]
