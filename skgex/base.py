"""What all estimators of skgex share: checks, label coding and a fit's skeleton."""

from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch import NeuralNet
from skorch.utils import is_dataset

from skgex._labels import wants_classes
from skgex._net import dtype_of, initialised, takes_indices, unwrap

__all__ = ["Interval", "NetEstimator", "StrOptions"]


class NetEstimator(BaseEstimator):
    """Base of the estimators that judge samples by a net.

    A subclass gives ``_fit(X, y)``, whose arguments were checked, and the parameter
    ``net``. Everything that scikit-learn keeps private about parameter validation is
    touched here alone.
    """

    net: NeuralNet | FrozenEstimator | None

    def fit(self, X: Any, y: Any = None) -> "NetEstimator":
        """Train what needs training, and judge the samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or Dataset
            Samples, of any shape that the net takes; or a torch Dataset of pairs
            (sample, target).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels or target values, as given, noise and all. None with a Dataset.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X or y is unfit for the net or for each other, or a parameter is
            impossible.
        TypeError
            If ``net`` holds no skorch net.
        """
        self._validate_params()
        if isinstance(self.net, FrozenEstimator) and not isinstance(
            self.net.estimator, NeuralNet
        ):
            raise TypeError(
                "net: FrozenEstimator must hold a skorch net, got "
                f"{type(self.net.estimator).__name__}."
            )
        self._read_net()
        return self._fit(*self._check(X, y, reset=True))

    def _require_fitted(self) -> None:
        check_is_fitted(self)

    def _check(
        self, X: Any, y: Any = "no labels", *, reset: bool = False
    ) -> tuple[Any, np.ndarray | None]:
        """Return samples and labels as arrays; a Dataset goes through as it is."""
        if is_dataset(X):
            return self._check_dataset(X, y, reset)
        X = _to_cpu(X)
        options = {"dtype": self._dtype, "allow_nd": True, "reset": reset}
        if self._takes_indices and np.asarray(X).dtype.kind in "iu":
            options["dtype"] = np.int64
        labelled = not isinstance(y, str)
        if reset:
            options["ensure_min_samples"] = 2
        if labelled and y is None and not self._needs_labels():
            labelled = False
        if not labelled:
            X, y = validate_data(self, X, **options), None
        elif y is None or wants_classes(self._inner_net(), np.asarray(_to_cpu(y))):
            X, y = validate_data(self, X, _to_cpu(y), **options)
        else:
            X, y = validate_data(
                self, X, _to_cpu(y), multi_output=True, y_numeric=True, **options
            )
        if reset:
            self._row_shape = X.shape[1:]
        elif self._row_shape is not None and X.shape[1:] != self._row_shape:
            raise ValueError(
                f"X: rows of shape {self._row_shape} were fitted, got {X.shape[1:]}."
            )
        return X, y

    def _check_dataset(self, X: Any, y: Any, reset: bool) -> tuple[Any, None]:
        if y is not None and not isinstance(y, str):
            raise ValueError("y: must be None where X is a Dataset, which has targets.")
        if self.net is None:
            raise ValueError("net: None makes a net for arrays; a Dataset needs one.")
        if not hasattr(X, "__len__"):
            raise TypeError("X: a Dataset must have a length, to ask twice for a row.")
        if reset and len(X) < 2:
            raise ValueError(f"X: at least 2 samples are needed, got {len(X)}.")
        if reset:
            self._row_shape = None
        return X, None

    def _read_net(self) -> None:
        """Learn what the net computes in, from an instance of it."""
        self._dtype, self._takes_indices = np.dtype(np.float32), False
        if self.net is not None:
            net, frozen = unwrap(self.net)
            net = net if frozen else initialised(net)
            self._dtype, self._takes_indices = dtype_of(net), takes_indices(net)

    def _inner_net(self) -> NeuralNet | None:
        return None if self.net is None else unwrap(self.net)[0]

    def _needs_labels(self) -> bool:
        """Return whether the net's loss is of labels; a plain net's need not be."""
        net = self._inner_net()
        return net is None or is_classifier(net) or is_regressor(net)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self._needs_labels()
        tags.input_tags.three_d_array = True
        return tags


def _to_cpu(values: Any) -> Any:
    return values.detach().cpu().numpy() if torch.is_tensor(values) else values
