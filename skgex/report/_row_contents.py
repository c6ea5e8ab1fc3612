"""What the rows of a data set look like: pictures, texts, or named values."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing

from skgex.inspection._drawing import INK_GROUND
from skgex.inspection._pictures import as_pictures
from skgex.report._thumbnails import data_uri

MAX_TEXT = 600  # characters of a text
MAX_CELL = 120  # characters of a value in a table
MAX_COLUMNS = 24  # values of a row
GAP = "\u2013"  # a dash


@dataclass(frozen=True, eq=False)
class RowContents:
    """What some rows look like.

    Attributes
    ----------
    kind : {"picture", "text", "values", "none"}
    columns : list of str
        Names of the values, if they have any.
    of : dict of int to str or list of str
        By row: the picture as a ``data:`` address, the text, or its values.
    n_columns : int
        How many columns there are, shown or not.
    """

    kind: str
    columns: list[str]
    of: dict[int, Any]
    n_columns: int = 0


def row_contents(X: Any, rows: Sequence[int]) -> RowContents:
    """Say what rows look like.

    Parameters
    ----------
    X : array-like, DataFrame, torch.Tensor, list of str or None
        All rows of the data set.
    rows : sequence of int
        Positions of those that are wanted.

    Returns
    -------
    contents : RowContents

    Raises
    ------
    ValueError
        If rows have more than one axis and are no images.
    """
    if X is None:
        return RowContents("none", [], {})
    chosen = _choose(X, rows)
    if _are_texts(chosen):
        texts = [GAP if is_gap(row) else clean(row, MAX_TEXT) for row in chosen]
        return RowContents("text", [], dict(zip(rows, texts, strict=True)))
    pictures = _pictures(chosen)
    if pictures is not None:
        uris = map(data_uri, pictures)
        return RowContents("picture", [], dict(zip(rows, uris, strict=True)))
    return _values(chosen, rows)


def clean(value: Any, length: int) -> str:
    """Return the text of a value, shortened, of characters that UTF-8 knows.

    Names of files may hold others, and cells anything.
    """
    text = str(value)
    text = text if len(text) <= length else text[: length - 1] + "…"
    return text.encode("utf-8", "replace").decode("utf-8")


def check_can_be_shown(X: Any) -> None:
    """Refuse what rows cannot be taken from, or say nothing to a reader.

    Parameters
    ----------
    X : object

    Raises
    ------
    ValueError
        If X is neither an array, a table nor a list.
    """
    listed = X is None or hasattr(X, "shape") or isinstance(X, (list, tuple))
    if issparse(X) or not listed:
        raise ValueError(
            "X: expected what the rows look like (images, texts, a DataFrame or a 2D "
            f"array), got {type(X).__name__}. Pass the data it was made of, or None."
        )


def _choose(X: Any, rows: Sequence[int]) -> Any:
    """Return some rows of a data set."""
    if hasattr(X, "detach"):  # a tensor
        return X[list(rows)].detach().cpu()
    return _safe_indexing(X, np.asarray(rows, dtype=np.intp))


def _are_texts(chosen: Any) -> bool:
    """Say whether each row is a text, or missing where others are texts."""
    if getattr(chosen, "ndim", 1) != 1:
        return False
    is_text = [isinstance(row, str) for row in chosen]
    gaps = (is_gap(row) for row, text in zip(chosen, is_text, strict=True) if not text)
    return any(is_text) and all(gaps)


def is_gap(value: Any) -> bool:
    """Say whether a value is missing."""
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))


def _pictures(chosen: Any) -> Iterable[np.ndarray] | None:
    """Return rows as pictures, drawings as ink on paper; None if they are none."""
    try:
        pictures = as_pictures(chosen)
    except ValueError:
        return _pictures_of_many_sizes(chosen)
    drawn = pictures.ndim == 3 and np.median(pictures) <= INK_GROUND
    return 255 - pictures if drawn else pictures


def _pictures_of_many_sizes(chosen: Any) -> Iterable[np.ndarray] | None:
    """Return the pictures of a list; None if they are none."""
    if not isinstance(chosen, (list, tuple)):
        return None
    arrays = [np.asarray(row) for row in chosen if not isinstance(row, str)]
    if len(arrays) < len(chosen) or not {row.ndim for row in arrays} <= {2, 3}:
        return None
    return [as_pictures(row[None])[0] for row in arrays]


def _values(chosen: Any, rows: Sequence[int]) -> RowContents:
    """Return rows of a table."""
    import pandas as pd

    table = chosen.to_pandas() if hasattr(chosen, "to_pandas") else chosen
    if not isinstance(table, pd.DataFrame):
        table = np.asarray(table)
        if table.ndim > 2:
            raise ValueError(
                f"X: rows of shape {table.shape[1:]} are no images and no values of a "
                "table. Pass what the rows look like, or None."
            )
        table = pd.DataFrame(table)
    columns = [clean(name, MAX_CELL) for name in table.columns[:MAX_COLUMNS]]
    cells = table.iloc[:, :MAX_COLUMNS].astype(object).to_numpy()
    texts = [[_cell(value) for value in row] for row in cells]
    return RowContents(
        "values", columns, dict(zip(rows, texts, strict=True)), table.shape[1]
    )


def _cell(value: Any) -> str:
    """Return the text of a value: four digits of a number, a dash for a gap."""
    if is_gap(value):
        return GAP
    if isinstance(value, Real) and not isinstance(value, (bool, Integral)):
        return f"{float(value):.4g}"
    return clean(value, MAX_CELL)
