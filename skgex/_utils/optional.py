"""Libraries that skgex does without, imported where they are needed."""

import importlib
from typing import Any


def import_optional(name: str, extra: str, user: str) -> Any:
    """Import a library that need not be installed.

    Parameters
    ----------
    name : str
        Of the module.
    extra : str
        The extra of skgex that installs it.
    user : str
        What needs it, for the error.

    Returns
    -------
    module : module

    Raises
    ------
    ImportError
        If it is not installed. The error says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f'{user} needs {name}: pip install "skgex[{extra}]".'
        ) from error
