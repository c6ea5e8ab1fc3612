"""The rows of a fit: how their labels are coded, and which queried row is which."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from skorch.utils import is_dataset

from skgex._base.input_kinds import reading_dataset
from skgex._base.validation import InputFormat
from skgex._data.label_coding import Coding
from skgex._data.records import Query, WithTargets
from skgex._data.row_index import RowIndex
from skgex._nets.batches import targets_of
from skgex._nets.evaluation import evaluate
from skgex._nets.snapshot import TrainedNet, revive
from skgex._utils.random import seeded
from skgex._utils.warnings import warn_caller
from skgex.exceptions import UnlabelledRowsWarning


@dataclass(frozen=True)
class FittedRows:
    """What a fit keeps of its rows: their labels, and digests to find them again.

    Attributes
    ----------
    codes : ndarray of shape (n_samples, ...)
        Their labels' codes.
    coding : Coding
        What codes mean.
    labelled : bool
        Whether the net's loss is of labels; a plain net's need not be.
    index : RowIndex or None
        Finds a row among those of the fit. None for a Dataset, whose rows cannot be
        compared.
    format : InputFormat
        What samples must look like.
    groups : ndarray of shape (n_samples,), dtype=intp or None
        Rows that no split of the fit divided.
    names : pandas.Index or None
        What a data frame called them; None if nothing but their positions.
    """

    codes: np.ndarray
    coding: Coding
    labelled: bool
    index: RowIndex | None
    format: InputFormat
    groups: np.ndarray | None = None
    names: Any = None

    def attributes(self) -> dict[str, Any]:
        """Return the public attributes that all estimators have of their rows."""
        classes = self.coding.classes
        found = {} if classes is None else {"classes_": classes}
        return found | self.format.attributes

    def equal(self, other: "FittedRows") -> bool:
        """Return whether both are of the same data; a Dataset's targets decide."""
        if not np.array_equal(self.groups, other.groups):  # type: ignore[arg-type]
            return False
        if self.index is None or other.index is None:
            both = self.index is other.index
            return both and np.array_equal(self.codes, other.codes)
        return self.index.equals(other.index)

    def find(self, X: Any) -> np.ndarray:
        """Return the fitted row that each checked sample is, -1 where it is none."""
        return np.full(len(X), -1) if self.index is None else self.index.find(X)

    def query(self, X: Any, y: Any, trained: TrainedNet, *, warn: bool) -> Query:
        """Find which samples the fit saw, and what their labels are.

        Without y, a row that the fit saw has the label it had there. Any other row has
        the label that the trained net predicts, with a warning if ``warn``.

        Parameters
        ----------
        X, y
            Checked samples and labels, the samples in the type that they came in.
        trained : TrainedNet
        warn : bool

        Returns
        -------
        query : Query
        """
        if is_dataset(X):
            with reading_dataset():
                read = self.coding.encode(targets_of(revive(trained), X))
            if self.coding.unknown(read).any():
                X = WithTargets(X, self.coding.targets(read))
            return Query(X, read, None, np.full(len(X), -1))
        given = None if y is None else self.coding.encode(y)
        index = np.full(len(X), -1) if self.index is None else self.index.find(X, given)
        X = self.format.for_net(X)
        if given is not None:
            return Query(X, given, self._targets(given), index)
        codes, new = self.codes[index], index < 0
        if new.any() and self.labelled:
            codes[new] = self._predict(X[new], trained, warn)
        return Query(X, codes, self._targets(codes), index)

    def _predict(self, X: Any, trained: TrainedNet, warn: bool) -> np.ndarray:
        """Return the codes that the net predicts for rows without labels."""
        if warn:
            warn_caller(
                f"{len(X)} rows were not seen in fit and came without labels; the "
                "labels that the net predicts are used. Pass y to score given labels.",
                UnlabelledRowsWarning,
            )
        # A net is evaluated with targets, whatever they are.
        filler = self._targets(np.zeros_like(self.codes[:1]).repeat(len(X), axis=0))
        with seeded(0):
            return self.coding.code_of(evaluate(revive(trained), X, filler).outputs)

    def _targets(self, codes: np.ndarray) -> np.ndarray | None:
        return self.coding.targets(codes) if self.labelled else None
