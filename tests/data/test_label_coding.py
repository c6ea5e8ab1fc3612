import numpy as np
import pytest
from tiny import (
    N_CLASSES,
    binary_classifier,
    classifier,
    learner,
    plain_net,
    regressor,
)
from torch import nn

from skgex._data.label_coding import (
    ClassLabels,
    LabelSets,
    RegressionTargets,
    coding_of,
    wants_classes,
)

CLASSIFICATION = np.array([0, 2, 1, 1])


def coding(net, y, *, frozen=False, n_outputs=N_CLASSES):
    return coding_of(net, y, frozen=frozen, dtype=np.float32, n_outputs=n_outputs)


@pytest.mark.parametrize(
    "y",
    [
        np.array([3, 7, 5, 3]),
        np.array(["b", "a", "c", "a"]),
        np.array(["b", "a", "c", "a"], dtype=object),
        np.array([-1.0, 1.0, 0.0, 1.0]),
        np.array([True, False, True]),
    ],
    ids=lambda y: str(y.dtype),
)
def test_labels_of_any_kind_become_positions_and_come_back(y):
    labels = coding(classifier(), y)
    codes = labels.encode(y)
    np.testing.assert_array_equal(labels.classes, np.unique(y))
    np.testing.assert_array_equal(labels.classes[codes], y)
    assert labels.targets(codes).dtype == np.int64
    outputs = np.eye(len(labels.classes))[codes]
    np.testing.assert_array_equal(labels.decode(outputs), y)


def test_positions_follow_the_order_of_the_given_classes():
    labels = ClassLabels(np.array(["c", "a", "b"]))
    np.testing.assert_array_equal(labels.encode(np.array(["a", "b", "c"])), [1, 2, 0])


def test_a_label_that_is_not_a_class_has_no_likelihood():
    labels = ClassLabels(np.array([2, 4, 6]))
    codes = labels.encode(np.array([4, 5, 1, 9]))
    np.testing.assert_array_equal(codes, [1, -1, -1, -1])
    np.testing.assert_array_equal(labels.unknown(codes), [False, True, True, True])
    np.testing.assert_array_equal(labels.targets(codes), [1, 0, 0, 0])
    outputs = np.tile([0.2, 0.5, 0.3], (4, 1))
    np.testing.assert_array_equal(
        labels.likelihood(codes, outputs, np.zeros((4, 1))), [0.5, 0, 0, 0]
    )


def test_outputs_that_are_no_class_are_never_preferred():
    labels = ClassLabels(np.array(["x", "y"]))
    outputs = np.array([[0.1, 0.2, 0.7], [0.4, 0.3, 0.3]])
    np.testing.assert_array_equal(labels.code_of(outputs), [1, 0])
    np.testing.assert_array_equal(labels.decode(outputs), ["y", "x"])
    np.testing.assert_array_equal(labels.probabilities(outputs), outputs[:, :2])


def test_binary_targets_are_floating():
    y = np.array(["no", "yes", "no"])
    labels = coding(binary_classifier(), y, n_outputs=2)
    targets = labels.targets(labels.encode(y))
    assert targets.dtype == np.float32
    np.testing.assert_array_equal(targets, [0, 1, 0])


@pytest.mark.parametrize(
    ("net", "y", "expected"),
    [
        (None, CLASSIFICATION, True),
        (classifier(), CLASSIFICATION, True),
        (classifier(), CLASSIFICATION[:, None], True),
        (plain_net(criterion=nn.CrossEntropyLoss), CLASSIFICATION, True),
        (plain_net(criterion=nn.CrossEntropyLoss()), CLASSIFICATION, True),
        (plain_net(criterion=nn.MSELoss), CLASSIFICATION, False),
        (regressor(), CLASSIFICATION, False),
        (classifier(criterion=nn.BCEWithLogitsLoss), np.eye(4), False),
    ],
)
def test_which_nets_take_classes(net, y, expected):
    assert wants_classes(net, y) is expected


