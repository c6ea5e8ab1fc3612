"""Checks of samples and labels, before anything is trained.

Nothing here is written to the estimator: a fit that fails leaves it as it was.
"""

from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import validate_data
from skorch import NeuralNet
from skorch.utils import is_dataset

from skgex._base.input_kinds import check_kind, check_rows
from skgex._base.net_checks import blamed_on
from skgex._base.rounding import warn_of_merged
from skgex._base.samples import (
    checked,
    is_dict,
    n_rows,
    read_dtype,
    row_shape,
    stand_in,
    to_cpu,
)
from skgex._data.casting import Cast, find_cast, writable
from skgex._data.label_checks import check_labels
from skgex._data.label_coding import (
    ClassLabels,
    Coding,
    has_several,
    wants_classes,
)
from skgex._data.records import with_index_arrays
from skgex._nets.skorch_adapter import takes_indices, unwrap
from skgex._nets.snapshot import dtype_of, initialised

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


def needs_labels(net: GivenNet) -> bool:
    """Return whether the net's loss is of labels; a plain net's need not be."""
    inner = skorch_net(net)
    if not isinstance(inner, NeuralNet):  # the default net; or refused in fit
        return True
    return is_classifier(inner) or is_regressor(inner)


def skorch_net(net: GivenNet) -> NeuralNet | None:
    """Return the net without its FrozenEstimator; None for the default net."""
    return None if net is None else unwrap(net)[0]


def check_fit_input(
    estimator: Any, X: Any, y: Any
) -> tuple[Any, np.ndarray | None, InputFormat]:
    """Return the samples and labels of a fit as arrays, and their format.

    Samples may be sparse or a dict as well. They are of the type that they came in;
    ``for_net`` of the format casts them. Of a Dataset, no sample but the first is read.
    Labels may be missing where the net's loss needs none.
    """
    net = estimator.net
    check_kind(X)
    found = _format_of(net)
    if is_dataset(X):
        _check_dataset(X, y, found)
        check_rows(X)
        return with_index_arrays(X), None, found
    X, y = to_cpu(X), to_cpu(y)
    _check_dict(X, found)
    y = None if y is None else check_labels(y)
    single = y is None or not has_several(np.asarray(y))
    classes = single and wants_classes(skorch_net(net), np.asarray(y))
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
    warn_of_merged(X, found.dtype, attributes.get("feature_names_in_"))
    return X, y, found


def check_query_input(
    estimator: Any, X: Any, y: Any, fitted: InputFormat, coding: Coding
) -> tuple[Any, np.ndarray | None]:
    """Return queried samples, and labels if there are any, as those of a fit."""
    check_kind(X)
    if is_dataset(X):
        _check_dataset(X, y, fitted)
        check_rows(X)
        return with_index_arrays(X), None
    X, y = to_cpu(X), to_cpu(y)
    _check_dict(X, fitted)
    options = _options(X, y, fitted, isinstance(coding, ClassLabels))
    given = (stand_in(X),) if y is None else (stand_in(X), y)
    found = validated(estimator, *given, reset=False, **options)
    rows, y = (found, None) if y is None else found
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
    checked = validated(double, *data, reset=True, **options)
    names = ("n_features_in_", "feature_names_in_")
    return checked, {n: getattr(double, n) for n in names if hasattr(double, n)}


def validated(estimator: Any, X: Any, *given: Any, **options: Any) -> Any:
    """Check samples, and labels if given, as scikit-learn does, and name what is unfit.

    Labels may have any number of dimensions where ``multi_output`` is True.

    Returns
    -------
    checked : ndarray or tuple of ndarray
        What ``validate_data`` returns.

    Raises
    ------
    ValueError, TypeError
        If samples or labels are of a kind, type or length that cannot be.
    """
    check_kind(X)
    shape: tuple[int, ...] = ()
    if given and given[0] is not None:
        y = check_labels(given[0])
        _check_lengths(X, y)
        shape = np.asarray(y).shape
        if options.get("y_numeric"):
            _check_numeric(y)
        if len(shape) > 2 and options.get("multi_output"):
            y = np.asarray(y).reshape(shape[0], -1)
        given = (y,)
    try:
        checked = validate_data(estimator, X, *given, **options)
    except (ValueError, TypeError) as error:
        _name_text(error)
        raise
    if len(shape) > 2:
        return checked[0], checked[1].reshape(shape)
    return checked


def _format_of(net: GivenNet) -> InputFormat:
    """Read off an instance of the net what it computes in."""
    if net is None:
        return InputFormat(np.dtype(np.float32), False, False)
    inner, frozen = unwrap(net)
    with blamed_on("net", "it cannot be initialised"):
        instance = inner if frozen else initialised(inner)
    return InputFormat(dtype_of(instance), takes_indices(instance), True)


def _check_dataset(X: Any, y: Any, found: InputFormat) -> None:
    if y is not None:
        raise ValueError("y: must be None where X is a Dataset, which has targets.")
    if not found.takes_datasets:
        raise ValueError("net: None makes a net for arrays; a Dataset needs one.")


def _check_dict(X: Any, found: InputFormat) -> None:
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


def _check_lengths(X: Any, y: Any) -> None:
    sizes = [_length(X), _length(y)]
    if None not in sizes and sizes[0] != sizes[1]:
        raise ValueError(f"X, y: inconsistent numbers of samples: {sizes}.")


def _length(values: Any) -> int | None:
    """Return the number of rows; None where it takes more to know it."""
    if getattr(values, "shape", ()):
        return values.shape[0]
    return len(values) if isinstance(values, (list, tuple)) else None


def _check_numeric(y: Any) -> None:
    """Raise a ValueError where numbers are wanted as labels and others came."""
    try:
        np.asarray(y).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"y: the net takes numbers as targets, got {np.asarray(y).dtype}; {error}. "
            "Encode class labels as integers, or pass a skorch.NeuralNetClassifier if "
            "there is one per row."
        ) from error


def _name_text(error: Exception) -> None:
    """Raise an error that names X where scikit-learn found text among its numbers."""
    text = str(error)
    told = ("could not convert string", "argument must be a string", "be promoted")
    if any(part in text for part in told):
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(
            f"X: must hold numbers; {text}. Encode other columns first, for example by "
            "sklearn.preprocessing.OrdinalEncoder."
        ) from error
