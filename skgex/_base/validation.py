"""Checks of the net, the samples and the labels, before anything is trained.

Nothing here is written to the estimator: a fit that fails leaves it as it was.
"""

from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from sklearn.base import is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import validate_data
from skorch import NeuralNet
from skorch.utils import is_dataset

from skgex._base.parameters import NetNeed
from skgex._data.label_coding import (
    ClassLabels,
    Coding,
    RegressionTargets,
    coding_of,
    wants_classes,
)
from skgex._data.records import Data, take
from skgex._nets.batches import targets_of
from skgex._nets.broken_net import check_weights
from skgex._nets.evaluation import check_loss, n_outputs
from skgex._nets.skorch_adapter import is_row_by_row, takes_indices, unwrap
from skgex._nets.snapshot import dtype_of, initialised, revive, snapshot
from skgex._utils.warnings import warn_caller
from skgex.exceptions import SlowCriterionWarning

GivenNet: TypeAlias = NeuralNet | FrozenEstimator | None


@dataclass(frozen=True)
class InputFormat:
    """What samples must look like.

    Attributes
    ----------
    dtype : dtype
        The floating type that the net computes in.
    takes_indices : bool
        Whether the net looks integers up in a table, so that they stay integers.
    takes_datasets : bool
        Whether a Dataset may come; the default net is made for arrays.
    row_shape : tuple of int or None
        Shape of one fitted sample; None for a Dataset.
    attributes : dict
        ``n_features_in_`` and ``feature_names_in_``, as far as X has them.
    """

    dtype: np.dtype
    takes_indices: bool
    takes_datasets: bool
    row_shape: tuple[int, ...] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


def check_net(net: GivenNet, need: NetNeed, owner: str) -> None:
    """Refuse a net that cannot serve an estimator.

    Parameters
    ----------
    net : NeuralNet, FrozenEstimator or None
    need : NetNeed
    owner : str
        Name of the estimator's class.

    Raises
    ------
    TypeError
        If a FrozenEstimator holds no skorch net.
    NotFittedError
        If the net in it is not fitted.
    ValueError
        If it came frozen, but the estimator must train it.
    """
    if not isinstance(net, FrozenEstimator):
        return
    inner = net.estimator
    if not isinstance(inner, NeuralNet):
        kind = type(inner).__name__
        raise TypeError(f"net: FrozenEstimator must hold a skorch net, not {kind}.")
    if not inner.initialized_:
        raise NotFittedError("net: FrozenEstimator holds a net that is not fitted.")
    if need is not NetNeed.TRAINED:
        raise ValueError(
            f"net: {owner} needs {need.value}, which a FrozenEstimator does not allow; "
            "pass the net itself."
        )


def needs_labels(net: GivenNet) -> bool:
    """Return whether the net's loss is of labels; a plain net's need not be."""
    inner = skorch_net(net)
    return inner is None or is_classifier(inner) or is_regressor(inner)


def skorch_net(net: GivenNet) -> NeuralNet | None:
    """Return the net without its FrozenEstimator; None for the default net."""
    return None if net is None else unwrap(net)[0]


def check_fit_input(
    estimator: Any, X: Any, y: Any
) -> tuple[Any, np.ndarray | None, InputFormat]:
    """Return the samples and labels of a fit as arrays, and their format.

    A Dataset is returned as it is. Labels may be missing where the net's loss needs
    none.
    """
    net = estimator.net
    found = _format_of(net)
    if is_dataset(X):
        _check_dataset(X, y, found)
        if len(X) < 2:
            raise ValueError(f"X: at least 2 samples are needed, got {len(X)}.")
        return X, None, found
    X, y = _to_cpu(X), _to_cpu(y)
    classes = y is None or wants_classes(skorch_net(net), np.asarray(y))
    options = {**_options(X, y, found, classes), "ensure_min_samples": 2}
    if y is None and not needs_labels(net):
        X, attributes = validate_for_fit(estimator, X, **options)
    else:
        (X, y), attributes = validate_for_fit(estimator, X, y, **options)
    return X, y, replace(found, row_shape=X.shape[1:], attributes=attributes)


