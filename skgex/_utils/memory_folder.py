"""The folder of ``memory``: made for its user alone, and checked before any work.

joblib reads pickles from it, so whoever can write to it can run code as its reader.
"""

import os
import stat
from pathlib import Path
from typing import Any

from skgex._utils.warnings import warn_caller
from skgex.exceptions import OpenCacheWarning


def prepare_folder(memory: Any) -> None:
    """Make the folder that an estimator is given as ``memory``, or refuse it.

    Parameters
    ----------
    memory : str, joblib.Memory or None
        A ``joblib.Memory`` has made its folder already, which is its user's concern.

    Raises
    ------
    OSError
        If the folder cannot be made, or is empty and cannot be written to. One that
        cannot be written to, but holds something, is read.
    """
    if not isinstance(memory, str):
        return
    outer = Path(memory)
    inner = outer / "joblib"  # where joblib puts what is in a folder given by name
    try:
        outer.parent.mkdir(parents=True, exist_ok=True)
        for folder in (outer, inner):
            folder.mkdir(mode=0o700, exist_ok=True)
        is_useless = not os.access(inner, os.W_OK) and not any(inner.iterdir())
    except OSError as error:
        raise _refusal(memory, error) from error
    if is_useless:
        raise _refusal(memory, "it is empty and cannot be written to")
    for folder in (outer, inner):
        if _is_open(folder):
            _warn_of(folder)


def _refusal(memory: str, reason: Any) -> OSError:
    return OSError(
        f"memory: nothing can be kept in the folder {memory!r}: {reason}. Pass a "
        "folder that you may write to, or None to keep nothing."
    )


def _is_open(folder: Path) -> bool:
    """Return whether anyone on this machine may replace what is in a folder."""
    if os.name != "posix":
        return False  # other systems do not tell by the mode
    mode = folder.stat().st_mode
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def _warn_of(folder: Path) -> None:
    warn_caller(
        f"memory: anyone may write to {str(folder)!r}, and what is read from there can "
        f"run code. Take the right away (chmod o-w {folder}), or use another folder.",
        OpenCacheWarning,
    )
