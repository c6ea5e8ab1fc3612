"""How the labels of a fit are coded for its net, tried on an untrained copy of it."""

from typing import Any

import numpy as np
from sklearn.base import is_regressor
from skorch import NeuralNet
from skorch.utils import is_dataset

from skgex._base.input_kinds import reading_dataset
from skgex._base.net_checks import blamed_on
from skgex._base.validation import GivenNet, InputFormat
from skgex._data.label_checks import check_labels
from skgex._data.label_coding import RegressionTargets, coding_of, wants_classes
from skgex._data.records import Data, take
from skgex._nets.batches import targets_of
from skgex._nets.broken_net import check_weights
from skgex._nets.evaluation import check_loss, n_outputs, wants_class_indices
from skgex._nets.skorch_adapter import is_row_by_row, unwrap
from skgex._nets.snapshot import initialised, revive, snapshot
from skgex._utils.warnings import warn_caller
from skgex.exceptions import SlowCriterionWarning


def encode(net: GivenNet, X: Any, y: np.ndarray | None, found: InputFormat) -> Data:
    """Find how the labels are coded, and refuse what the net could not take.

    Parameters
    ----------
    net : NeuralNet, FrozenEstimator or None
    X, y, found
        As from :func:`skgex._base.validation.check_fit_input`.

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
    if frozen:
        trained = snapshot(inner)
        check_weights(trained, X)
    elif y is not None:
        targets = _coded(inner, X, y, found, None, frozen=False).targets
    with blamed_on("net", "it cannot be initialised"):
        # Callbacks that shape the module see what a training would show them.
        probe = revive(trained) if frozen else initialised(inner, X, targets)
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


def _few(X: Any) -> Any:
    """Return two samples; of a Dataset its beginning."""
    return take(X, None, np.arange(2))[0]
