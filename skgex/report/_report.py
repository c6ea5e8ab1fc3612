"""write_report: what a detector found, as a page to review it in."""

import os
from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils.validation import _num_samples

from skgex._utils.atomic import check_free, write_atomically
from skgex._utils.optional import import_optional
from skgex.inspection._arguments import fitted_step
from skgex.report._figures import draw_figures
from skgex.report._page import render_page, to_json
from skgex.report._records import MAX_ROWS, Records, make_records
from skgex.report._row_contents import check_can_be_shown
from skgex.report._settings import describe_settings

LIBRARIES = ("itables", "jinja2", "matplotlib", "pandas", "PIL")

MAX_BYTES = 4_800_000  # of a page, so that it can be sent by mail and opens at once

TITLE = "Labels to review"


def write_report(
    detector: Any,
    path: str | os.PathLike,
    X: Any = None,
    *,
    names: Sequence[str] | None = None,
    title: str | None = None,
    settings: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a page in which the flagged rows can be seen, judged and decided about.

    The page is one file. It opens from the disk in any browser of today, asks the
    network for nothing, and can be sent to a colleague. It shows what was found in
    words and pictures, and a table of the flagged rows with the rows that speak for and
    against their labels. Whoever reviews it keeps, relabels or drops each row, by
    button or key. The browser remembers the decisions; the page exports them as
    ``decisions.csv``, which :func:`skgex.cleaning.apply_decisions` takes. From what the
    reviewer finds, the page estimates how many of the flagged labels are wrong.

    Parameters
    ----------
    detector : GEXDetector, NoisyLabelDetector or Pipeline
        Fitted; of a pipeline, the last step is the detector. One label per row.
    path : str or path-like
        The file to write, such as "report.html".
    X : array-like, DataFrame, torch.Tensor or list of str, default=None
        What the rows of ``fit`` look like, in the same order: images, texts, a table
        or a 2D array of numbers. It need not be what the detector was fitted on: show
        texts, not their TF-IDF. None shows labels and scores alone.
    names : sequence of str of length n_samples, default=None
        What the rows are called, such as the files of images. None takes the index of a
        DataFrame, if it has one of its own.
    title : str, default=None
        The heading. None stands for "Labels to review".
    settings : mapping of str to object, default=None
        What else somebody needs to know to make the report again, such as the name of
        the data. Parameters of the detector and versions are shown anyway.
    overwrite : bool, default=False
        Whether a file that is already there may be replaced.

    Returns
    -------
    path : Path
        The file, below 5 MB. It has the 10,000 most suspicious of the flagged rows. If
        their pictures or values do not fit, those of the least suspicious are left
        out, and the page says so.

    Raises
    ------
    ValueError
        If ``detector`` is none, its rows have several labels each, or X or ``names`` do
        not belong to the fitted rows or cannot be shown.
    NotFittedError
        If the detector is not fitted.
    FileExistsError
        If the file exists and ``overwrite`` is False.
    FileNotFoundError
        If its folder does not exist.
    ImportError
        If a library is missing: ``pip install "skgex[report]"``.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from skgex import NoisyLabelDetector
    >>> from skgex.hardness import AUM
    >>> from skgex.report import write_report
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> detector = NoisyLabelDetector(AUM(random_state=0)).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     page = write_report(detector, Path(folder) / "report.html", X)
    ...     page.read_text()[:15]
    '<!DOCTYPE html>'
    """
    for name in LIBRARIES:
        import_optional(name, "report", "write_report")
    check_free(path, overwrite)
    judge = fitted_step(detector, "detector", "issues")
    issues = judge.issues()
    check_can_be_shown(X)
    _check_labels(issues["given_label"])
    _check_lengths(len(issues), X=X, names=names)
    records = make_records(judge, issues, X, _row_names(issues, X, names))
    page = _fill(detector, judge, issues, records, title or TITLE, settings)
    # Names of files and classes may hold what UTF-8 does not know.
    write_atomically(path, page.encode("utf-8", "replace"), overwrite=overwrite)
    return Path(path)


def _check_labels(given: Any) -> None:
    """Refuse labels that no reviewer can decide about one by one."""
    first = given.iloc[0]
    if isinstance(first, tuple):
        raise ValueError(
            "detector: write_report takes one label per row, the detector was fitted "
            f"with {len(first)}. Fit and report one of them at a time."
        )
    if given.isna().all():
        raise ValueError(
            "detector: the labels that it was fitted with are not known. Fit it with X "
            "and y."
        )


def _check_lengths(n_rows: int, **arguments: Any) -> None:
    """Refuse what does not belong to the fitted rows."""
    for name, value in arguments.items():
        if value is not None and _num_samples(value) != n_rows:
            raise ValueError(
                f"{name}: expected one entry for each of the {n_rows} rows of fit, got "
                f"{_num_samples(value)}."
            )


def _row_names(issues: Any, X: Any, names: Any) -> list[str] | None:
    """Return names of the fitted rows; None if an index only counts them."""
    if names is None:
        names = getattr(X, "index", None)
    if names is None or callable(names):  # a list has a method of that name
        names = issues.index[np.argsort(issues["row"].to_numpy())]
    counts = all(
        isinstance(name, Integral) and name == i for i, name in enumerate(names)
    )
    return None if counts else [str(name) for name in names]


def _fill(
    detector: Any,
    judge: Any,
    issues: Any,
    records: Records,
    title: str,
    settings: Mapping[str, Any] | None,
) -> str:
    """Return the page, with as many pictures or values as it may have."""
    values = {
        "title": title,
        "summary": judge.summary(),
        "n_rows": len(issues),
        "n_flagged": int(issues["flagged"].sum()),
        "n_shown": len(records.data["rows"]),
        "noise_rate": getattr(judge, "noise_rate_", None),
        "noise_rate_std": getattr(judge, "noise_rate_std_", None),
        "figures": draw_figures(judge),
        "settings": describe_settings(detector, settings),
        "has_classes": records.data["classes"] is not None,
        "kind": records.contents.kind,
        "hidden_columns": records.contents.n_columns - len(records.contents.columns),
        "max_rows": MAX_ROWS,
    }
    bare = render_page({**values, "data": to_json(records.data), "n_left_out": 0})
    kept = _fitting(records, MAX_BYTES - len(bare.encode()) - 1000)
    data = {
        **records.data,
        "kind": records.contents.kind,
        "columns": records.contents.columns,
        "contents": kept,
    }
    left_out = len(records.contents.of) - len(kept)
    return render_page({**values, "data": to_json(data), "n_left_out": left_out})


def _fitting(records: Records, n_bytes: int) -> dict[int, Any]:
    """Return what the most needed rows look like, as many as fit."""
    kept = {}
    for row in records.order:
        content = records.contents.of.get(row)
        if content is None:
            continue
        n_bytes -= len(to_json({row: content}).encode())
        if n_bytes < 0:
            break
        kept[row] = content
    return kept
