"""What a data frame calls its rows."""

from typing import Any


def names_of(X: Any) -> Any:
    """Return the index of a pandas DataFrame or Series.

    Parameters
    ----------
    X : object
        Samples, as given.

    Returns
    -------
    names : pandas.Index or None
        None where rows have no names but their positions: of anything that is not from
        pandas, and of a frame that counts from 0.
    """
    index: Any = getattr(X, "index", None)
    if not (hasattr(X, "iloc") and hasattr(index, "take")):
        return None
    counts = index.nlevels == 1 and index.name is None and _counts_from_0(index)
    return None if counts else index


def _counts_from_0(index: Any) -> bool:
    """Return whether an index is 0, 1, 2, ... as pandas makes it by itself."""
    return getattr(index, "start", None) == 0 and getattr(index, "step", None) == 1
