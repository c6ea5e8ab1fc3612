"""Names of classes in saved files, and what they may stand for when a file is read.

A file names classes; it holds no code. A name stands for one of the classes listed
here, or for one that the user trusts.
"""

import importlib
from collections.abc import Iterable
from types import FunctionType
from typing import Any

import numpy as np
from skorch import NeuralNet
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from skgex.exceptions import LoadError, SkgexWarning

# Classes of skgex that fitted estimators are made of. A file calls them by "skgex." and
# their name, so that modules can move.
_OURS = {
    "skgex._base.fitted_rows": ["FittedRows"],
    "skgex._base.scorer_estimator": ["ScoredRows"],
    "skgex._base.validation": ["InputFormat"],
    "skgex._data.casting": ["Cast"],
    "skgex._data.label_coding": [
        "ClassIndices",
        "ClassLabels",
        "LabelSets",
        "RegressionTargets",
    ],
    "skgex._data.records": ["Data", "WithTargets"],
    "skgex._data.row_index": ["RowIndex", "_Digests"],
    "skgex._data.sparse_rows": ["SparseRows"],
    "skgex._ensemble.cache": ["MemberCache"],
    "skgex._ensemble.ensemble": ["GeometricEnsemble"],
    "skgex._ensemble.ensemble_evaluation": ["EnsembleEvaluation"],
    "skgex._ensemble.fine_tuning": ["FineTuning"],
    "skgex._ensemble.learning_rate": ["LearningRateChoice"],
    "skgex._ensemble.member": ["Member"],
    "skgex._nets.batches": ["SliceLoader"],
    "skgex._nets.default_net": ["Linear", "MLP"],
    "skgex._nets.evaluation": ["Evaluation"],
    "skgex._nets.snapshot": ["TrainedNet"],
    "skgex._utils.random": ["Seeds"],
    "skgex.cleaning": ["CleanedClassifier", "CleaningSampler"],
    "skgex.detection": ["GEXDetector", "NoisyLabelDetector"],
    "skgex.detection._doubts": ["Doubt"],
    "skgex.detection._label_noise": ["Noise"],
    "skgex.detection._neighbours": ["Neighbours"],
    "skgex.detection._noise_model": ["NoiseModel"],
    "skgex.detection._noise_rate": ["NoiseRate"],
    "skgex.detection._noise_structure": ["NoiseStructure"],
    "skgex.detection._ranking": ["Ranking"],
    "skgex.detection._summary": ["Basis"],
    "skgex.hardness": [
        "AUM",
        "EL2N",
        "ConfidentLearning",
        "DataMap",
        "DeepKNN",
        "ForgettingScore",
        "OutOfFold",
        "TrainingLoss",
    ],
    "skgex.images._conv_net": ["ConvNet"],
    "skgex.influence": [
        "GEX",
        "Arnoldi",
        "GEXLinear",
        "InfluenceFunction",
        "LaplaceInfluence",
        "LeaveOneOut",
        "RandomProjection",
        "TracIn",
        "TracInRP",
    ],
    "skgex.influence._arnoldi": ["EigenvectorProjections"],
    "skgex.influence._checkpoints": ["Checkpoints"],
    "skgex.influence._ensemble_map": ["FittedEnsemble", "HeldOut"],
    "skgex.influence._gex_linear": ["LinearisedDeviations"],
    "skgex.influence._influence_function": ["InverseCurvature"],
    "skgex.influence._laplace": ["LaplaceDeviations"],
    "skgex.influence._leave_one_out": ["RetrainedDeviations"],
    "skgex.influence._mapping": ["FittedMap"],
    "skgex.influence._random_projection": ["RandomProjections"],
    "skgex.influence._solvers": ["ConjugateGradients", "Dense", "LiSSA", "Settings"],
    "skgex.influence._tracin": ["CheckpointGradients"],
    "skgex.influence._tracin_rp": ["CheckpointProjections"],
    "skgex.pruning": ["DatasetPruner", "GEXPruner"],
}
OURS = {name: module for module, names in _OURS.items() for name in names}
# What a fit warned of is kept.
OURS |= {cls.__name__: cls.__module__ for cls in SkgexWarning.__subclasses__()}

