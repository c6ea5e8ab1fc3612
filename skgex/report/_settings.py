"""What somebody needs to know to make the same report again."""

import platform
import re
from collections.abc import Mapping
from typing import Any

import skgex
from skgex._utils.environment import library_versions
from skgex.report._row_contents import clean

ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # another one in each process
MAX_SETTING = 400  # characters


def describe_settings(
    estimator: Any, settings: Mapping[str, Any] | None
) -> list[tuple[str, list[tuple[str, str]]]]:
    """List the user's own settings, the parameters of the estimator and the versions.

    Parameters
    ----------
    estimator : estimator
        The detector, or the pipeline that ends with it.
    settings : mapping of str to object, or None
        What else matters, such as the name of a file.

    Returns
    -------
    groups : list of (str, list of (str, str))
        Titles, and names with their texts.
    """
    groups = {
        "Data": settings or {},
        f"Parameters of {type(estimator).__name__}": _parameters(estimator),
        "Versions": _versions(),
    }
    return [
        (title, [(str(name), clean(text, MAX_SETTING)) for name, text in group.items()])
        for title, group in groups.items()
        if group
    ]


def _parameters(estimator: Any) -> dict[str, str]:
    """Return parameters as Python writes them, on one line each.

    Estimators and lists of them are left out: their own parameters follow.
    """
    found = estimator.get_params()
    return {
        name: " ".join(ADDRESS.sub("", repr(value)).split())
        for name, value in sorted(found.items())
        if name != "steps" and not hasattr(value, "get_params")
    }


def _versions() -> dict[str, str]:
    return {
        "skgex": skgex.__version__,
        "Python": platform.python_version(),
        **library_versions(),
    }
