"""Checks of the net, the samples and the labels, before anything is trained.

Nothing here is written to the estimator: a fit that fails leaves it as it was.
"""

from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import validate_data
from skorch import NeuralNet
from skorch.utils import is_dataset

from skgex._base.parameters import NetNeed
from skgex._base.samples import (
    checked,
    is_dict,
    n_rows,
    read_dtype,
    row_shape,
    stand_in,
    to_cpu,
)
from skgex._data.casting import Cast, find_cast, is_finer, merged_columns, writable
from skgex._data.label_coding import (
    ClassLabels,
    Coding,
    RegressionTargets,
    coding_of,
    wants_classes,
)
from skgex._data.records import Data, take
from skgex._nets.batches import targets_of
from skgex._nets.evaluation import check_loss, n_outputs
from skgex._nets.skorch_adapter import is_row_by_row, takes_indices, unwrap
from skgex._nets.snapshot import dtype_of, initialised, revive, snapshot
from skgex._utils.warnings import warn_caller
from skgex.exceptions import RoundingWarning, SlowCriterionWarning

# As many columns are named in a warning, of more only the number.
MAX_NAMES = 5

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
    row_shape : tuple of int, dict or None
        Shape of one fitted sample; by name for a dict, None for a Dataset.
    attributes : dict
        ``n_features_in_`` and ``feature_names_in_``, as far as X has them.
    cast : Cast or None
        To the net's dtype; None stands for a plain one.
    """

    dtype: np.dtype
    takes_indices: bool
    takes_datasets: bool
    row_shape: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    cast: Cast | None = None

    def for_net(self, X: Any) -> Any:
        """Return checked samples in the net's dtype, in memory that torch may take."""
        if is_dataset(X):
            return X
        return writable((self.cast or Cast(self.dtype))(X))


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

    Samples may be sparse or a dict as well. They are of the type that they came in;
    ``for_net`` of the format casts them. A Dataset is returned as it is. Labels may be
    missing where the net's loss needs none.
    """
    net = estimator.net
    found = _format_of(net)
    if is_dataset(X):
        _check_dataset(X, y, found)
        if len(X) < 2:
            raise ValueError(f"X: at least 2 samples are needed, got {len(X)}.")
        return X, None, found
    X, y = to_cpu(X), to_cpu(y)
    _check_kind(X, found)
    classes = y is None or wants_classes(skorch_net(net), np.asarray(y))
    options = {**_options(X, y, found, classes), "ensure_min_samples": 2}
    if y is None and not needs_labels(net):
        rows, attributes = validate_for_fit(estimator, stand_in(X), **options)
    else:
        (rows, y), attributes = validate_for_fit(estimator, stand_in(X), y, **options)
    if is_dict(X):  # the attributes are those of the stand-in
        attributes = {}
    X, y = checked(rows, X, found.dtype), writable(y)
    found = replace(found, row_shape=row_shape(X), attributes=attributes)
    if net is None:
        return X, y, replace(found, cast=find_cast(X, found.dtype))
    _warn_of_merged(X, found)
    return X, y, found


def check_query_input(
    estimator: Any, X: Any, y: Any, fitted: InputFormat, coding: Coding
) -> tuple[Any, np.ndarray | None]:
    """Return queried samples, and labels if there are any, as those of a fit."""
    if is_dataset(X):
        _check_dataset(X, y, fitted)
        return X, None
    X, y = to_cpu(X), to_cpu(y)
    _check_kind(X, fitted)
    options = _options(X, y, fitted, isinstance(coding, ClassLabels))
    rows = stand_in(X)
    if y is None:
        rows = validate_data(estimator, rows, reset=False, **options)
    else:
        rows, y = validate_data(estimator, rows, y, reset=False, **options)
    X = checked(rows, X, fitted.dtype)
    if fitted.row_shape is not None and row_shape(X) != fitted.row_shape:
        shape = fitted.row_shape
        raise ValueError(f"X: rows of shape {shape} were fitted, got {row_shape(X)}.")
    return X, writable(y)


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
    if is_dict(data[0]):
        raise ValueError(
            f"X: {type(estimator).__name__} takes one array, data frame or sparse "
            f"matrix, got a {type(data[0]).__name__} (dict). Join its arrays, or fit a "
            "detector or pruner on it directly, which takes a dict or a torch Dataset."
        )
    double = copy(estimator)
    checked = validate_data(double, *data, reset=True, **options)
    names = ("n_features_in_", "feature_names_in_")
    return checked, {n: getattr(double, n) for n in names if hasattr(double, n)}


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
    probe = revive(snapshot(inner)) if frozen else initialised(inner)
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


def _check_kind(X: Any, found: InputFormat) -> None:
    """Refuse a dict where an array is due, and one whose arrays do not match."""
    shape = found.row_shape
    if shape is not None and is_dict(X) != isinstance(shape, dict):
        kind = type(X).__name__
        raise ValueError(f"X: rows of shape {shape} were fitted, got a {kind}.")
    if issparse(X) and X.ndim != 2:
        raise ValueError(f"X: a sparse array must have 2 axes, got {X.ndim}.")
    if not is_dict(X):
        return
    if not found.takes_datasets:
        raise ValueError(
            "net: None makes a net for one array, X is a dict of several. "
            "Join them to one array, or pass a net whose module takes them by "
            "these names (or a torch Dataset of them)."
        )
    n_rows(X)


def _warn_of_merged(X: Any, found: InputFormat) -> None:
    """Warn if the net's dtype makes distinct values equal."""
    merged = _merged(X, found)
    if not merged:
        return
    which = f"{len(merged)} columns"
    if len(merged) <= MAX_NAMES:
        which = f"column {', '.join(merged)}"
    warn_caller(
        f"X: in {found.dtype}, in which the net computes, distinct values of {which} "
        "become equal. Centre or scale them before, for instance by StandardScaler.",
        RoundingWarning,
    )


def _merged(X: Any, found: InputFormat) -> list[str]:
    """Return the names, or numbers, of columns whose distinct values become equal."""
    if is_dict(X):
        return [
            f"{column} of X[{name!r}]"
            for name, part in X.items()
            for column in _merged(part, replace(found, attributes={}))
        ]
    if X.dtype.kind != "f" or not is_finer(X, found.dtype):
        return []
    names = found.attributes.get("feature_names_in_")
    columns = merged_columns(X, found.dtype)
    return [str(column if names is None else repr(names[column])) for column in columns]


def _options(X: Any, y: Any, found: InputFormat, classes: bool) -> dict[str, Any]:
    """Return how scikit-learn is to check samples and labels."""
    options: dict[str, Any] = {"allow_nd": True, "accept_sparse": "csr"}
    options["dtype"] = read_dtype(
        stand_in(X), found.dtype, takes_indices=found.takes_indices
    )
    if not found.takes_datasets:  # the default net fills gaps
        options["ensure_all_finite"] = "allow-nan"
    if y is not None and not classes:
        options |= {"multi_output": True, "y_numeric": True}
    return options


def _few(X: Any) -> Any:
    """Return two samples; of a Dataset its beginning."""
    return take(X, None, np.arange(2))[0]
