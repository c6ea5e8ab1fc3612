"""Which fitted row is this? A look-up of rows by their bytes."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from skgex._data.casting import Cast, find_cast, is_finer, row_blocks
from skgex._data.sparse_rows import SparseRows


class RowIndex:
    """Look-up of rows, with or without their labels, among the fitted rows.

    It stores digests, not data. Row i of a query is compared with fitted row i first.
    So copies of a row that carry different labels are each found at their own place
    when the fitted rows themselves are queried.

    The rows may be of a finer type than that of the net. They are then compared as they
    came. One that is found nowhere is compared again after rounding, since earlier
    steps may compute the same row with other last bits. It is found only if the fitted
    rows that it then equals are copies of one row. A queried row of the net's type is
    compared after rounding alone.

    Parameters
    ----------
    X : ndarray, SparseRows or dict of ndarray, of shape (n_samples, ...)
    codes : ndarray of shape (n_samples, ...)
        The codes of the labels, or regression targets.
    dtype : dtype or None, default=None
        The floating type that the net computes in; None stands for that of X.
    """

    def __init__(self, X: Any, codes: np.ndarray, dtype: np.dtype | None = None):
        sparse = isinstance(X, SparseRows)
        self._dtype = dtype
        self._plain = _Digests(X, codes, None if dtype is None else Cast(dtype), sparse)
        self._exact = self._rounded = self._plain
        if dtype is not None and is_finer(X, dtype):
            self._exact = _Digests(X, codes, Cast(np.dtype(np.float64)), sparse)
            cast = find_cast(X, dtype)
            if cast.mean is not None:
                self._rounded = _Digests(X, codes, cast, sparse)

    @property
    def identity(self) -> np.ndarray:
        """A number per fitted row, equal for copies, of shape (n_samples,)."""
        return self._exact.rows

    def equals(self, other: "RowIndex") -> bool:
        """Return whether both are of the same rows and labels, in the same order."""
        mine, theirs = self._exact, other._exact
        if self._is_fine != other._is_fine:
            mine, theirs = self._rounded, other._rounded
        return np.array_equal(mine.labelled, theirs.labelled)

    def find(self, X: Any, codes: np.ndarray | None = None) -> np.ndarray:
        """Return the fitted row that equals each queried row, -1 where none does.

        Parameters
        ----------
        X : ndarray, SparseRows or dict of ndarray, of shape (n_queries, ...)
        codes : ndarray of shape (n_queries, ...) or None
            If given, a row is found only where its label is equal as well.

        Returns
        -------
        index : ndarray of shape (n_queries,), dtype=intp
        """
        if self._dtype is None or not (self._is_fine and is_finer(X, self._dtype)):
            return self._plain.find(X, codes)
        index = self._exact.find(X, codes)
        if (index < 0).any():
            copies = _are_copies(self._rounded.of(codes), self._exact.rows)
            rounded = self._rounded.find(X, codes, copies)
            index = np.where(index < 0, rounded, index)
        return index

    @property
    def _is_fine(self) -> bool:
        """Whether the fitted rows were of a finer type than the net's."""
        return self._exact is not self._plain


class _Digests:
    """Digests of the fitted rows, as they are after a cast."""

    def __init__(self, X: Any, codes: np.ndarray, cast: Cast | None, sparse: bool):
        self._cast, self._sparse = cast, sparse
        self.rows = _digests(X, None, cast, sparse)
        self.labelled = _digests(codes, self.rows)

    def of(self, codes: np.ndarray | None) -> np.ndarray:
        """Return the digests of rows, with their labels if those are looked for."""
        return self.rows if codes is None else self.labelled

    def find(
        self, X: Any, codes: np.ndarray | None, usable: np.ndarray | None = None
    ) -> np.ndarray:
        """Look rows up among those that are usable; None stands for all."""
        fitted, queried = self.of(codes), _digests(X, None, self._cast, self._sparse)
        if codes is not None:
            queried = _digests(codes, queried)
        usable = np.ones(len(fitted), dtype=bool) if usable is None else usable
        index = np.full(len(queried), -1, dtype=np.intp)
        n_shared = min(len(fitted), len(queried))
        same = (fitted[:n_shared] == queried[:n_shared]) & usable[:n_shared]
        index[:n_shared][same] = np.flatnonzero(same)
        rest = np.flatnonzero(index < 0)
        if len(rest):
            first: dict[int, int] = {}
            for i in np.flatnonzero(usable).tolist():
                first.setdefault(int(fitted[i]), i)
            index[rest] = [first.get(digest, -1) for digest in queried[rest].tolist()]
        return index


def _are_copies(rounded: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Return the mask of rows that equal only copies of themselves once rounded."""
    _, group = np.unique(rounded, return_inverse=True)
    first = np.full(group.max() + 1, len(exact))
    np.minimum.at(first, group, np.arange(len(exact)))
    differs = exact != exact[first[group]]
    return np.bincount(group, differs)[group] == 0


def _digests(
    rows: Any,
    salt: np.ndarray | None = None,
    cast: Cast | None = None,
    sparse: bool = False,
) -> np.ndarray:
    """Digest each row to an integer of 8 bytes.

    With ``salt``, one such integer per row, the two are digested together.
    """
    digests = np.zeros(len(rows), np.uint64) if salt is None else salt.copy()
    if isinstance(rows, Mapping):
        for name in sorted(rows):
            digests = _digests(rows[name], digests, cast)
        return digests
    for part in row_blocks(rows):
        salts = (number.tobytes() for number in digests[part])
        digests[part] = [
            int.from_bytes(blake2b(row, digest_size=8, salt=key).digest())
            for row, key in zip(_bytes(rows[part], cast, sparse), salts, strict=True)
        ]
    return digests


def _bytes(block: Any, cast: Cast | None, sparse: bool) -> list[bytes]:
    """Return the bytes of each row, equal where the rows are equal after a cast."""
    if sparse and (cast is None or cast.mean is None):
        # Of equal rows, whether they came sparse or not.
        stored = (
            block if isinstance(block, SparseRows) else SparseRows(csr_array(block))
        )
        matrix = SparseRows(_with_data(stored.matrix, cast)).matrix
        ends = list(zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True))
        columns = matrix.indices.astype(np.int64)
        data = _plain_zeros(matrix.data)
        return [columns[a:b].tobytes() + data[a:b].tobytes() for a, b in ends]
    if isinstance(block, SparseRows):
        block = block.dense(slice(None))
    dense = np.ascontiguousarray(_cast(block, cast)).reshape(len(block), -1)
    return [row.tobytes() for row in _plain_zeros(dense)]


def _with_data(matrix: csr_array, cast: Cast | None) -> csr_array:
    """Return a sparse matrix whose stored numbers are cast."""
    parts = _cast(matrix.data, cast), matrix.indices, matrix.indptr
    return csr_array(parts, shape=matrix.shape)


def _cast(values: np.ndarray, cast: Cast | None) -> np.ndarray:
    """Cast numbers; those that are too large become infinite."""
    if cast is None or values.dtype.kind not in "biuf":
        return values
    with np.errstate(over="ignore"):
        return cast.shifted(values).astype(cast.dtype)


def _plain_zeros(values: np.ndarray) -> np.ndarray:
    """Give equal bytes to what counts as equal: 0.0 and -0.0, nan and nan."""
    values = values + 0  # turns -0.0 into 0.0
    if values.dtype.kind == "f":
        values[np.isnan(values)] = np.nan
    return values
