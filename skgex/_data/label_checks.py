"""Refusals of labels that no net could take: missing, mixed or several per row."""

from collections import Counter
from collections.abc import Mapping, Set
from typing import Any

import numpy as np
from scipy.sparse import issparse

LABEL_SETS = (
    "For several labels per row, pass an indicator matrix with one 0/1 column per "
    "label (sklearn.preprocessing.MultiLabelBinarizer().fit_transform(y)), and a net "
    "with criterion=torch.nn.BCEWithLogitsLoss."
)
# As many row numbers as an error names.
N_NAMED = 5
# From this many distinct numbers on, labels may be regression targets. Of integers,
# only if a class has fewer rows than this on average.
MANY_VALUES = 100
FEW_ROWS = 10


def check_labels(y: Any, name: str = "y") -> Any:
    """Refuse labels that are missing, of mixed types, or sets of labels.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, ...)
        Labels or regression targets.
    name : str, default="y"
        Of the argument, for the error.

    Returns
    -------
    y : array-like
        Those of pandas' nullable dtypes as an array of NumPy's dtype; others as given.

    Raises
    ------
    TypeError
        If ``y`` is an iterator, a mapping, a set or a text.
    ValueError
        If labels are missing or complex, if strings and numbers are mixed, or if a row
        holds a collection.
    """
    sized = hasattr(y, "__len__") or hasattr(y, "__array__")
    if not sized or issparse(y) or isinstance(y, (str, bytes, Mapping, Set)):
        raise TypeError(
            f"{name}: must be an array or a list with one entry per row, got "
            f"{'a sparse matrix' if issparse(y) else type(y).__name__}."
        )
    values = _values(y, name)
    if values.dtype.kind == "S":
        raise ValueError(f"{name}: labels are bytes; pass np.char.decode({name}).")
    if values.dtype.kind in "cV":
        raise ValueError(
            f"{name}: Complex data not supported, nor structured; labels must be "
            f"strings, booleans or real numbers, got {values.dtype}."
        )
    if values.dtype == object:
        _refuse_collections(values, name)
    _refuse_missing(values, name)
    if values.dtype == object:
        _refuse_mixed(values, name)
    numpy_dtype = _numpy_dtype(y)
    return y if numpy_dtype is None else y.to_numpy(dtype=numpy_dtype)


def seems_regression(y: np.ndarray, n_classes: int) -> bool:
    """Return whether labels look like regression targets rather than classes.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    n_classes : int
        The number of distinct labels.
    """
    if y.dtype.kind not in "iuf":
        return False
    rows_per_class = len(y) / max(n_classes, 1)
    if n_classes > MANY_VALUES:
        return y.dtype.kind == "f" or rows_per_class < FEW_ROWS
    return n_classes > MANY_VALUES / 5 and rows_per_class < 2


def _numpy_dtype(y: Any) -> Any:
    """Return NumPy's dtype for pandas' nullable one, None for any other.

    scikit-learn would make floats of nullable integers and booleans.
    """
    dtypes = getattr(y, "dtypes", None)  # of a Series one, of a frame several
    kinds = {getattr(d, "numpy_dtype", None) for d in np.atleast_1d(np.array(dtypes))}
    return kinds.pop() if len(kinds) == 1 else None


def _values(y: Any, name: str) -> np.ndarray:
    """Return what y holds, as objects where an array would turn them into others."""
    if isinstance(y, (list, tuple)):
        flat = any(isinstance(v, (str, bytes)) or v is None for v in y)
        try:
            return np.array(y, dtype=object) if flat else np.asarray(y)
        except ValueError as error:  # rows of several lengths
            raise ValueError(
                f"{name}: its rows hold collections of several lengths; one label per "
                f"row is needed. {LABEL_SETS}"
            ) from error
    return np.asarray(y)


def _refuse_collections(values: np.ndarray, name: str) -> None:
    kinds = (list, tuple, set, frozenset, dict, np.ndarray)
    row = next((i for i, v in enumerate(values) if isinstance(v, kinds)), None)
    if row is None or values.ndim > 1:
        return
    raise ValueError(
        f"{name}: row {row} holds a {type(values[row]).__name__}, but one label per "
        f"row is needed. {LABEL_SETS}"
    )


def _refuse_missing(values: np.ndarray, name: str) -> None:
    if values.dtype.kind == "f":
        missing = np.isnan(values)
    elif values.dtype.kind in "mM":
        missing = np.isnat(values)
    elif values.dtype == object:
        flat = [is_missing(value) for value in values.flat]
        missing = np.array(flat, dtype=bool).reshape(values.shape)
    else:
        return
    if not missing.any():
        return
    kind = _name_of(values[missing].flat[0])
    rows = np.unique(np.nonzero(missing)[0])
    named = ", ".join(map(str, rows[:N_NAMED]))
    more = ", ..." if len(rows) > N_NAMED else ""
    raise ValueError(
        f"{name}: Input {name} contains {kind}. Labels are missing in {len(rows)} of "
        f"{len(values)} rows: {named}{more}. Drop these rows or label them."
    )


def is_missing(value: Any) -> bool:
    """Return whether a value stands for a missing one: None, nan, NaT or pandas.NA."""
    if value is None:
        return True
    try:
        return bool(value != value)
    except TypeError:  # pandas.NA has no truth value
        return True


def _name_of(missing: Any) -> str:
    if missing is None:
        return "None"
    return "NaN" if isinstance(missing, (float, np.floating)) else str(missing)


def _refuse_mixed(values: np.ndarray, name: str) -> None:
    kinds = Counter(_kind_of(value) for value in values.flat)
    if len(kinds) < 2:
        return
    found = ", ".join(f"{kind} ({count})" for kind, count in kinds.most_common())
    raise ValueError(
        f"{name}: holds labels of mixed types: {found}; convert them to one type, for "
        f"example with np.array({name}).astype(str)."
    )


def _kind_of(value: Any) -> str:
    if isinstance(value, (bool, np.bool_, int, float, np.number)):
        return "number"
    return "str" if isinstance(value, str) else type(value).__name__
