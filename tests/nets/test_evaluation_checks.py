"""What a net makes of a few samples before it is trained, and what is said of it."""

import numpy as np
import pytest
import torch
from skorch import NeuralNet
from tiny import (
    MLP,
    OwnCriterion,
    PairDataset,
    Probabilities,
    Tagger,
    classifier,
    make_blobs,
    plain_net,
)
from torch import nn

from skgex._nets.evaluation import (
    check_loss,
    evaluate,
    n_outputs,
    wants_class_indices,
)
from skgex._utils.random import seeded
from skgex.exceptions import SaturationWarning

X, Y = (part[:4] for part in make_blobs())


def initialised(net):
    with seeded(0):
        return net.initialize()


class Returning(MLP):
    """Makes something else of its logits."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, X):
        return self.make(super().forward(X))


class ByToken(nn.Module):
    """Logits of shape (n_samples, n_classes, length)."""

    def __init__(self, length=5):
        super().__init__()
        self.layer, self.length = nn.Linear(4, 3 * length).double(), length

    def forward(self, X):
        return self.layer(X).reshape(len(X), 3, self.length)


def test_a_net_that_can_compute_the_loss_passes():
    state = torch.get_rng_state()
    check_loss(initialised(classifier()), X, Y)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("samples", "targets", "said"),
    [
        (X, Y + 7, "^y: the net's criterion cannot take it: Target"),
        (
            PairDataset(X, Y + 7),
            None,
            "^X: the net's criterion cannot take its targets: Target",
        ),
    ],
    ids=["array", "dataset"],
)
def test_targets_that_the_criterion_cannot_take_are_refused(samples, targets, said):
    with pytest.raises(ValueError, match=said):
        check_loss(initialised(classifier()), samples, targets)


class Refusing(MLP):
    """Raises an error, as a module or as a criterion."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def forward(self, *_):
        raise self.error("no, thanks")


@pytest.mark.parametrize("error", [RuntimeError, ValueError, TypeError, IndexError])
def test_errors_of_many_kinds_are_said_to_be_of_the_data(error):
    net = classifier(criterion=Refusing, criterion__error=error)
    with pytest.raises(ValueError, match="criterion cannot take it: no, thanks"):
        check_loss(initialised(net), X, Y)
    assert not wants_class_indices(net, X, (4, 3), np.float64)
    module = initialised(classifier(Refusing, module__error=error))
    with pytest.raises(ValueError, match=r"cannot take it \(batch .* no, thanks"):
        n_outputs(module, X)


def test_the_loss_is_computed_as_after_the_training():
    net = initialised(classifier(module__batch_norm=True))
    check_loss(net, X, Y)
    assert not net.module_.training
    assert net.module_.norm.num_batches_tracked == 0


def test_what_is_said_of_the_net_is_said_as_it_is():
    net = initialised(classifier(iterator_valid__drop_last=True))
    with pytest.raises(ValueError, match=r"^net: its validation iterator gave 0 of 4"):
        check_loss(net, X, Y)


def test_probabilities_under_a_criterion_of_logits_are_warned_of():
    with pytest.warns(SaturationWarning, match="are probabilities already"):
        check_loss(initialised(classifier(Probabilities)), X, Y)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda logits: {"a": logits, 2: logits}, "a dict with the keys 'a', 2;"),
        (lambda logits: [logits, 1.0], "a list of Tensor, float;"),
        (lambda logits: (1.0, logits), "a tuple of float, Tensor;"),
        (lambda logits: (), "a tuple of ;"),
        (lambda logits: None, "a NoneType;"),
    ],
    ids=["dict", "list", "tuple", "empty", "none"],
)
def test_a_prediction_that_is_no_tensor_is_refused(make, said):
    net = initialised(plain_net(Returning, module__make=make, criterion=AnyLoss))
    with pytest.raises(TypeError, match=f"net: its module gives {said}"):
        evaluate(net, X, Y)


class AnyLoss(nn.Module):
    """Takes whatever the module returns."""

    def forward(self, output, y):
        return torch.zeros(len(y))


@pytest.mark.parametrize(
    "make",
    [
        lambda logits: logits[:, 0],
        lambda logits: (logits > 0).long(),
        lambda logits: torch.eye(3)[[0, 1, 2, 1]],
    ],
    ids=["flat", "integers", "certain"],
)
def test_predictions_that_are_or_cannot_be_probabilities_stay_as_they_are(make):
    settings = {"module__make": make, "criterion": AnyLoss}
    net = initialised(classifier(Returning, **settings))
    with torch.no_grad():
        expected = net.module_(torch.as_tensor(X))
    np.testing.assert_array_equal(evaluate(net, X, Y).outputs, expected)


@pytest.mark.parametrize(
    ("kind", "rows", "said"),
    [
        (MLP, X[:, :3], r"^X: the net cannot take it \(batch of shape \(4, 3\)\): mat"),
        (Tagger, {"Z": X}, r"^X: the net cannot take it: .*unexpected keyword"),
    ],
    ids=["array", "dict"],
)
def test_samples_that_the_net_cannot_take_are_refused(kind, rows, said):
    with pytest.raises(ValueError, match=said):
        n_outputs(initialised(classifier(kind)), rows)


def test_an_iterator_without_any_batch_has_no_width():
    net = initialised(classifier(iterator_valid__drop_last=True))
    with pytest.raises(ValueError, match="gives no batch of 4 rows; it must give each"):
        n_outputs(net, X)


@pytest.mark.parametrize(
    ("kind", "criterion", "shape", "expected"),
    [
        (MLP, nn.CrossEntropyLoss, (4,), True),
        (MLP, nn.CrossEntropyLoss, (4, 3), False),  # probabilities
        (MLP, nn.MSELoss, (4, 3), False),
        (ByToken, nn.CrossEntropyLoss, (4, 5), True),
        (ByToken, nn.CrossEntropyLoss, (4, 6), True),  # of another length
        (ByToken, nn.CrossEntropyLoss, (4, 2, 6), False),
        (ByToken, nn.NLLLoss, (4, 6), True),
        (ByToken, nn.HingeEmbeddingLoss, (4, 6), False),
    ],
)
def test_which_criteria_take_class_indices(kind, criterion, shape, expected):
    net = initialised(plain_net(kind, criterion=criterion))
    assert wants_class_indices(net, X, shape, np.float64) is expected


class WithSamples(NeuralNet):
    """Its loss needs the samples."""

    def get_loss(self, y_pred, y_true, X=None, **kwargs):
        return super().get_loss(y_pred + X[:, :3], y_true, X=X, **kwargs)


def test_a_loss_that_needs_the_samples_gets_them():
    settings = {"criterion": OwnCriterion, "iterator_train__drop_last": True}
    net = initialised(WithSamples(MLP, **settings))  # no iterator of a training
    assert wants_class_indices(net, X, (4,), np.float64)
