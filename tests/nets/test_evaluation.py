import warnings

import numpy as np
import pytest
import torch
from reference import losses_one_by_one
from skorch import NeuralNetClassifier
from tiny import (
    MLP,
    BareCriterion,
    Flat,
    OwnCriterion,
    Pair,
    PairNet,
    Probabilities,
    binary_classifier,
    classifier,
    plain_net,
    regressor,
)
from torch import nn
from watching import heard_in

from skgex._nets.evaluation import (
    batch_answers,
    batch_loss,
    evaluate,
    in_place,
    n_outputs,
    per_sample_criterion,
)
from skgex._utils.random import seeded

RNG = np.random.RandomState(0)
LABEL_SETS = RNG.randint(2, size=(60, 3)).astype(np.float64)
TARGETS = RNG.standard_normal((60, 3))
WEIGHTS = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)


def initialised(net):
    with seeded(0):
        return net.initialize()


def log_of_probabilities(probabilities, y):
    return nn.functional.nll_loss(probabilities.log(), y)


def mean_squared(predictions, y):
    return ((predictions - y) ** 2).mean()


@pytest.mark.parametrize(
    ("net", "targets", "one_loss"),
    [
        (
            classifier(Probabilities, criterion=nn.NLLLoss),
            None,
            log_of_probabilities,
        ),
        (classifier(), None, nn.functional.cross_entropy),
        (
            PairNet(Pair, criterion=nn.CrossEntropyLoss),
            None,
            lambda pair, y: nn.functional.cross_entropy(pair[0], y),
        ),
        (
            classifier(criterion__label_smoothing=0.2),
            None,
            nn.CrossEntropyLoss(),  # the loss of the label itself
        ),
        (classifier(criterion__reduction="sum"), None, nn.CrossEntropyLoss()),
        (
            plain_net(criterion=nn.BCEWithLogitsLoss),
            LABEL_SETS,
            nn.BCEWithLogitsLoss(),
        ),
        (
            plain_net(criterion=nn.BCEWithLogitsLoss, criterion__pos_weight=WEIGHTS),
            LABEL_SETS,
            nn.BCEWithLogitsLoss(),
        ),
        (regressor(), TARGETS, mean_squared),
        (regressor(criterion=nn.L1Loss), TARGETS, lambda p, y: (p - y).abs().mean()),
        (classifier(criterion=OwnCriterion), None, OwnCriterion()),
        (classifier(criterion=BareCriterion), None, OwnCriterion()),
    ],
    ids=lambda value: getattr(getattr(value, "criterion", None), "__name__", ""),
)
def test_losses_equal_a_loop_over_single_samples(blobs, net, targets, one_loss):
    X, y = blobs
    y = y if targets is None else targets
    net = initialised(net)
    expected = losses_one_by_one(net.module_, one_loss, X, y)
    np.testing.assert_allclose(evaluate(net, X, y).losses, expected, rtol=1e-12)


def test_binary_losses_equal_a_loop(blobs):
    X, y = blobs
    y = (y > 0).astype(np.float64)
    net = initialised(binary_classifier())
    expected = losses_one_by_one(net.module_, nn.BCEWithLogitsLoss(), X, y)
    np.testing.assert_allclose(evaluate(net, X, y).losses, expected, rtol=1e-12)


class Sides(Pair):
    """Takes the features by name, in two parts."""

    def forward(self, left, right):
        return super().forward(torch.cat([left, right], dim=1))


class SidesNet(PairNet):
    """Adds to the loss what the samples say."""

    def get_loss(self, y_pred, y_true, X=None, **kwargs):
        loss = super().get_loss(y_pred, y_true, X=X, **kwargs)
        return loss + X["left"].square().mean() + y_pred[1].mean()


def test_losses_of_named_samples_and_several_outputs_equal_a_loop(blobs):
    """The criterion has no reduction, so that each row is cut out of all of them."""
    X, y = blobs
    net = initialised(SidesNet(Sides, criterion=BareCriterion, verbose=0))
    left, right = torch.as_tensor(X).split(2, dim=1)
    expected = []
    with torch.no_grad():
        for i, label in enumerate(y):
            logits, squares = net.module_(left[i : i + 1], right[i : i + 1])
            of_label = BareCriterion()(logits, torch.tensor([label]))
            expected.append(of_label + left[i].square().mean() + squares.mean())
    found = evaluate(net, {"left": X[:, :2], "right": X[:, 2:]}, y)
    np.testing.assert_allclose(found.losses, expected, rtol=1e-12)


def test_class_weights_train_and_do_not_judge(blobs):
    X, y = blobs
    net = initialised(classifier(criterion__weight=WEIGHTS))
    expected = losses_one_by_one(net.module_, nn.CrossEntropyLoss(), X, y)
    np.testing.assert_allclose(evaluate(net, X, y).losses, expected, rtol=1e-12)


def test_an_ignored_label_costs_nothing(blobs):
    X, y = blobs
    net = initialised(classifier(criterion__ignore_index=2))
    expected = losses_one_by_one(net.module_, nn.CrossEntropyLoss(), X, y)
    expected[y == 2] = 0.0
    np.testing.assert_allclose(evaluate(net, X, y).losses, expected, rtol=1e-12)


@pytest.mark.parametrize("criterion", [nn.MSELoss, nn.L1Loss, nn.HuberLoss])
def test_the_mean_of_all_losses_is_the_training_loss(blobs, criterion):
    X, _ = blobs
    net = initialised(regressor(criterion=criterion))
    with torch.no_grad():
        output = net.module_(torch.as_tensor(X))
        training_loss = float(net.get_loss(output, torch.as_tensor(TARGETS)))
    assert evaluate(net, X, TARGETS).losses.mean() == pytest.approx(training_loss)


