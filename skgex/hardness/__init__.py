"""Estimators of hardness: how hard is this row to learn."""

from skgex.hardness._aum import AUM
from skgex.hardness._confident_learning import ConfidentLearning
from skgex.hardness._data_map import DataMap
from skgex.hardness._deep_knn import DeepKNN
from skgex.hardness._el2n import EL2N
from skgex.hardness._forgetting import ForgettingScore
from skgex.hardness._out_of_fold import OutOfFold
from skgex.hardness._training_loss import TrainingLoss

__all__ = [
    "AUM",
    "EL2N",
    "ConfidentLearning",
    "DataMap",
    "DeepKNN",
    "ForgettingScore",
    "OutOfFold",
    "TrainingLoss",
]
