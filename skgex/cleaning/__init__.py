"""What is done with rows that are judged wrong: drop, relabel, weigh them down."""

from skgex.cleaning._cleaned_classifier import CleanedClassifier
from skgex.cleaning._cleaning_sampler import CleaningSampler
from skgex.detection._relabelling import (
    hard_targets,
    influence_targets,
    probability_targets,
    weighted_rows,
)

__all__ = [
    "CleanedClassifier",
    "CleaningSampler",
    "hard_targets",
    "influence_targets",
    "probability_targets",
    "weighted_rows",
]
