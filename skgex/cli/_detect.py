"""``skgex detect``: find the wrong labels of a file or a folder."""

import warnings
from pathlib import Path
from typing import Any

from skgex.cli._detect_outputs import Outputs, write_outputs
from skgex.cli._detector_choice import Wishes, fit, make_detector
from skgex.cli._errors import BAD_INPUT, FAILED, blaming
from skgex.cli._findings import print_data, print_findings
from skgex.cli._loaded import Loaded
from skgex.cli._progress_bar import progress_bar
from skgex.cli._reading import load
from skgex.cli._writing import check_outputs
from skgex.exceptions import SkgexWarning


def detect(
    path: Path,
    label: str | None,
    groups: str | None,
    size: int | None,
    outputs: Outputs,
    wishes: Wishes,
    force: bool,
) -> None:
    """Read data, judge the labels, print the worst, and write what was asked for."""
    planned = outputs.planned(path)
    check_outputs(planned, [path], force)
    wishes.check()
    with progress_bar("reading the data"):
        data = load(path, label, groups, size)
    print_data(path, data)
    detector, notes = _judge(data, wishes)
    print_findings(data, detector, [*data.notes, *notes])
    write_outputs(planned, data, detector, path, wishes, force)


def _judge(data: Loaded, wishes: Wishes) -> tuple[Any, list[str]]:
    """Return a fitted detector, and what it warned of."""
    with blaming(BAD_INPUT):
        model = make_detector(data, wishes)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with (
            blaming(FAILED, "the labels cannot be judged: "),
            progress_bar("preparing the samples"),
        ):
            detector = fit(model, data)
    ours = [each for each in caught if issubclass(each.category, SkgexWarning)]
    return detector, list(dict.fromkeys(str(each.message) for each in ours))
