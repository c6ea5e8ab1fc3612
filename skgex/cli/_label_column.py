"""Which column holds the labels, and whether they are labels."""

from collections.abc import Callable, Sequence
from difflib import get_close_matches

import numpy as np

from skgex._data.label_checks import is_missing
from skgex.cli._errors import CommandError

# What programs write where a label is missing.
MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "<na>"}
# Fewer rows than this cannot be judged.
MIN_ROWS = 20
# As many names as an error lists.
N_NAMED = 12


def find_column(
    columns: Sequence[str],
    wanted: str | None,
    name: str,
    *,
    option: str = "--label",
    kind: str = "column",
) -> str:
    """Return the name of a column that the user named.

    Parameters
    ----------
    columns : sequence of str
    wanted : str or None
    name : str
        Of the file.
    option : str, default="--label"
    kind : str, default="column"
        What the file has: columns or arrays.

    Raises
    ------
    CommandError
        If there is no such column, it occurs twice, or none was named.
    """
    listed = ", ".join(map(str, columns[:N_NAMED]))
    listed += f", ... ({len(columns)} in all)" if len(columns) > N_NAMED else ""
    if wanted is None:
        raise CommandError(
            f"{name}: pass {option} with the {kind} that holds the labels, one of: "
            f"{listed}"
        )
    if list(columns).count(wanted) == 1:
        return wanted
    if wanted in columns:
        raise CommandError(f"{name}: {option}: there are several {kind}s {wanted!r}")
    near = get_close_matches(wanted, columns, n=1)
    near += [each for each in columns if each.lower().strip() == wanted.lower().strip()]
    hint = f"did you mean {near[-1]!r}? " if near else ""
    raise CommandError(
        f"{name}: {option}: there is no {kind} {wanted!r}; {hint}It has: {listed}"
    )


def check_labels_of(
    y: np.ndarray, name: str, label: str, place: Callable[[int], str]
) -> None:
    """Refuse labels that are missing, too few, or of no classes.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    name, label : str
        Of the file and the column, for errors.
    place : callable
        Says where a row is found.

    Raises
    ------
    CommandError
        It names the first row that is unfit.
    """
    where = f"{name}: column {label!r}"
    if len(y) < MIN_ROWS:
        raise CommandError(
            f"{name}: has {len(y)} rows; at least {MIN_ROWS} are needed to tell a "
            "wrong label from a right one"
        )
    for row, value in enumerate(y):
        if is_missing(value) or str(value).strip().lower() in MISSING:
            raise CommandError(
                f"{where}: {place(row)} has no label ({str(value)!r}); give it one, or "
                "remove the row"
            )
    classes, first, counts = np.unique(y, return_index=True, return_counts=True)
    if len(classes) < 2:
        raise CommandError(
            f"{where}: all rows have the same label, {str(classes[0])!r}; at least two "
            "classes are needed"
        )
    if len(classes) > len(y) / 2:
        raise CommandError(
            f"{where}: has {len(classes)} different labels in {len(y)} rows, so that "
            "it holds no classes; is it another column?"
        )
    if counts.min() < 2:
        alone = counts.argmin()
        raise CommandError(
            f"{where}: the class {str(classes[alone])!r} has one row, "
            f"{place(int(first[alone]))}; nothing can be learnt of it: correct its "
            "label, or remove the row"
        )


def check_groups_of(
    groups: Sequence | np.ndarray, name: str, column: str, place: Callable[[int], str]
) -> None:
    """Refuse groups that are missing."""
    for row, value in enumerate(groups):
        if is_missing(value) or str(value).strip() == "":
            raise CommandError(
                f"{name}: column {column!r}: {place(row)} has no group; give it one of "
                "its own, or remove the row"
            )
