"""Reading what a fitted estimator's ``save`` wrote."""

import os
from collections.abc import Iterable
from typing import Any

from sklearn.base import BaseEstimator

from skgex.exceptions import LoadError
from skgex.persistence._class_names import Names
from skgex.persistence._coder import Decoder
from skgex.persistence._file_format import Content, read_file
from skgex.persistence._kinds import KINDS
from skgex.persistence._versions import check_major, current, warn_unless_current


def load(path: str | os.PathLike, *, trusted: Iterable[Any] = ()) -> Any:
    """Read a fitted estimator that its method ``save`` wrote.

    Nothing in the file is executed, unlike with a pickle: it names classes, and holds
    their parameters and arrays. Classes of skgex, skorch's nets and what torch has are
    known; your own must be passed.

    Parameters
    ----------
    path : str or path-like
        The file.
    trusted : list of class or function, default=()
        Your own code that the file may name, such as the class of your net's module,
        criterion or callback, or a metric. A class is found by its name, whatever
        module it is in. An error says what is missing.

    Returns
    -------
    estimator : estimator
        It answers as the saved one did, bit for bit with the same libraries on the same
        machine. Its ``memory`` is None.

    Raises
    ------
    LoadError
        If the file is damaged, was not written by ``save``, is of another major version
        of skgex or of its format, or names code that is neither known nor trusted. It
        is a ValueError.
    OSError
        If the file cannot be read.
    ValueError
        If ``trusted`` holds something other than classes and functions.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import mkdtemp
    >>> import skgex
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> detector = skgex.GEXDetector(random_state=0).fit(X, y)
    >>> path = Path(mkdtemp()) / "detector.safetensors"
    >>> detector.save(path)
    >>> again = skgex.load(path)
    >>> bool((again.predict(X) == detector.predict(X)).all())
    True
    """
    names = Names(trusted)
    file = os.fspath(path)
    with open(file, "rb"):  # raises an OSError that says what is wrong
        pass
    try:
        content = read_file(file)
        check_major(content.skgex_version)
        estimator = _decoded(content, names)
    except LoadError as error:
        raise LoadError(f"path: {file!r} cannot be loaded: {error}") from error
    except Exception as error:
        raise LoadError(
            f"path: {file!r} cannot be loaded: its content does not fit skgex "
            f"{current()}: {type(error).__name__}: {error}"
        ) from error
    warn_unless_current(type(estimator).__name__, content.skgex_version)
    return estimator


def _decoded(content: Content, names: Names) -> BaseEstimator:
    decoder = Decoder(KINDS, content.arrays, names)
    decoder.make_all(content.tree["objects"])
    estimator = decoder.decode(content.tree["estimator"])
    if not isinstance(estimator, BaseEstimator):
        raise ValueError("it holds no estimator")
    return estimator
