"""Warnings that point to the line of the user's code."""

import sys
import warnings
from types import FrameType

OWN = ("skgex", "sklearn", "contextlib")


def warn_caller(message: str, category: type[Warning]) -> None:
    """Warn as if the innermost frame outside skgex did.

    scikit-learn and contextlib, of whose decorators it makes use, count as skgex.
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _package(frame) in OWN:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame: FrameType) -> str:
    """Return the name of the top-level package whose code a frame runs."""
    return frame.f_globals.get("__name__", "").partition(".")[0]
