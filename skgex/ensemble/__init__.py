"""The geometric ensemble: members, their losses, and the choice of their rate."""

from skgex.ensemble._answers import Answers
from skgex.ensemble._ensemble import GeometricEnsemble
from skgex.ensemble._grow import grow
from skgex.ensemble._member import FineTuning

__all__ = ["Answers", "FineTuning", "GeometricEnsemble", "grow"]
