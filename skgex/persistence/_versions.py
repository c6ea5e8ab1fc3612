"""The version of skgex that runs, and the one that saved or pickled an estimator."""

import sys

from skgex._utils.warnings import warn_caller
from skgex.exceptions import InconsistentVersionWarning, LoadError


def current() -> str:
    """Return the version of the skgex that runs."""
    return sys.modules["skgex"].__version__


def check_major(version: str) -> None:
    """Raise a LoadError for a file of another major version."""
    if version.partition(".")[0] != current().partition(".")[0]:
        raise LoadError(
            f"it is of skgex {version}, and this is skgex {current()}. Load it by that "
            "version, or fit again."
        )


def warn_unless_current(name: str, version: str | None) -> None:
    """Warn of an estimator that another version of skgex made.

    Parameters
    ----------
    name : str
        Of the estimator's class.
    version : str or None
        None if it is not known.
    """
    if version != current():
        warn_caller(
            f"This {name} was made by skgex {version or 'of an unknown version'}, and "
            f"this is skgex {current()}. Its answers may be wrong; fit it again to be "
            "sure.",
            InconsistentVersionWarning,
        )
