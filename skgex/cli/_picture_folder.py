"""A folder of images, one sub-folder per class, as samples and labels."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from skgex._utils.spreadsheet import escape_cell
from skgex.cli._errors import CommandError
from skgex.cli._label_column import check_labels_of
from skgex.cli._loaded import Loaded
from skgex.images import read_image_folder


def load_folder(
    path: Path, label: str | None, groups: str | None, size: int | None
) -> Loaded:
    """Read a folder of images; what is written again is a list of files with labels."""
    for option, value in (("--label", label), ("--groups", groups)):
        if value is not None:
            raise CommandError(
                f"{path}: {option} is for tables; the labels of a folder are the names "
                "of its sub-folders"
            )
    found = read_image_folder(path, size=size)
    files = [file.relative_to(path).as_posix() for file in found.paths]
    check_labels_of(found.labels, path.name, "folder", files.__getitem__)

    def write(kept: np.ndarray, labels: Any) -> bytes:
        return _list_of([files[row] for row in kept], labels)

    return Loaded(
        "images",
        found.images,
        found.labels,
        "folder",
        None,
        files,
        "file",
        ".csv",
        write,
    )


def _list_of(files: list[str], labels: Any) -> bytes:
    """Return a CSV file of files and labels that no spreadsheet runs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "label"])
    for file, label in zip(files, labels, strict=True):
        writer.writerow([escape_cell(file), escape_cell(str(label))])
    return text.getvalue().encode()
