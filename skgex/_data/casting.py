"""From the numbers that are given to the floating type of a net."""

import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.preprocessing import StandardScaler
from skorch.helper import SliceDict

from skgex._data.sparse_rows import SparseRows

# A cast that changes values by more than this share of their column's standard
# deviation would hide from a net what the column says.
MAX_ERROR = 1e-3

# A cast for a net that is not ours is warned of if it makes more than this share of a
# column's distinct values equal to others,
MAX_MERGED = 0.1
# and changes them by more than this share of the column's range.
MAX_CHANGE = 1e-6

# Copies of some rows, for statistics, take no more bytes and rows than this.
BLOCK_BYTES = 2**24
BLOCK_ROWS = 4096


@dataclass(frozen=True, eq=False)
class Cast:
    """The cast of samples to the floating type of a net.

    Attributes
    ----------
    dtype : dtype
        What floats are cast to. Integers are kept: they look something up.
    mean, scale : ndarray of shape (n_columns,), dtype=float64, or None
        Subtracted from the columns before the cast, and what they are divided by: 0
        and 1 for columns that need neither. None if no column needs it.
    """

    dtype: np.dtype
    mean: np.ndarray | None = None
    scale: np.ndarray | None = None

    def __call__(self, X: Any) -> Any:
        """Return samples in the floating type, the same object if they are already.

        Raises
        ------
        ValueError
            If a number is too large for the type.
        """
        if isinstance(X, Mapping):
            return SliceDict(**{name: self(part) for name, part in X.items()})
        if X.dtype.kind != "f" or X.dtype == self.dtype:
            return X
        if isinstance(X, SparseRows):
            return self._sparse(X)
        rows = np.empty(X.shape, self.dtype)
        for part in row_blocks(X):
            rows[part] = self.dense(X[part])
        return rows

    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Cast a block of dense rows."""
        return self._finite(self.shifted(rows))

    def shifted(self, rows: np.ndarray) -> np.ndarray:
        """Centre and scale those columns of dense rows that need it."""
        if self.mean is None or self.scale is None:
            return rows
        flat = rows.reshape(len(rows), len(self.mean))
        return ((flat - self.mean) / self.scale).reshape(rows.shape)

    def of_columns(self, columns: np.ndarray) -> "Cast":
        """Return the cast of some columns alone."""
        parts = (self.mean, self.scale)
        return Cast(self.dtype, *(None if p is None else p[columns] for p in parts))

    def _sparse(self, X: SparseRows) -> SparseRows:
        """Cast what is stored; columns that are centred are so as rows become dense."""
        if self.mean is None:
            matrix = X.matrix
            parts = self._finite(matrix.data), matrix.indices, matrix.indptr
            return SparseRows(csr_array(parts, shape=X.shape))
        rows = SparseRows(X.matrix, self)
        for part in row_blocks(X):
            rows.dense(part)  # raises an error for numbers that are too large
        return rows

    def _finite(self, rows: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            cast = rows.astype(self.dtype)
        if np.isinf(cast).any():
            raise ValueError(
                f"X: contains infinity or a value too large for {self.dtype!r}, in "
                "which the net computes; scale X first."
            )
        return cast


def find_cast(X: Any, dtype: np.dtype) -> Cast:
    """Return the cast of samples that keeps what each column differs by.

    A column is standardised in float64 before the cast if the cast alone would change
    its values by more than ``MAX_ERROR`` of its standard deviation, as with timestamps:
    in float32, those are a minute off.

    Parameters
    ----------
    X : ndarray, SparseRows or dict of ndarray
        nan counts for nothing. A dict is only cast.
    dtype : dtype

    Returns
    -------
    cast : Cast
    """
    if isinstance(X, Mapping) or not is_finer(X, dtype):
        return Cast(dtype)
    errors, ranges = _errors_and_ranges(X, dtype)
    # One of n values that is a range from another makes at least this deviation.
    suspects = np.flatnonzero(errors > MAX_ERROR * ranges / np.sqrt(2 * len(X)))
    if not len(suspects):
        return Cast(dtype)
    mean, scale = np.zeros(len(errors)), np.ones(len(errors))
    found, n_rows = _scaler_of(X, suspects), len(X)
    deviations = np.sqrt(found.var_)
    # Below this, a deviation is the rounding of equal numbers in float64.
    noise = n_rows * np.finfo(np.float64).eps * np.abs(found.mean_)
    lossy = (errors[suspects] > MAX_ERROR * deviations) & (deviations > noise)
    lossy &= np.isfinite(deviations)
    mean[suspects[lossy]] = found.mean_[lossy]
    scale[suspects[lossy]] = deviations[lossy]
    return Cast(dtype, mean, scale) if lossy.any() else Cast(dtype)


def merged_columns(X: Any, dtype: np.dtype) -> np.ndarray:
    """Return the columns of which a plain cast makes distinct values equal.

    Those of which more than ``MAX_MERGED`` of the distinct values become equal to
    another, if the cast changes them by more than ``MAX_CHANGE`` of their range. Where
    it is less, values so near to each other are many, and differ by nothing of note.
    """
    errors, ranges = _errors_and_ranges(X, dtype)
    changed = np.isfinite(errors) & (errors > MAX_CHANGE * ranges)
    # A smaller range is the rounding of equal numbers in float64.
    noise = len(X) * np.finfo(np.float64).eps / np.finfo(dtype).eps
    changed &= ranges > noise * errors
    merged = [
        column
        for column in np.flatnonzero(changed).tolist()
        if _share_merged(_column(X, column), dtype) > MAX_MERGED
    ]
    return np.array(merged, dtype=np.intp)


def _share_merged(column: np.ndarray, dtype: np.dtype) -> float:
    """Return which share of the distinct values a cast makes equal to others."""
    distinct = np.unique(column[~np.isnan(column)])
    with np.errstate(over="ignore"):
        left = np.unique(distinct.astype(dtype))
    return 1 - len(left) / max(1, len(distinct))


def is_finer(X: Any, dtype: np.dtype) -> bool:
    """Return whether samples are of a type that a floating type cannot hold."""
    if isinstance(X, Mapping):
        floats = [part for part in X.values() if part.dtype.kind == "f"]
        return any(is_finer(part, dtype) for part in floats)
    return not np.can_cast(X.dtype, dtype, "safe")


def fit_scaler(X: Any) -> StandardScaler:
    """Fit a scaler on all columns of sparse samples, as on dense ones bit for bit."""
    return _scaler_of(X, np.arange(X.shape[1]))


def row_blocks(X: Any) -> Iterator[slice]:
    """Yield slices of rows that take ``BLOCK_BYTES`` in float64, 4096 rows at most."""
    n_columns = int(np.prod(X.shape[1:]))
    size = min(BLOCK_ROWS, max(1, BLOCK_BYTES // (8 * max(1, n_columns))))
    for start in range(0, len(X), size):
        yield slice(start, min(start + size, len(X)))


def _errors_and_ranges(X: Any, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Return by how much a cast changes each column at most, and the column's range."""
    n_columns = int(np.prod(X.shape[1:]))
    errors = np.zeros(n_columns)
    if isinstance(X, SparseRows):
        matrix = X.matrix
        np.fmax.at(errors, matrix.indices, _errors(matrix.data, dtype))
        ends = [reduce(axis=0) for reduce in (matrix.nanmin, matrix.nanmax)]
        low, high = (end.toarray().ravel() for end in ends)
        return errors, _difference(low, high)
    low, high = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
    for part in row_blocks(X):
        block = X[part].reshape(part.stop - part.start, -1)
        errors = np.fmax(errors, np.fmax.reduce(_errors(block, dtype), axis=0))
        low = np.fmin(low, np.fmin.reduce(block, axis=0))
        high = np.fmax(high, np.fmax.reduce(block, axis=0))
    return errors, _difference(low, high)


