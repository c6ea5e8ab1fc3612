"""Warnings that point to the user's own line."""

import sys
import warnings


def warn_caller(message: str, category: type[Warning]) -> None:
    """Warn at the innermost frame outside skgex and scikit-learn."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and _package(frame) in ("skgex", "sklearn"):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame) -> str:
    return frame.f_globals.get("__name__", "").partition(".")[0]
