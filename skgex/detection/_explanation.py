"""What is asked of an explanation: checks of the arguments of ``explain``."""

from numbers import Integral
from typing import Any

import numpy as np


def asked_rows(rows: Any, noise_mask: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return positions of the rows that are asked about.

    Parameters
    ----------
    rows : int, array-like of int, mask or None
        None asks for the flagged rows, most suspicious first.
    noise_mask, scores : ndarray of shape (n_samples,)
        Of the fitted rows.

    Returns
    -------
    positions : ndarray of shape (n_asked,), dtype=intp

    Raises
    ------
    ValueError
        If ``rows`` are no positions among the fitted rows.
    """
    n_samples = len(noise_mask)
    if rows is None:
        flagged = np.flatnonzero(noise_mask)
        return flagged[np.argsort(-scores[flagged], kind="stable")]
    given = np.atleast_1d(rows)
    if given.dtype == bool and given.shape == (n_samples,):
        return np.flatnonzero(given)
    if given.shape == (0,):
        return np.empty(0, dtype=np.intp)
    if given.dtype.kind not in "iu" or given.ndim != 1:
        raise ValueError(
            f"rows: must be positions, or a mask of the {n_samples} fitted rows, got "
            f"{given.dtype} of shape {given.shape}."
        )
    if given.min() < 0 or given.max() >= n_samples:
        raise ValueError(
            f"rows: positions must be from 0 to {n_samples - 1}, got {given.min()} "
            f"to {given.max()}."
        )
    return given.astype(np.intp)


def check_n_rows(n_rows: Any) -> None:
    """Refuse what is no number of rows to name."""
    if isinstance(n_rows, bool) or not isinstance(n_rows, Integral) or n_rows < 1:
        raise ValueError(f"n_rows: must be an int of at least 1, got {n_rows!r}.")
