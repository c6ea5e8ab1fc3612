"""Influence estimators: each maps samples to features."""

from skgex.influence._arnoldi import Arnoldi
from skgex.influence._gex import GEX
from skgex.influence._gex_linear import GEXLinear
from skgex.influence._influence_function import InfluenceFunction
from skgex.influence._laplace import LaplaceInfluence
from skgex.influence._leave_one_out import LeaveOneOut
from skgex.influence._random_projection import RandomProjection
from skgex.influence._tracin import TracIn
from skgex.influence._tracin_rp import TracInRP

__all__ = [
    "GEX",
    "Arnoldi",
    "GEXLinear",
    "InfluenceFunction",
    "LaplaceInfluence",
    "LeaveOneOut",
    "RandomProjection",
    "TracIn",
    "TracInRP",
]
