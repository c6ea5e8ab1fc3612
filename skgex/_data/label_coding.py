"""Labels as the user gives them, and as a net takes them.

A label is what the user passes. Its code is a position among the net's outputs, or a
regression target as it is. A target is what the net's loss takes.

What y may be follows from the net and its criterion:

- Without a net, and for classifiers: one class label per row, of any one type
  (:class:`ClassLabels`). So, too, for a plain ``NeuralNet`` with a criterion of class
  indices: ``CrossEntropyLoss``, ``NLLLoss``, or one of the user's that refuses floats.
- For a regressor, and any other net whose criterion takes floats: numbers of shape
  (n_samples,) or (n_samples, ...), as floats (:class:`RegressionTargets`).
- With ``BCEWithLogitsLoss`` and several numbers per row: a number in [0, 1] per label
  (:class:`LabelSets`).
- With a criterion that refuses floats and takes integers, and several integers per row:
  class indices, such as tokens (n_samples, length) or masks (n_samples, height, width)
  (:class:`ClassIndices`).

A criterion is tried on two rows to see what it takes.
"""

import math
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.multiclass import check_classification_targets
from skorch import NeuralNet, NeuralNetBinaryClassifier
from torch import nn

from skgex._data.label_checks import LABEL_SETS, seems_regression

AS_TEXT = "Pass class labels as strings: np.array(y).astype(str)."
REGRESSION = (
    "For regression targets, pass a skorch.NeuralNetRegressor as net: the default net "
    "and classifiers take class labels."
)


class ClassLabels:
    """Class labels and their codes, which are positions among the outputs of a net.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Labels in the order of the net's outputs.
    dtype : dtype, default=int64
        Of the targets; a floating type for binary cross entropy.
    """

    def __init__(self, classes: np.ndarray, dtype: Any = np.int64):
        self.classes = classes
        self.dtype = dtype

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return codes of shape (n_samples,), -1 for a label that is not a class."""
        order = np.argsort(self.classes, kind="stable")
        ordered = self.classes[order]
        position = np.minimum(np.searchsorted(ordered, y), len(ordered) - 1)
        return np.where(ordered[position] == y, order[position], -1)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return the most probable label of each row of probabilities."""
        return self.classes[self.code_of(outputs)]

    def given(self, codes: np.ndarray) -> np.ndarray:
        """Return the labels that were encoded."""
        return self.classes[codes]

    def code_of(self, outputs: np.ndarray) -> np.ndarray:
        """Return the most probable code of each row of probabilities."""
        return self.probabilities(outputs).argmax(axis=1)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the columns of the classes; a net may have more outputs than those."""
        return outputs[:, : len(self.classes)]

    def targets(self, codes: np.ndarray) -> np.ndarray:
        """Return what the net takes, with the first class for an unknown label."""
        return np.maximum(codes, 0).astype(self.dtype)

    def unknown(self, codes: np.ndarray) -> np.ndarray:
        """Return the mask of labels that are not classes."""
        return codes < 0

    def likelihood(self, codes: np.ndarray, outputs: np.ndarray) -> np.ndarray:
        """Return the probability of each label, 0 where it is unknown."""
        given = outputs[np.arange(len(codes)), np.maximum(codes, 0)]
        return np.where(codes < 0, 0.0, given)


class RegressionTargets:
    """Regression targets, which are their own codes.

    Parameters
    ----------
    dtype : dtype
        That of the net's parameters.
    shape : tuple of int
        Shape of one target.
    """

    classes = None

    def __init__(self, dtype: Any, shape: tuple[int, ...]):
        self.dtype = dtype
        self.shape = shape

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return targets of shape (n_samples, *shape) in the net's dtype."""
        if np.size(y) != len(y) * math.prod(self.shape):
            raise ValueError(
                f"y: rows of shape {self.shape} were fitted, got {np.shape(y)[1:]}."
            )
        return np.asarray(y, dtype=self.dtype).reshape(len(y), *self.shape)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return predictions, flat if there is one number per row."""
        return outputs[:, 0] if outputs.shape[1:] == (1,) else outputs

    def given(self, codes: np.ndarray) -> np.ndarray:
        """Return the targets that were encoded, flat where there is one a sample."""
        return self.decode(codes)

    def code_of(self, outputs: np.ndarray) -> np.ndarray:
        """Return the prediction itself."""
        return self.encode(outputs)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the prediction itself."""
        return outputs

    def targets(self, codes: np.ndarray) -> np.ndarray:
        """Return the regression targets as they are."""
        return codes

    def unknown(self, codes: np.ndarray) -> np.ndarray:
        """Return a mask without any row: no regression target is unknown."""
        return np.zeros(len(codes), dtype=bool)


