"""Samples as they come, checked: arrays, frames, sparse matrices and dicts."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from scipy.sparse import issparse
from sklearn.utils import check_array
from skorch.helper import SliceDict

from skgex._data.sparse_rows import SparseRows


def is_dict(X: Any) -> bool:
    """Return whether samples are arrays by name; DOK matrices are dicts as well."""
    return isinstance(X, Mapping) and not issparse(X)


def to_cpu(values: Any) -> Any:
    """Return tensors as arrays, anything else as it is."""
    if is_dict(values):
        return {name: to_cpu(part) for name, part in values.items()}
    return values.detach().cpu().numpy() if torch.is_tensor(values) else values


def read_dtype(X: Any, dtype: np.dtype, *, takes_indices: bool) -> Any:
    """Return the type to read samples in: the net's, or float64 where that is finer.

    Integers stay integers where the net looks them up.
    """
    given = _dtype_of(X)
    if takes_indices and given.kind in "iu":
        return np.int64
    return dtype if np.can_cast(given, dtype, "safe") else np.float64


def stand_in(X: Any) -> Any:
    """Return what scikit-learn can check labels against: of a dict, its rows alone."""
    return np.zeros((n_rows(X), 1)) if is_dict(X) else X


def n_rows(X: Any) -> int:
    """Return how many rows samples have.

    Raises
    ------
    ValueError
        If the arrays of a dict have no rows, or not equally many.
    """
    if not is_dict(X):
        return X.shape[0] if issparse(X) else len(X)
    shapes = {name: np.shape(part) for name, part in X.items()}
    lengths = {name: shape[0] if shape else 0 for name, shape in shapes.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(
            "X: a dict must hold arrays with equally many rows, got "
            f"{lengths or 'an empty one'}."
        )
    return next(iter(lengths.values()))


def checked(X: Any, given: Any, dtype: np.dtype) -> Any:
    """Return samples as the package holds them.

    Parameters
    ----------
    X : ndarray, sparse matrix
        What scikit-learn returns of them; of a dict, its stand-in.
    given : object
        As they came.
    dtype : dtype
        The floating type of the net.

    Returns
    -------
    samples : ndarray, SparseRows or SliceDict
    """
    if is_dict(given):
        return SliceDict(**{n: _part(n, part, dtype) for n, part in given.items()})
    return SparseRows(X) if issparse(X) else X


def row_shape(X: Any) -> Any:
    """Return the shape of one sample; of a dict, those of its parts by name."""
    if is_dict(X):
        return {name: part.shape[1:] for name, part in X.items()}
    return X.shape[1:]


def _part(name: str, part: Any, dtype: np.dtype) -> np.ndarray:
    """Check one array of a dict; floats are to be cast later, all else stays."""
    values = part if hasattr(part, "dtype") else np.asarray(part)
    kind = np.asarray(values).dtype.kind
    if issparse(part) or kind not in "biuf":
        raise ValueError(
            f"X: a dict must hold arrays of numbers, but X[{name!r}] is of type "
            f"{type(part).__name__} and dtype {getattr(values, 'dtype', '?')}. Encode "
            "it first, or pass a torch Dataset."
        )
    read = None
    if kind == "f":
        read = read_dtype(values, dtype, takes_indices=False)
    options: dict[str, Any] = {"ensure_2d": False, "allow_nd": True}
    return check_array(values, dtype=read, input_name=f"X[{name!r}]", **options)


def _dtype_of(X: Any) -> np.dtype:
    """Return the dtype that samples have as one array."""
    if isinstance(getattr(X, "dtype", None), np.dtype):
        return X.dtype
    kinds = [getattr(kind, "subtype", kind) for kind in getattr(X, "dtypes", ())]
    if kinds and all(isinstance(kind, np.dtype) for kind in kinds):
        try:
            return np.result_type(*kinds)
        except TypeError:  # of dates and numbers, say
            return np.dtype(object)
    return np.asarray(X).dtype
