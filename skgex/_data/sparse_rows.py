"""Sparse samples: some rows are sparse again, and a batch of them is dense."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array


class SparseRows:
    """A sparse matrix that a net can be given instead of an array.

    Some rows of it are sparse again. One row, and a batch from :meth:`dense`, are what
    they would be of the dense matrix.

    Parameters
    ----------
    matrix : sparse matrix of shape (n_rows, n_columns)
        Floats or integers. It is not changed.
    cast : Cast or None, default=None
        Applied to rows once they are dense. None leaves them as they are.
    """

    ndim = 2

    def __init__(self, matrix: Any, cast: Any = None):
        self.matrix = _canonical(matrix)
        self.shape = self.matrix.shape
        self.cast = cast
        self.dtype = self.matrix.dtype if cast is None else cast.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Any:
        if isinstance(rows, (int, np.integer)):
            return self.dense(np.array([rows]))[0]
        return SparseRows(self.matrix[rows], self.cast)

    def dense(self, rows: Any) -> np.ndarray:
        """Return some rows as an array; row numbers may have any number of axes."""
        numbers = np.arange(len(self))[rows]
        part = self.matrix[numbers.ravel()].toarray()
        part = part if self.cast is None else self.cast.dense(part)
        return part.reshape(*numbers.shape, self.shape[1])


def read(X: Any, rows: np.ndarray | slice) -> np.ndarray:
    """Return some rows of samples as an array."""
    return X.dense(rows) if isinstance(X, SparseRows) else X[rows]


def _canonical(matrix: Any) -> csr_array:
    """Return rows with sorted columns and without stored zeros: equal bytes if equal.

    The matrix is copied only where it is not so already.
    """
    rows = csr_array(matrix)
    if not rows.has_canonical_format or not np.all(rows.data):
        rows = rows.copy()
        rows.sum_duplicates()
        rows.eliminate_zeros()
    return rows
