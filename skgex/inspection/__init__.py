"""Pictures of what a detector or a pruner found, as scikit-learn's Displays."""

from skgex.inspection._convergence_display import ConvergenceDisplay
from skgex.inspection._neighbors_display import NeighborsDisplay
from skgex.inspection._noise_matrix_display import NoiseMatrixDisplay
from skgex.inspection._noise_proba_display import NoiseProbaDisplay
from skgex.inspection._pruning_display import PruningDisplay
from skgex.inspection._score_display import ScoreDisplay
from skgex.inspection._suspicious_images_display import SuspiciousImagesDisplay

__all__ = [
    "ConvergenceDisplay",
    "NeighborsDisplay",
    "NoiseMatrixDisplay",
    "NoiseProbaDisplay",
    "PruningDisplay",
    "ScoreDisplay",
    "SuspiciousImagesDisplay",
]