class LabelSets(RegressionTargets):
    """Sets of labels, a 0 or 1 per label, under binary cross entropy."""

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return targets as floats, if all of them lie in [0, 1]."""
        if np.min(y) < 0 or np.max(y) > 1:
            raise ValueError(
                "y: BCEWithLogitsLoss takes a number in [0, 1] per label, got numbers "
                f"from {np.min(y)} to {np.max(y)}. {LABEL_SETS}"
            )
        return super().encode(y)

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return the set of all labels that are more probable than not."""
        return self.code_of(outputs)

    def code_of(self, outputs: np.ndarray) -> np.ndarray:
        """Return the set of all labels that are more probable than not."""
        return self.encode(self.probabilities(outputs) > 0.5)

    def probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return the probability of a 1 for each label.

        skorch's nonlinearity for this criterion stacks that of a 0 and that of a 1.
        """
        return outputs[:, 1] if outputs.ndim == len(self.shape) + 2 else outputs


class ClassIndices(RegressionTargets):
    """Several class indices per row, such as one per token or pixel.

    The net's outputs have the shape (n_samples, n_classes, ...).

    Parameters
    ----------
    shape : tuple of int
        Shape of one row.
    n_classes : int or None
        Number of the net's outputs, if it is known.
    ignored : int
        The index that the criterion ignores.
    """

    def __init__(self, shape: tuple[int, ...], n_classes: int | None, ignored: int):
        super().__init__(np.int64, shape)
        self.n_classes = n_classes
        self.ignored = ignored

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Return indices as integers, if each is one of the net's outputs."""
        codes = super().encode(y)
        counted = codes[codes != self.ignored]
        if not counted.size:
            raise ValueError("y: the criterion ignores all of its class indices.")
        n_classes = self.n_classes or counted.max() + 1
        if counted.min() < 0 or counted.max() >= n_classes:
            raise ValueError(
                f"y: holds class indices from {counted.min()} to {counted.max()}, but "
                f"the net has outputs 0 to {n_classes - 1}."
            )
        return codes

    def given(self, codes: np.ndarray) -> np.ndarray:
        """Return the indices that were encoded."""
        return codes

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return the most probable index of each token or pixel."""
        return self.code_of(outputs)

    def code_of(self, outputs: np.ndarray) -> np.ndarray:
        """Return the most probable index of each token or pixel."""
        return outputs.argmax(axis=1)


Coding = ClassLabels | RegressionTargets


def wants_classes(net: NeuralNet | None, y: Any) -> bool:
    """Return whether a net takes these labels as classes, one per row."""
    if net is None:
        return True
    several = has_several(y)
    discrete = _has_criterion(net, nn.CrossEntropyLoss, nn.NLLLoss)
    return not several and (is_classifier(net) or (discrete and not is_regressor(net)))


def has_several(y: Any) -> bool:
    """Return whether an array holds more than one label per row."""
    return getattr(y, "shape", ())[1:] not in ((), (1,))


def coding_of(
    net: NeuralNet | None,
    y: np.ndarray,
    *,
    frozen: bool,
    dtype: np.dtype,
    n_outputs: int | None,
    takes_indices: bool = False,
    in_dataset: bool = False,
) -> Coding:
    """Choose how labels are encoded for a net.

    A net that is yet to be trained learns whatever codes it is given. For a trained
    net, integer labels are positions among its outputs; other labels need the net's
    parameter ``classes``.

    Parameters
    ----------
    net : NeuralNet or None
        None stands for the default net.
    y : ndarray of shape (n_samples, ...)
    frozen : bool
        Whether the net is trained already and stays as it is.
    dtype : dtype
        Floating type of the net's parameters.
    n_outputs : int or None
        Number of the net's outputs; None if it is not known.
    takes_indices : bool, default=False
        Whether the net's criterion refuses these labels as floats, and takes integers.
    in_dataset : bool, default=False
        Whether a Dataset holds the labels, as the net takes them.

    Raises
    ------
    ValueError
        If the net takes labels of another kind, or there is only one class.
    """
    if net is not None and takes_indices and y.ndim > 1:
        return ClassIndices(y.shape[1:], n_outputs, _ignored_index(net))
    if net is not None and not (takes_indices or wants_classes(net, y)):
        return _numbers(net, y, dtype)
    found = _check_classes(y, n_outputs)
    binary = isinstance(net, NeuralNetBinaryClassifier)
    if binary and len(found) > 2:
        raise ValueError(
            f"y: {type(net).__name__} takes 2 classes, the data holds {len(found)}."
        )
    classes = found
    if frozen or in_dataset:
        classes = _classes_of_outputs(net, found, n_outputs, trained=frozen)
    if n_outputs is not None and len(classes) > n_outputs:
        raise ValueError(
            f"net: it has {n_outputs} outputs, but y holds {len(classes)} classes. "
            f"{_way_out(y, len(classes))}"
        )
    return ClassLabels(classes, dtype if binary else np.int64)


def _has_criterion(net: NeuralNet, *kinds: type) -> bool:
    criterion = net.criterion
    return issubclass(
        criterion if isinstance(criterion, type) else type(criterion), kinds
    )


def _numbers(net: NeuralNet, y: np.ndarray, dtype: np.dtype) -> RegressionTargets:
    """Return how numbers are coded, as targets or as sets of labels."""
    if y.dtype.kind not in "biuf":
        raise ValueError(
            f"y: {type(net).__name__} takes numbers as targets, got {y.dtype}. For "
            "class labels, pass a skorch.NeuralNetClassifier."
        )
    sets = _has_criterion(net, nn.BCEWithLogitsLoss)
    kind = LabelSets if sets else RegressionTargets
    return kind(dtype, y.shape[1:] or ((1,) if is_regressor(net) else ()))


def _check_classes(y: np.ndarray, n_outputs: int | None) -> np.ndarray:
    """Return the distinct labels, or raise where they are no classes."""
    if has_several(y):  # the default net's: another's would be no classes
        raise ValueError(
            f"y: the default net takes one label per row, got shape {y.shape}. Pass a "
            f"net for such labels. {LABEL_SETS}"
        )
    try:
        check_classification_targets(y)
    except ValueError as error:
        cure = REGRESSION if y.dtype.kind == "f" else AS_TEXT
        raise ValueError(f"y: {error} {cure}") from error
    found = np.unique(y)
    if len(found) < 2:
        raise ValueError(
            f"y: at least 2 classes are needed, but the data holds 1 class: {found!r}."
        )
    if n_outputs is None and seems_regression(y, len(found)):
        raise ValueError(
            f"y: holds {len(found)} distinct numbers in {len(y)} rows. {REGRESSION} "
            f"{AS_TEXT}"
        )
    return found


def _way_out(y: np.ndarray, n_classes: int) -> str:
    """Return what to do about more classes than outputs."""
    if seems_regression(y, n_classes):
        return REGRESSION
    return (
        "Give the net's module an output per class. If the outputs are no classes, as "
        "in an ordinal net with K - 1 cumulative outputs, pass a skorch.NeuralNet, "
        "whose criterion gets y as numbers."
    )


def _ignored_index(net: NeuralNet) -> int:
    """Return the class index that a net's criterion ignores; -100 is torch's own."""
    given = net.get_params(deep=False).get("criterion__ignore_index", -100)
    return getattr(net.criterion, "ignore_index", given)


def _classes_of_outputs(
    net: NeuralNet, found: np.ndarray, n_outputs: int | None, *, trained: bool
) -> np.ndarray:
    """Return the classes where integer labels are positions among a net's outputs."""
    given = getattr(net, "classes", None)
    if given is not None and len(given):
        classes = np.asarray(given)
        strange = np.setdiff1d(found, classes)
        if len(strange):
            raise ValueError(f"y: labels {strange!r} are not among the net's classes.")
        return classes
    if found.dtype.kind not in "iubf":
        raise ValueError(
            "y: the classes of the trained net are the integers 0, 1, ..., but y holds "
            f"{found.dtype}; give the net classes=[...], in the order of its outputs, "
            "or pass y as it was in training."
        )
    if trained:
        _check_same_codes(net, found)
    n_classes = int(found[-1]) + 1 if n_outputs is None else n_outputs
    if found[0] < 0 or found[-1] >= n_classes:
        raise ValueError(
            f"y: the trained net has outputs 0 to {n_classes - 1}, but y holds labels "
            f"from {found[0]} to {found[-1]}; it was trained with other codes."
            if trained
            else "X: the targets of a Dataset are positions among the net's outputs, "
            f"here 0 to {n_classes - 1}, but they go from {found[0]} to {found[-1]}. "
            "Let the Dataset return targets that count from 0."
        )
    return np.arange(n_classes)


def _check_same_codes(net: NeuralNet, found: np.ndarray) -> None:
    """Refuse labels that are coded in another way than those of a net's training."""
    learnt = getattr(net, "classes_inferred_", None)
    if learnt is None:
        return
    strange, missing = np.setdiff1d(found, learnt), np.setdiff1d(learnt, found)
    if len(strange) and len(missing):
        raise ValueError(
            f"y: holds labels {strange!r}, which the trained net has not seen, but not "
            f"{missing!r}, which it has; it was trained with other codes. Pass y as it "
            "was in training, or give the net classes=[...], in the order of its "
            "outputs."
        )
