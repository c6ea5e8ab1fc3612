"""Checks of the net, the samples and the labels, before anything is trained.

Nothing here is written to the estimator: a fit that fails leaves it as it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import torch
from sklearn.base import is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import validate_data
from skorch import NeuralNet
from skorch.utils import is_dataset

from skgex._base.input_kinds import check_kind, check_rows, reading_dataset
from skgex._data.label_checks import check_labels
from skgex._data.label_coding import (
    ClassLabels,
    Coding,
    RegressionTargets,
    coding_of,
    has_several,
    wants_classes,
)
from skgex._data.records import Data, take
from skgex._nets.batches import targets_of
from skgex._nets.evaluation import check_loss, n_outputs, wants_class_indices
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

    A Dataset is returned as it is. Labels may be missing where the net's loss needs
    none.
    """
    net = estimator.net
    check_kind(X)
    found = _format_of(net)
    if is_dataset(X):
        _check_dataset(X, y, found)
        check_rows(X)
        return X, None, found
    X, y = _to_cpu(X), _to_cpu(y)
    y = None if y is None else check_labels(y)
    single = y is None or not has_several(np.asarray(y))
    classes = single and wants_classes(skorch_net(net), np.asarray(y))
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
    check_kind(X)
    if is_dataset(X):
        _check_dataset(X, y, fitted)
        check_rows(X)
        return X, None
    X, y = _to_cpu(X), _to_cpu(y)
    options = _options(X, y, fitted, isinstance(coding, ClassLabels))
    given = (X,) if y is None else (X, y)
    checked = validated(estimator, *given, reset=False, **options)
    X, y = (checked, None) if y is None else checked
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
    checked = validated(stand_in, *data, reset=True, **options)
    names = ("n_features_in_", "feature_names_in_")
    return checked, {n: getattr(stand_in, n) for n in names if hasattr(stand_in, n)}


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
    targets = None
    if y is not None and not frozen:
        targets = _coded(inner, X, y, found, None, frozen=False).targets
    with blamed_on("net", "it cannot be initialised"):
        # Callbacks that shape the module see what a training would show them.
        probe = revive(snapshot(inner)) if frozen else initialised(inner, X, targets)
    if is_dataset(X):
        data = _coded_dataset(inner, X, found, probe, frozen=frozen)
    elif y is None:
        n_outputs(probe, _few(X))  # raises where the net cannot take the samples
        nothing = np.zeros(len(X), found.dtype)
        data = Data(X, nothing, None, RegressionTargets(found.dtype, ()))
    else:
        data = _coded(inner, X, y, found, probe, frozen=frozen)
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
    probe: NeuralNet | None,
    *,
    frozen: bool,
    in_dataset: bool = False,
) -> Data:
    width, indices = None, False
    if probe is not None:
        width = n_outputs(probe, _few(X))
        indices = _may_be_indices(net, y) and wants_class_indices(
            probe, _few(X), (2, *y.shape[1:]), found.dtype
        )
    coding = coding_of(
        net,
        y,
        frozen=frozen,
        dtype=found.dtype,
        n_outputs=width,
        takes_indices=indices,
        in_dataset=in_dataset,
    )
    codes = coding.encode(y)
    return Data(X, codes, coding.targets(codes), coding)


def _coded_dataset(
    net: NeuralNet, X: Any, found: InputFormat, probe: NeuralNet, *, frozen: bool
) -> Data:
    """Encode the targets that a Dataset holds, as the net takes them."""
    with reading_dataset():
        y = targets_of(probe, X)
        try:
            check_labels(y)
            data = _coded(net, X, y, found, probe, frozen=frozen, in_dataset=True)
        except ValueError as error:
            text = str(error)
            if not text.startswith("y: "):
                raise
            text = text.removeprefix("y: ")
            raise ValueError(f"X: the Dataset's targets: {text}") from error
    return data._replace(targets=None)


def _may_be_indices(net: NeuralNet | None, y: np.ndarray) -> bool:
    """Return whether labels that are no classes to a net may be class indices."""
    if wants_classes(net, y) or is_regressor(net) or y.dtype.kind not in "biuf":
        return False
    return y.dtype.kind != "f" or bool((y == np.floor(y)).all())


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


@contextmanager
def blamed_on(argument: str, message: str) -> Iterator[None]:
    """Turn an error of torch or skorch into a ValueError that names an argument."""
    try:
        yield
    except (RuntimeError, TypeError, AttributeError, AssertionError, ValueError) as e:
        raise ValueError(f"{argument}: {message}: {e}") from e


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
