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
    ClassIndices,
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
    np.testing.assert_array_equal(labels.given(codes), y)
    assert labels.targets(codes).dtype == np.int64
    outputs = np.eye(len(labels.classes))[codes]
    np.testing.assert_array_equal(labels.decode(outputs), y)


def test_positions_follow_the_order_of_the_given_classes():
    labels = ClassLabels(np.array(["c", "a", "b"]))
    np.testing.assert_array_equal(labels.encode(np.array(["a", "b", "c"])), [1, 2, 0])


def test_a_label_that_is_not_a_class_has_no_likelihood():
    labels = ClassLabels(np.array([2, 4, 6]))
    codes = labels.encode(np.array([4, 5, 1, 9, 2]))
    np.testing.assert_array_equal(codes, [1, -1, -1, -1, 0])
    np.testing.assert_array_equal(labels.unknown(codes), [0, 1, 1, 1, 0])
    np.testing.assert_array_equal(labels.targets(codes), [1, 0, 0, 0, 0])
    outputs = np.tile([0.2, 0.5, 0.3], (5, 1))
    np.testing.assert_array_equal(
        labels.likelihood(codes, outputs), [0.5, 0, 0, 0, 0.2]
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
    outputs = np.array([[3.0], [4.0]], dtype=np.float64)
    np.testing.assert_array_equal(labels.decode(outputs), [3, 4])
    assert labels.probabilities(outputs) is outputs
    code = labels.code_of(outputs)
    np.testing.assert_array_equal(code, outputs)
    assert code.dtype == np.float32
    np.testing.assert_array_equal(labels.given(code), [3, 4])


def test_label_sets_are_decoded_to_zeros_and_ones():
    y = np.array([[1, 0, 1], [0, 0, 1]])
    sets = coding(plain_net(criterion=nn.BCEWithLogitsLoss), y)
    assert isinstance(sets, LabelSets)
    ones = np.array([[0.9, 0.2, 0.6], [0.1, 0.4, 0.8]])
    for outputs in (ones, np.stack([1 - ones, ones], axis=1)):
        np.testing.assert_array_equal(sets.probabilities(outputs), ones)
        np.testing.assert_array_equal(sets.decode(outputs), y)
        np.testing.assert_array_equal(sets.code_of(outputs), y)


def test_a_label_is_in_the_set_if_it_is_more_probable_than_not():
    sets = LabelSets(np.float32, (4,))
    outputs = np.array([[0.45, 0.5, 0.500001, 0.55]])
    np.testing.assert_array_equal(sets.decode(outputs), [[0, 0, 1, 1]])
    # One label per row, as skorch stacks what is predicted for it.
    single = LabelSets(np.float32, ())
    stacked = np.array([[0.8, 0.2], [0.3, 0.7]])
    np.testing.assert_array_equal(single.decode(stacked), [0, 1])
    np.testing.assert_array_equal(single.decode(stacked[:, 1]), [0, 1])


def test_probabilities_may_be_given_as_sets_but_nothing_beyond():
    sets = LabelSets(np.float32, (2,))
    y = np.array([[0.0, 1.0], [0.3, 0.6]])
    np.testing.assert_allclose(sets.encode(y), y, rtol=1e-6)
    for wrong, said in [(-0.01, "from -0.01 to 1.0"), (1.01, "from 0.0 to 1.01")]:
        with pytest.raises(ValueError, match=f"got numbers {said}"):
            sets.encode(np.array([[0.0, 1.0], [0.5, wrong]]))


def test_regression_targets_of_another_shape_are_refused():
    pairs = RegressionTargets(np.float32, (2, 3))
    y = np.arange(12).reshape(2, 6)
    np.testing.assert_array_equal(pairs.encode(y), y.reshape(2, 2, 3))
    with pytest.raises(ValueError, match=r"shape \(2, 3\) were fitted, got \(5,\)"):
        pairs.encode(np.zeros((2, 5)))
    column = RegressionTargets(np.float32, (1,))
    assert column.given(np.array([[3.0], [4.0]])).shape == (2,)
    assert pairs.given(np.zeros((2, 2, 3))).shape == (2, 2, 3)


def test_class_indices_are_among_the_outputs():
    indices = ClassIndices((3,), 4, ignored=-100)
    y = np.array([[0, 3, -100], [2, 1, 1]])
    codes = indices.encode(y.astype(float))
    assert codes.dtype == np.int64
    np.testing.assert_array_equal(codes, y)
    assert indices.given(codes) is codes
    outputs = np.moveaxis(np.eye(4)[np.maximum(y, 0)], -1, 1)
    np.testing.assert_array_equal(indices.decode(outputs), np.maximum(y, 0))
    for wrong, said in [(4, "from 0 to 4"), (-1, "from -1 to 3")]:
        with pytest.raises(ValueError, match=rf"{said}, but the net has .* 0 to 3\."):
            indices.encode(np.array([[0, 3, wrong]]))
    with pytest.raises(ValueError, match="ignores all"):
        indices.encode(np.full((2, 3), -100))
    of_any_width = ClassIndices((3,), None, ignored=-100)
    np.testing.assert_array_equal(of_any_width.encode(y + 900 * (y == 3))[0, 1], 903)
    with pytest.raises(ValueError, match=r"from -1 to 2, but .* outputs 0 to 2\."):
        of_any_width.encode(np.array([[0, 2, -1]]))


def indices_of(y, **params):
    """The coding of class indices for a net with such a criterion."""
    net = plain_net(**params)
    return coding_of(
        net,
        y,
        frozen=False,
        dtype=np.float32,
        n_outputs=3,
        takes_indices=True,
    )


@pytest.mark.parametrize(
    ("params", "ignored"),
    [
        ({"criterion": nn.CrossEntropyLoss}, -100),
        ({"criterion": nn.CrossEntropyLoss, "criterion__ignore_index": 2}, 2),
        ({"criterion": nn.CrossEntropyLoss(ignore_index=1)}, 1),
        ({"criterion": nn.MSELoss}, -100),
    ],
)
def test_the_index_that_a_criterion_ignores_is_known(params, ignored):
    y = np.array([[0, 1], [2, 1]])
    coding = indices_of(y, **params)
    assert isinstance(coding, ClassIndices)
    assert coding.ignored == ignored
    assert (coding.n_classes, coding.shape) == (3, (2,))
    # A single index per row is a class.
    np.testing.assert_array_equal(indices_of(y[:, 0], **params).classes, [0, 2])


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


def seen(*classes):
    """A net that was trained on labels without being told the classes."""
    net = classifier()
    net.classes_inferred_ = np.array(classes)
    return net


def test_labels_that_a_net_saw_in_training_have_its_codes():
    y = np.array([0, 2, 2])
    for net in (seen(0, 2), seen(0, 1, 2), seen(0), seen(2)):
        assert len(coding(net, y, frozen=True).classes) == N_CLASSES
    with pytest.raises(ValueError, match=r"holds labels array\(\[2\]\).*array\(\[1\]"):
        coding(seen(0, 1), y, frozen=True)
    assert len(coding(seen(0, 1), y).classes) == 2  # trained anew, it learns them


def in_dataset(y, n_outputs=N_CLASSES, net=None):
    return coding_of(
        net or classifier(),
        np.array(y),
        frozen=False,
        dtype=np.float32,
        n_outputs=n_outputs,
        in_dataset=True,
    )


def test_targets_in_a_dataset_are_the_outputs_of_the_net():
    np.testing.assert_array_equal(in_dataset([0, 2]).classes, [0, 1, 2])
    np.testing.assert_array_equal(in_dataset([0, 4], None).classes, np.arange(5))
    assert len(in_dataset([0, 1], net=seen(5, 6)).classes) == N_CLASSES
    for y in ([0, 3], [-1, 1]):
        with pytest.raises(ValueError, match=rf"0 to 2, but they go from {y[0]} to"):
            in_dataset(y)


# Refusals


def test_a_binary_net_takes_two_classes():
    np.testing.assert_array_equal(
        coding(binary_classifier(), np.array([3, 5]), n_outputs=2).classes, [3, 5]
    )


def test_as_many_classes_as_outputs_are_taken():
    np.testing.assert_array_equal(coding(classifier(), np.arange(3)).classes, range(3))


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.float32])
def test_numbers_of_any_kind_are_regression_targets(dtype):
    y = np.array([0, 1, 1]).astype(dtype)
    assert coding(regressor(), y).shape == (1,)
    assert coding(plain_net(), y).shape == ()
    assert not isinstance(coding(plain_net(), y), LabelSets)
    assert isinstance(coding(plain_net(criterion=nn.BCEWithLogitsLoss), y), LabelSets)


@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_many_distinct_numbers_are_no_classes_of_the_default_net():
    y = np.arange(150)
    with pytest.raises(ValueError, match=r"150 distinct numbers in 150 rows"):
        coding(None, y, n_outputs=None)
    with pytest.raises(ValueError, match=r"150 classes\. For regression targets"):
        coding(classifier(), y)
    with pytest.raises(ValueError, match="an output per class"):
        coding(classifier(), y.astype(str))
    with pytest.raises(ValueError, match=r"one label per row, got shape \(4, 4\)"):
        coding(None, np.eye(4), n_outputs=None)
    with pytest.raises(ValueError, match=r"continuous.* For regression targets"):
        coding(None, np.array([0.5, 1.5]), n_outputs=None)
    with pytest.raises(ValueError, match="Pass class labels as strings"):
        coding(None, np.array([0, "a"], dtype=object), n_outputs=None)


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
