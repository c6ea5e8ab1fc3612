"""The command ``skgex``.

``skgex detect DATA --label COLUMN`` finds the wrong labels of a CSV, Parquet or NPZ
file, or of a folder of images by class. ``skgex apply DATA DECISIONS --out FILE``
corrects labels as a reviewer decided. ``skgex demo`` shows it on digits.

Exit codes: 0, the command did what was asked; 2, the input or an option is wrong; 3,
the labels cannot be judged; 130, interrupted. Errors are one line on stderr. Files are
written whole or not at all, and none is replaced without ``--force``.

``issues.csv`` has an apostrophe before each cell that a spreadsheet would run as a
formula. Cleaned data have none: cells that nobody corrected stay byte for byte.
"""

import io
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command, and exit with its code.

    Raises
    ------
    SystemExit
        With 0, 2, 3 or 130, see the module.
    """
    try:
        import rich  # noqa: F401
        import typer  # noqa: F401
    except ImportError as error:
        print(
            f'skgex: the command needs {error.name}: pip install "skgex[cli]"',
            file=sys.stderr,
        )
        raise SystemExit(2) from error
    from skgex.cli._app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # where it has no "…"
    app()
