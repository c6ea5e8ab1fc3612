"""What makes an estimator fit to be saved and to be pickled."""

import os
from typing import Any

from sklearn.utils.validation import check_is_fitted

from skgex.persistence._coder import Encoder
from skgex.persistence._file_format import Content, write_file
from skgex.persistence._kinds import KINDS
from skgex.persistence._versions import current, warn_unless_current

_VERSION = "_skgex_version"


class Persistent:
    """Adds ``save``, and the version of skgex to pickles."""

    def save(self, path: str | os.PathLike) -> None:
        """Write the fitted estimator to a file from which nothing is executed.

        :func:`skgex.load` reads it. The file is one of safetensors. It holds arrays and
        weights, parameters, and names of classes; your own classes and functions must
        be passed to ``load``. ``memory`` is not saved: what such a folder holds is
        trusted like code.

        Parameters
        ----------
        path : str or path-like
            The file. One that exists is replaced, once the new one is complete.

        Raises
        ------
        ValueError
            If a parameter holds what cannot be saved, such as a lambda.
        OSError
            If the file cannot be written.
        """
        check_is_fitted(self)
        encoder = Encoder(KINDS)
        root = encoder.encode(self, type(self).__name__)
        tree = {"estimator": root, "objects": encoder.objects}
        write_file(path, Content(tree, encoder.arrays, current()))

    def __getstate__(self) -> dict[str, Any]:
        state: Any = super().__getstate__()
        return {**state, _VERSION: current()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        warn_unless_current(type(self).__name__, state.pop(_VERSION, None))
        super().__setstate__(state)  # type: ignore[misc]
