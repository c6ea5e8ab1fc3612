"""A warning of columns that the dtype of a net cannot tell apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skgex._base.samples import is_dict
from skgex._data.casting import is_finer, merged_columns
from skgex._utils.warnings import warn_caller
from skgex.exceptions import RoundingWarning

# As many columns are named in the warning, of more only the number.
MAX_NAMES = 5


def warn_of_merged(X: Any, dtype: np.dtype, names: Sequence[str] | None) -> None:
    """Warn if the net's dtype makes distinct values equal.

    Parameters
    ----------
    X : ndarray, SparseRows or dict of ndarray
        Samples in the type that they came in.
    dtype : dtype
        The floating type that the net computes in.
    names : sequence of str or None
        Names of the columns; None where they have none.
    """
    merged = _merged(X, dtype, names)
    if not merged:
        return
    which = f"{len(merged)} columns"
    if len(merged) <= MAX_NAMES:
        which = f"column {', '.join(merged)}"
    warn_caller(
        f"X: in {dtype}, in which the net computes, distinct values of {which} "
        "become equal. Centre or scale them before, for instance by StandardScaler.",
        RoundingWarning,
    )


def _merged(X: Any, dtype: np.dtype, names: Sequence[str] | None) -> list[str]:
    """Return the names, or numbers, of columns whose distinct values become equal."""
    if is_dict(X):
        return [
            f"{column} of X[{name!r}]"
            for name, part in X.items()
            for column in _merged(part, dtype, None)
        ]
    if X.dtype.kind != "f" or not is_finer(X, dtype):
        return []
    columns = merged_columns(X, dtype)
    return [str(column if names is None else repr(names[column])) for column in columns]
