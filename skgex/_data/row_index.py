"""Rows that ``fit`` has seen, known again by their bytes."""

from hashlib import blake2b

import numpy as np
from sklearn.utils import gen_batches

# Rows that are copied at once, to be digested.
BLOCK = 4096


class RowIndex:
    """Look-up of rows, with or without their label, among those of ``fit``.

    Holds digests, not data. Row i of a query is compared with row i of the fit first,
    so that copies of a row with different labels each find their own.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
    codes : ndarray of shape (n_samples, ...)
        The labels' codes.
    """

    def __init__(self, X: np.ndarray, codes: np.ndarray):
        self._rows = _digests(X)
        self._labelled = _digests(codes, self._rows)

    @property
    def identity(self) -> np.ndarray:
        """A number for each row of the fit, equal for copies, of shape (n_samples,)."""
        return self._rows

    def equals(self, other: "RowIndex") -> bool:
        """Return whether both are of the same rows and labels, in the same order."""
        return np.array_equal(self._labelled, other._labelled)

    def find(self, X: np.ndarray, codes: np.ndarray | None = None) -> np.ndarray:
        """Return each row's index in the fit, -1 for a row that was not there.

        Parameters
        ----------
        X : ndarray of shape (n_queries, ...)
        codes : ndarray of shape (n_queries, ...) or None
            If given, row and label must both agree.

        Returns
        -------
        index : ndarray of shape (n_queries,), dtype=intp
        """
        known, asked = self._rows, _digests(X)
        if codes is not None:
            known, asked = self._labelled, _digests(codes, asked)
        index = np.full(len(asked), -1, dtype=np.intp)
        n_shared = min(len(known), len(asked))
        same = known[:n_shared] == asked[:n_shared]
        index[:n_shared][same] = np.flatnonzero(same)
        rest = np.flatnonzero(index < 0)
        if len(rest):
            first = {}
            for i, digest in enumerate(known.tolist()):
                first.setdefault(digest, i)
            index[rest] = [first.get(digest, -1) for digest in asked[rest].tolist()]
        return index


def _digests(values: np.ndarray, salt: np.ndarray | None = None) -> np.ndarray:
    """Digest each row to 8 bytes, as an integer; chained with another digest."""
    digests = np.zeros(len(values), np.uint64) if salt is None else salt.copy()
    for rows in gen_batches(len(values), BLOCK):
        # Adding zero turns -0.0 into 0.0, which compares equal but has other bytes.
        block = np.ascontiguousarray(values[rows]).reshape(rows.stop - rows.start, -1)
        salts = (salt.tobytes() for salt in digests[rows])
        digests[rows] = [
            int.from_bytes(blake2b(row.tobytes(), digest_size=8, salt=salt).digest())
            for row, salt in zip(block + 0, salts, strict=True)
        ]
    return digests
