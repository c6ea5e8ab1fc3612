"""What to do with rows flagged as wrong: drop, relabel or down-weight them."""

from skgex.cleaning._cleaned_classifier import CleanedClassifier
from skgex.cleaning._cleaning_sampler import CleaningSampler
from skgex.cleaning._decisions import apply_decisions
from skgex.detection._relabelling import (
    hard_targets,
    influence_targets,
    probability_targets,
    weighted_rows,
)

__all__ = [
    "CleanedClassifier",
    "CleaningSampler",
    "apply_decisions",
    "hard_targets",
    "influence_targets",
    "probability_targets",
    "weighted_rows",
]