def check_query_input(
    estimator: Any, X: Any, y: Any, fitted: InputFormat, coding: Coding
) -> tuple[Any, np.ndarray | None]:
    """Return queried samples, and labels if there are any, as arrays."""
    if is_dataset(X):
        _check_dataset(X, y, fitted)
        return X, None
    X, y = _to_cpu(X), _to_cpu(y)
    options = _options(X, y, fitted, isinstance(coding, ClassLabels))
    if y is None:
        X = validate_data(estimator, X, reset=False, **options)
    else:
        X, y = validate_data(estimator, X, y, reset=False, **options)
    if fitted.row_shape is not None and X.shape[1:] != fitted.row_shape:
        raise ValueError(
            f"X: rows of shape {fitted.row_shape} were fitted, got {X.shape[1:]}."
        )
    return X, y


def validate_for_fit(
    estimator: Any, *data: Any, **options: Any
) -> tuple[Any, dict[str, Any]]:
    """Check data as scikit-learn does, without writing to the estimator.

    Returns
    -------
    checked : ndarray or tuple of ndarray
        What ``validate_data`` returns.
    attributes : dict
        ``n_features_in_`` and ``feature_names_in_``, as far as X has them.
    """
    stand_in = copy(estimator)
    checked = validate_data(stand_in, *data, reset=True, **options)
    names = ("n_features_in_", "feature_names_in_")
    return checked, {n: getattr(stand_in, n) for n in names if hasattr(stand_in, n)}


def encode(net: GivenNet, X: Any, y: np.ndarray | None, found: InputFormat) -> Data:
    """Find how the labels are coded, and refuse what the net could not take.

    Parameters
    ----------
    net : NeuralNet, FrozenEstimator or None
    X, y, found
        As from :func:`check_fit_input`.

    Returns
    -------
    data : Data

    Raises
    ------
    ValueError
        If labels are of another kind than the net's, or the net or its criterion
        cannot take such samples.
    """
    if net is None:
        assert y is not None  # the default net's labels were asked for
        return _coded(None, X, y, found, None, frozen=False)
    inner, frozen = unwrap(net)
    if frozen:
        trained = snapshot(inner)
        check_weights(trained, X)
    probe = revive(trained) if frozen else initialised(inner)
    width = n_outputs(probe, _few(X))
    if is_dataset(X):  # its targets are as the net takes them: trained or not
        data = _coded(inner, X, targets_of(probe, X), found, width, frozen=True)
        data = data._replace(targets=None)
    elif y is None:
        nothing = np.zeros(len(X), found.dtype)
        data = Data(X, nothing, None, RegressionTargets(found.dtype, ()))
    else:
        data = _coded(inner, X, y, found, width, frozen=frozen)
    check_loss(probe, _few(X), None if data.targets is None else data.targets[:2])
    if is_row_by_row(probe):
        warn_caller(
            "The net's criterion has no `reduction`, so losses are computed sample "
            "by sample, which is slow.",
            SlowCriterionWarning,
        )
    return data


def _coded(
    net: NeuralNet | None,
    X: Any,
    y: np.ndarray,
    found: InputFormat,
    width: int | None,
    *,
    frozen: bool,
) -> Data:
    coding = coding_of(net, y, frozen=frozen, dtype=found.dtype, n_outputs=width)
    codes = coding.encode(y)
    return Data(X, codes, coding.targets(codes), coding)


def _format_of(net: GivenNet) -> InputFormat:
    """Read off an instance of the net what it computes in."""
    if net is None:
        return InputFormat(np.dtype(np.float32), False, False)
    inner, frozen = unwrap(net)
    instance = inner if frozen else initialised(inner)
    return InputFormat(dtype_of(instance), takes_indices(instance), True)


def _check_dataset(X: Any, y: Any, found: InputFormat) -> None:
    if y is not None:
        raise ValueError("y: must be None where X is a Dataset, which has targets.")
    if not found.takes_datasets:
        raise ValueError("net: None makes a net for arrays; a Dataset needs one.")
    if not hasattr(X, "__len__"):
        raise TypeError("X: a Dataset must have a length, so that rows can be reread.")


def _options(X: Any, y: Any, found: InputFormat, classes: bool) -> dict[str, Any]:
    """Return how scikit-learn is to check samples and labels."""
    options: dict[str, Any] = {"dtype": found.dtype, "allow_nd": True}
    if found.takes_indices and np.asarray(X).dtype.kind in "iu":
        options["dtype"] = np.int64
    if y is not None and not classes:
        options |= {"multi_output": True, "y_numeric": True}
    return options


def _few(X: Any) -> Any:
    """Return two samples; of a Dataset its beginning."""
    return take(X, None, np.arange(2))[0]


def _to_cpu(values: Any) -> Any:
    return values.detach().cpu().numpy() if torch.is_tensor(values) else values
