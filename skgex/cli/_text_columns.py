"""Whether a table is a table, or one text per row."""

from typing import Any

from skgex.cli._errors import CommandError


def samples_of(frame: Any, name: str) -> tuple[str, Any]:
    """Return what kind of samples a data frame holds, and the samples.

    A single column of texts, most of which occur once, holds one text per row.

    Returns
    -------
    kind : {"table", "text"}
    X : DataFrame or list of str

    Raises
    ------
    CommandError
        If there is no column to judge labels by.
    """
    if frame.shape[1] == 0:
        raise CommandError(f"{name}: has no column beside the labels to judge them by")
    if frame.shape[1] > 1 or not _is_text(frame.iloc[:, 0]):
        return "table", frame
    return "text", frame.iloc[:, 0].fillna("").astype(str).tolist()


def _is_text(column: Any) -> bool:
    if column.dtype.kind not in "OTU" and str(column.dtype) not in ("str", "string"):
        return False
    known = column.dropna()
    return len(known) > 0 and bool(
        known.map(lambda value: isinstance(value, str)).all()
        and known.nunique() > len(known) / 2
    )
