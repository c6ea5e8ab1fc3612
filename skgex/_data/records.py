"""Samples and labels on their way through an estimator."""

from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from skorch.utils import is_dataset
from torch.utils.data import Dataset, Subset

from skgex._data.groups import GroupedStrata, Strata
from skgex._data.label_coding import ClassLabels, Coding


class Data(NamedTuple):
    """The samples of a fit, with labels as codes and as the net takes them.

    Attributes
    ----------
    X : ndarray of shape (n_samples, ...), SparseRows, SliceDict or Dataset
        In the dtype of the net.
    codes : ndarray of shape (n_samples, ...)
        Classes as positions among the net's outputs; regression targets as they are.
    targets : ndarray of shape (n_samples, ...) or None
        What the net's loss takes; None where a Dataset holds them, or there are none.
    coding : Coding
        What the codes mean.
    groups : ndarray of shape (n_samples,), dtype=intp or None
        Rows of the same group are on the same side of every split.
    """

    X: Any
    codes: np.ndarray
    targets: np.ndarray | None
    coding: Coding
    groups: np.ndarray | None = None

    @property
    def has_classes(self) -> bool:
        """Whether the labels are classes, rather than regression targets."""
        return isinstance(self.coding, ClassLabels)

    @property
    def n_classes(self) -> int:
        """The number of classes; 0 for regression targets."""
        return 0 if self.coding.classes is None else len(self.coding.classes)

    @property
    def strata(self) -> np.ndarray | None:
        """The classes of the rows, if there are any."""
        return self.codes if self.has_classes else None

    @property
    def split_by(self) -> Strata:
        """What random splits are stratified by, and what they may not divide."""
        if self.groups is None:
            return self.strata
        return GroupedStrata(self.strata, self.groups)


@dataclass(frozen=True, eq=False)
class Query:
    """Samples that are scored or mapped after a fit.

    Attributes
    ----------
    X, codes, targets
        As in :class:`Data`; the label of a class that ``fit`` never saw has code -1.
    index : ndarray of shape (n_samples,), dtype=intp
        The fitted row that each sample is, -1 for new ones.
    """

    X: Any
    codes: np.ndarray
    targets: np.ndarray | None
    index: np.ndarray

    @property
    def new(self) -> np.ndarray:
        """The mask of the samples that ``fit`` never saw."""
        return self.index < 0


class WithTargets(Dataset):
    """A Dataset with other targets, which its net can take.

    Parameters
    ----------
    dataset : Dataset
        Of pairs (sample, target).
    targets : ndarray of shape (n_samples,)
        Instead of those that it holds.
    """

    def __init__(self, dataset: Any, targets: np.ndarray):
        self.dataset = dataset
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, i: int) -> tuple[Any, Any]:
        return self.dataset[i][0], self.targets[i]


def with_index_arrays(dataset: Any) -> Any:
    """Return a Dataset in which each Subset holds its indices as an array.

    torch takes any sequence, such as a range, but skorch reads arrays and lists alone.
    """
    if not isinstance(dataset, Subset):
        return dataset
    changed = copy(dataset)
    changed.dataset = with_index_arrays(dataset.dataset)
    changed.indices = np.asarray(dataset.indices)  # type: ignore[assignment]
    return changed


def take(X: Any, y: Any, rows: np.ndarray | None) -> tuple[Any, Any]:
    """Return some rows of arrays or of a Dataset; None stands for all rows."""
    if rows is None:
        return X, y
    if is_dataset(X):
        return Subset(X, rows), None  # type: ignore[arg-type]  # an array does, too
    return X[rows], None if y is None else y[rows]