def test_regression_targets_are_their_own_codes():
    y = np.array([[1, 2], [3, 4]])
    labels = coding(regressor(), y)
    assert isinstance(labels, RegressionTargets)
    codes = labels.encode(y)
    assert codes.dtype == np.float32
    np.testing.assert_array_equal(codes, y)
    np.testing.assert_array_equal(labels.targets(codes), y)
    assert not labels.unknown(codes).any()


def test_one_target_per_row_is_a_column_for_a_regressor_and_flat_for_the_user():
    labels = coding(regressor(), np.array([1.0, 2.0]))
    assert labels.encode(np.array([1.0, 2.0])).shape == (2, 1)
    np.testing.assert_array_equal(labels.decode(np.array([[3.0], [4.0]])), [3, 4])


def test_likelihood_of_regression_targets_is_the_mean_over_members():
    labels = RegressionTargets(np.float32, ())
    losses = np.array([[0.0, np.log(2)], [np.log(4), np.log(4)]])
    np.testing.assert_allclose(labels.likelihood(None, None, losses), [0.75, 0.25])


def test_label_sets_are_decoded_to_zeros_and_ones():
    y = np.array([[1, 0, 1], [0, 0, 1]])
    sets = coding(plain_net(criterion=nn.BCEWithLogitsLoss), y)
    assert isinstance(sets, LabelSets)
    ones = np.array([[0.9, 0.2, 0.6], [0.1, 0.4, 0.8]])
    for outputs in (ones, np.stack([1 - ones, ones], axis=1)):
        np.testing.assert_array_equal(sets.probabilities(outputs), ones)
        np.testing.assert_array_equal(sets.decode(outputs), y)
        np.testing.assert_array_equal(sets.code_of(outputs), y)


# A trained net's own coding


def test_integers_are_the_outputs_of_a_trained_net():
    labels = coding(classifier(), np.array([7, 9, 8]), frozen=True, n_outputs=10)
    np.testing.assert_array_equal(labels.classes, np.arange(10))
    np.testing.assert_array_equal(labels.encode(np.array([7, 9])), [7, 9])


@pytest.mark.parametrize("y", [[0, 3], [-1, 1], [1, 10]])
def test_integers_beyond_the_outputs_are_another_coding(y):
    with pytest.raises(ValueError, match=r"outputs 0 to 2, but y holds labels from"):
        coding(classifier(), np.array(y), frozen=True)


def test_negative_integers_are_another_coding_of_a_net_of_any_width():
    with pytest.raises(ValueError, match=r"outputs 0 to 1, but y holds labels from -1"):
        coding(classifier(), np.array([-1, 1]), frozen=True, n_outputs=None)


def test_strings_need_the_classes_of_a_trained_net():
    y = np.array(["b", "a"])
    with pytest.raises(ValueError, match=r"give the net classes"):
        coding(classifier(), y, frozen=True)
    labels = coding(learner(classes=["c", "b", "a"]), y, frozen=True)
    np.testing.assert_array_equal(labels.encode(y), [1, 2])


def test_labels_that_are_not_among_the_nets_classes_are_refused():
    with pytest.raises(ValueError, match=r"'x'.* are not among the net's"):
        coding(learner(classes=["a", "b", "c"]), np.array(["a", "x"]), frozen=True)


# Refusals


@pytest.mark.parametrize(
    ("net", "y", "message"),
    [
        (classifier(), np.array([1, 1, 1]), "1 class: "),
        (None, np.array(["a", "a"]), "1 class: "),
        (classifier(), np.array([0.1, 0.7, 0.2]), "Unknown label type: continuous"),
        (classifier(), np.arange(4), "3 outputs, but y holds 4 classes"),
        (binary_classifier(), np.arange(3), "takes 2 classes, the data holds 3"),
        (regressor(), np.array(["a", "b"]), "takes numbers as targets, got <U1"),
    ],
)
def test_labels_of_the_wrong_kind_are_refused(net, y, message):
    with pytest.raises(ValueError, match=message):
        coding(net, y)
