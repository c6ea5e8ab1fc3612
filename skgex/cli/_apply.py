"""``skgex apply``: correct labels as a reviewer decided."""

from pathlib import Path

import numpy as np

from skgex.cleaning import apply_decisions
from skgex.cli._errors import BAD_INPUT, CommandError, blaming
from skgex.cli._loaded import Loaded
from skgex.cli._printing import print_facts
from skgex.cli._reading import columns_of, load
from skgex.cli._writing import Output, check_outputs, write_output


def apply(
    path: Path, decisions: Path, out: Path, label: str | None, force: bool
) -> None:
    """Read data and decisions, and write the data with corrected labels."""
    suffix = ".csv" if path.is_dir() else path.suffix.lower()
    output = Output("--out", out, (suffix,))
    check_outputs([output], [path, decisions], force)
    if not decisions.is_file():
        raise CommandError(f"{decisions}: there is no such file")
    if label is None and not path.is_dir():
        label = _find_label(path, decisions)
    data = load(path, label)
    with blaming(BAD_INPUT):
        labels, kept = apply_decisions(data.y, str(decisions))
    write_output(output, data.write(kept, labels), force)
    _print_done(data, labels, kept, out)


def _find_label(path: Path, decisions: Path) -> str:
    """Return the only column that has the given labels of all decisions."""
    fitting = [
        name for name, values in columns_of(path).items() if _fits(values, decisions)
    ]
    if len(fitting) == 1:
        return fitting[0]
    found = f"columns {', '.join(fitting)} have" if fitting else "no column has"
    raise CommandError(
        f"{path.name}: {found} the given labels of {decisions.name}; pass --label with "
        "the column that was reviewed"
    )


def _fits(values: np.ndarray, decisions: Path) -> bool:
    try:
        apply_decisions(values, str(decisions))
    except (ValueError, TypeError):
        return False
    return True


def _print_done(data: Loaded, labels: np.ndarray, kept: np.ndarray, out: Path) -> None:
    changed = int(np.count_nonzero(np.asarray(labels) != data.y[kept]))
    print_facts(
        [
            ("relabelled", _rows(changed)),
            ("dropped", _rows(len(data) - len(kept))),
            ("written", f"{out}: {_rows(len(kept))}"),
        ]
    )


def _rows(n: int) -> str:
    return f"{n:,} row" + ("" if n == 1 else "s")