def _errors(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.abs(values - values.astype(dtype).astype(np.float64))


def _difference(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.maximum(high - low, 0.0)


def _scaler_of(X: Any, columns: np.ndarray) -> StandardScaler:
    """Fit a scaler on some columns, in float64 and a dense block at a time."""
    joined, scalers = StandardScaler(), []
    n_parts = -(-len(columns) // (BLOCK_BYTES // (8 * BLOCK_ROWS)))
    for some in np.array_split(columns, n_parts):
        scaler = StandardScaler()
        for block in _blocks_of(X, some):
            with np.errstate(over="ignore", invalid="ignore"):
                scaler.partial_fit(block)
        scalers.append(scaler)
    for name in ("mean_", "var_", "scale_"):
        setattr(joined, name, np.concatenate([getattr(s, name) for s in scalers]))
    return joined


def _blocks_of(X: Any, columns: np.ndarray) -> Iterator[np.ndarray]:
    """Yield some columns of all rows, a dense block of rows at a time."""
    sparse = X.matrix[:, columns] if isinstance(X, SparseRows) else None
    for start in range(0, len(X), BLOCK_ROWS):
        part = slice(start, min(start + BLOCK_ROWS, len(X)))
        if sparse is not None:
            block = sparse[part].toarray()
            yield block if X.cast is None else X.cast.of_columns(columns).dense(block)
        else:
            yield X[part].reshape(part.stop - part.start, -1)[:, columns]


def _column(X: Any, column: int) -> np.ndarray:
    """Return one column of samples."""
    if isinstance(X, SparseRows):
        return X.matrix[:, [column]].toarray().ravel()
    return X.reshape(len(X), -1)[:, column]


def writable(rows: Any) -> Any:
    """Return rows that torch may share memory with, copied only if they are read-only.

    A file that is mapped for reading is mapped anew instead, so that what is written
    stays in memory.
    """
    if isinstance(rows, Mapping):
        return SliceDict(**{name: writable(part) for name, part in rows.items()})
    if not isinstance(rows, np.ndarray) or rows.flags.writeable:
        return rows
    mapped: Any = rows if isinstance(rows, np.memmap) else rows.base
    whole = isinstance(mapped, np.memmap) and isinstance(mapped.base, mmap.mmap)
    if whole and mapped.shape == rows.shape and mapped.strides == rows.strides:
        order: Any = "C" if rows.flags.c_contiguous else "F"
        again = np.memmap(
            mapped.filename, rows.dtype, "c", mapped.offset, rows.shape, order
        )
        return np.asarray(again)
    return rows.copy()
