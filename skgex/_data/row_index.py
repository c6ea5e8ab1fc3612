"""Which fitted row is this? A look-up of rows by their bytes."""

from hashlib import blake2b

import numpy as np
from sklearn.utils import gen_batches

# Rows that are digested at once; they are copied for it.
BLOCK = 4096


class RowIndex:
    """Look-up of rows, with or without their labels, among the fitted rows.

    It stores digests, not data. Row i of a query is compared with fitted row i first.
    So copies of a row that carry different labels are each found at their own place
    when the fitted rows themselves are queried.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...)
    codes : ndarray of shape (n_samples, ...)
        The codes of the labels, or regression targets.
    """

    def __init__(self, X: np.ndarray, codes: np.ndarray):
        self._row_digests = _digests(X)
        self._labelled_digests = _digests(codes, self._row_digests)

    @property
    def identity(self) -> np.ndarray:
        """A number per fitted row, equal for copies, of shape (n_samples,)."""
        return self._row_digests

    def equals(self, other: "RowIndex") -> bool:
        """Return whether both are of the same rows and labels, in the same order."""
        return np.array_equal(self._labelled_digests, other._labelled_digests)

    def find(self, X: np.ndarray, codes: np.ndarray | None = None) -> np.ndarray:
        """Return the fitted row that equals each queried row, -1 where none does.

        Parameters
        ----------
        X : ndarray of shape (n_queries, ...)
        codes : ndarray of shape (n_queries, ...) or None
            If given, a row is found only where its label is equal as well.

        Returns
        -------
        index : ndarray of shape (n_queries,), dtype=intp
        """
        fitted, queried = self._row_digests, _digests(X)
        if codes is not None:
            fitted, queried = self._labelled_digests, _digests(codes, queried)
        index = np.full(len(queried), -1, dtype=np.intp)
        n_shared = min(len(fitted), len(queried))
        same = fitted[:n_shared] == queried[:n_shared]
        index[:n_shared][same] = np.flatnonzero(same)
        rest = np.flatnonzero(index < 0)
        if len(rest):
            first: dict[int, int] = {}
            for i, digest in enumerate(fitted.tolist()):
                first.setdefault(digest, i)
            index[rest] = [first.get(digest, -1) for digest in queried[rest].tolist()]
        return index


def _digests(rows: np.ndarray, salt: np.ndarray | None = None) -> np.ndarray:
    """Digest each row to an integer of 8 bytes.

    With ``salt``, one such integer per row, the two are digested together.
    """
    digests = np.zeros(len(rows), np.uint64) if salt is None else salt.copy()
    for part in gen_batches(len(rows), BLOCK):
        block = np.ascontiguousarray(rows[part]).reshape(part.stop - part.start, -1)
        salts = (number.tobytes() for number in digests[part])
        # Adding zero turns -0.0 into 0.0, which compares equal but has other bytes.
        digests[part] = [
            int.from_bytes(blake2b(row.tobytes(), digest_size=8, salt=key).digest())
            for row, key in zip(block + 0, salts, strict=True)
        ]
    return digests