# All classes of these modules that are derived from a base.
_BASES: dict[str, type] = {
    "numpy": np.generic,
    "skorch": NeuralNet,
    "torch.nn": nn.Module,
    "torch.optim": Optimizer,
    "torch.optim.lr_scheduler": LRScheduler,
}

# Single classes and functions. Callbacks that read or write files are none of them: a
# file could send them anywhere.
_SINGLE = {
    "builtins": ["print"],
    "collections": ["OrderedDict"],
    "sklearn.frozen": ["FrozenEstimator"],
    "skorch.callbacks": [
        "BatchScoring",
        "EarlyStopping",
        "EpochScoring",
        "EpochTimer",
        "Freezer",
        "GradientNormClipping",
        "InputShapeSetter",
        "LRScheduler",
        "PassthroughScoring",
        "PrintLog",
        "ProgressBar",
        "Unfreezer",
        "WarmRestartLR",
    ],
    "skorch.dataset": ["Dataset", "ValidSplit"],
    "skorch.utils": ["noop", "to_numpy"],
    "torch.utils.data": [
        "DataLoader",
        "RandomSampler",
        "SequentialSampler",
        "Subset",
        "TensorDataset",
        "WeightedRandomSampler",
    ],
}


def name_of(value: Any) -> str:
    """Return what a saved file calls a class or a function."""
    name = value.__name__
    if value is _of_skgex(name):
        return f"skgex.{name}"
    for module in [*_BASES, *_SINGLE]:
        if value is _of_library(module, name):
            return f"{module}.{name}"
    return f"{value.__module__}.{value.__qualname__}"


class Names:
    """What the names in a file stand for.

    Parameters
    ----------
    trusted : iterable of class or function
        What a file may name besides the classes listed above.

    Raises
    ------
    ValueError
        If something else is trusted.
    """

    def __init__(self, trusted: Iterable[Any]):
        self._trusted: dict[str, Any] = {}
        for value in _checked(trusted):
            # Saved by a script, a class is that of __main__.
            self._trusted.setdefault(value.__qualname__, value)
            self._trusted[f"{value.__module__}.{value.__qualname__}"] = value

    def find(self, name: str) -> Any:
        """Return what a name stands for.

        Raises
        ------
        LoadError
            If it is nothing that is known or trusted.
        """
        module, _, last = name.rpartition(".")
        found = _of_skgex(last) if module == "skgex" else _of_library(module, last)
        if found is not None:
            return found
        if name in self._trusted:
            return self._trusted[name]
        for short, value in self._trusted.items():
            if name.endswith(f".{short}"):
                return value
        raise LoadError(
            f"it needs {name}, which skgex does not know. If you trust that code, "
            f"import it and pass it: load(path, trusted=[{last}])."
        )


def _checked(trusted: Iterable[Any]) -> list[Any]:
    values = [trusted] if isinstance(trusted, (str, type)) else [*trusted]
    for value in values:
        if value is trusted or not isinstance(value, (type, FunctionType)):
            raise ValueError(
                "trusted: must be a list of classes and functions, such as [MyNet], "
                f"got {trusted!r}."
            )
    return values


def _of_skgex(name: str) -> Any:
    module = OURS.get(name)
    return module and getattr(importlib.import_module(module), name)


def _of_library(module: str, name: str) -> Any:
    """Return a class of a library, None unless it is one that may be named."""
    if module in _BASES:
        value = getattr(importlib.import_module(module), name, None)
        fits = isinstance(value, type) and issubclass(value, _BASES[module])
        return value if fits else None
    if name in _SINGLE.get(module, []):
        return getattr(importlib.import_module(module), name)
    return None