def test_an_overridden_loss_is_the_loss(blobs):
    X, y = blobs
    net = initialised(PenalisedNet(MLP, criterion=nn.CrossEntropyLoss, verbose=0))
    plain = losses_one_by_one(net.module_, nn.CrossEntropyLoss(), X, y)
    np.testing.assert_allclose(evaluate(net, X, y).losses, plain + 3, rtol=1e-12)


class PenalisedNet(NeuralNetClassifier):
    def get_loss(self, *args, **kwargs):
        return super().get_loss(*args, **kwargs) + 3


def test_outputs_are_probabilities_in_evaluation_mode(blobs):
    X, y = blobs
    net = initialised(classifier(module__dropout=0.5))
    net.module_.train()
    outputs = evaluate(net, X, y).outputs
    net.module_.eval()
    with torch.no_grad():
        expected = net.module_(torch.as_tensor(X)).softmax(dim=1).numpy()
    np.testing.assert_allclose(outputs, expected, rtol=1e-12)


class Logarithms(MLP):
    """Log-probabilities."""

    def forward(self, X):
        return super().forward(X).log_softmax(dim=1)


@pytest.mark.parametrize(
    ("net", "kind"),
    [
        (classifier(criterion=OwnCriterion), "softmax"),
        (classifier(Probabilities, criterion=OwnCriterion), "own"),
        (classifier(Probabilities, criterion=nn.NLLLoss), "own"),
        (plain_net(Logarithms, criterion=nn.NLLLoss), "softmax"),
        (classifier(criterion=OwnCriterion, predict_nonlinearity=None), "own"),
        (plain_net(criterion=OwnCriterion), "own"),
        (PairNet(Pair, criterion=nn.CrossEntropyLoss), "softmax"),
    ],
    ids=["logits", "proba", "nll", "logs", "given", "no classifier", "pair"],
)
def test_predictions_of_classifiers_are_probabilities(blobs, net, kind):
    X, y = blobs
    net = initialised(net)
    with torch.no_grad():
        given = net.module_(torch.as_tensor(X))
    given = given[0] if isinstance(given, tuple) else given
    expected = given.softmax(dim=1) if kind == "softmax" else given
    np.testing.assert_allclose(evaluate(net, X, y).outputs, expected, rtol=1e-12)


def test_a_batch_is_answered_as_all_rows_are(blobs):
    X, y = blobs
    net = initialised(classifier(criterion__weight=WEIGHTS))
    found = evaluate(net, X, y)
    batch = torch.as_tensor(X), torch.as_tensor(y)
    with torch.no_grad():
        loss = float(batch_loss(net, *batch))
        with per_sample_criterion(net):
            losses, outputs = batch_answers(net, *batch)
    assert loss == pytest.approx(found.losses.mean())  # without weights
    np.testing.assert_allclose(losses, found.losses, rtol=1e-12)
    np.testing.assert_allclose(outputs, found.outputs, rtol=1e-12)


def test_batches_are_joined_along_the_axis_of_each_quantity():
    values = torch.arange(24.0).reshape(2, 6, 2)
    halves = torch.arange(6, dtype=torch.bfloat16) / 2
    parts = [(values[:, rows], halves[rows]) for rows in (slice(4), slice(4, 6))]
    joined: list = []
    heard = heard_in(lambda: joined.extend(in_place(parts, (1, 0), 6)))
    reached = [("reach", "evaluation", 4), ("reach", "evaluation", 6)]
    assert heard == [("begin", "evaluation", 6), *reached, ("end", "evaluation")]
    np.testing.assert_array_equal(joined[0], values)
    np.testing.assert_array_equal(joined[1], np.arange(6) / 2)
    assert joined[1].dtype == np.float32  # NumPy has no bfloat16
    for n_rows in (5, 7):
        with pytest.raises(ValueError, match=f"gave 6 of {n_rows} rows"):
            in_place(parts, (1, 0), n_rows)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_reduction_is_restored(blobs, reduction):
    net = initialised(classifier(criterion__reduction=reduction))
    evaluate(net, *blobs)
    assert net.criterion_.reduction == reduction


def test_reduction_is_restored_after_an_error(blobs):
    X, y = blobs
    net = initialised(classifier())
    with pytest.raises(IndexError, match="Target 7 is out of bounds"):
        evaluate(net, X, np.full_like(y, 7))
    assert net.criterion_.reduction == "mean"


def test_a_column_broadcast_against_a_row_is_refused(blobs):
    X, _ = blobs
    net = initialised(regressor(module__n_outputs=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of the same thing
        with pytest.raises(ValueError, match="broadcasts outputs of shape"):
            evaluate(net, X, TARGETS[:, 0])


def test_a_batch_of_one_row_is_no_broadcast(blobs):
    X, _ = blobs
    net = initialised(regressor(module__n_outputs=1))
    assert evaluate(net, X[:1], TARGETS[:1, :1]).losses.shape == (1,)


def test_iterator_that_loses_rows_is_refused(blobs):
    net = initialised(classifier(iterator_valid__drop_last=True))
    with pytest.raises(ValueError, match="gave 48 of 60 rows"):
        evaluate(net, *blobs)


def test_width_of_the_prediction(blobs):
    X, _ = blobs
    assert n_outputs(initialised(classifier(module__n_outputs=7)), X) == 7
    assert n_outputs(initialised(binary_classifier()), X) == 2
    assert n_outputs(initialised(plain_net(Flat)), X) is None
