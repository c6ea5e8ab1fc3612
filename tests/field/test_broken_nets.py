"""Nets that nothing can come from are refused, with the cure, before members grow."""

from inspect import signature

import numpy as np
import pytest
import torch
from all_estimators import all_estimators, cheap, takes_frozen
from sklearn.frozen import FrozenEstimator
from skorch import NeuralNet, NeuralNetClassifier
from skorch.exceptions import SkorchTrainingImpossibleError
from tiny import MLP, Probabilities, classifier, make_blobs, regressor
from torch import nn
from torch.utils.data import Subset, TensorDataset

from skgex import GEXDetector
from skgex.exceptions import SaturationWarning
from skgex.hardness import AUM, EL2N, OutOfFold
from skgex.influence import InfluenceFunction, RandomProjection

DIVERGED = "net: its training diverged: weights are not finite"
NETS = [cls for cls in all_estimators() if "net" in signature(cls).parameters]


class Steep(MLP):
    def forward(self, X):
        return self.output(self.hidden(X).relu())


class LogProbabilities(MLP):
    def forward(self, X):
        return super().forward(X).log_softmax(dim=1)


class OneByOne(MLP):
    """Probabilities of each class that do not sum to one."""

    def forward(self, X):
        return super().forward(X).sigmoid()


class OwnLoss(NeuralNetClassifier):
    """Takes no logarithm of its own."""

    def get_loss(self, y_pred, y_true, *args, **kwargs):
        return self.criterion_(y_pred, y_true)


class Focal(nn.Module):
    """The focal loss of logits, which skorch does not know."""

    def forward(self, logits, y):
        losses = nn.functional.cross_entropy(logits, y, reduction="none")
        losses = losses * (1 - torch.exp(-losses)) ** 2
        return losses if self.reduction == "none" else losses.mean()

    reduction = "mean"


def plain(module, **params):
    return NeuralNet(
        module,
        criterion=nn.NLLLoss,
        train_split=None,
        verbose=0,
        max_epochs=3,
        lr=0.1,
        **params,
    )


@pytest.mark.parametrize("cls", NETS, ids=lambda cls: cls.__name__)
def test_a_training_that_diverged_is_refused(cls):
    X, y = make_blobs(30)
    with pytest.raises(ValueError, match=f"{DIVERGED}.*at epoch . of"):
        cheap(cls, classifier(Steep, lr=1e200, max_epochs=4)).fit(1e9 * X, y)


FROZEN = [cls for cls in NETS if takes_frozen(cls)]


@pytest.mark.parametrize("cls", FROZEN, ids=lambda cls: cls.__name__)
def test_a_frozen_net_with_nan_weights_is_refused(cls):
    X, y = make_blobs(30)
    net = classifier().fit(X, y)
    with torch.no_grad():
        net.module_.output.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match=DIVERGED):
        cheap(cls, FrozenEstimator(net)).fit(X, y)


@pytest.mark.parametrize("cls", FROZEN, ids=lambda cls: cls.__name__)
def test_a_frozen_net_that_was_trimmed_is_refused(cls):
    X, y = make_blobs(30)
    net = classifier().fit(X, y)
    net.trim_for_prediction()
    with pytest.raises(SkorchTrainingImpossibleError, match="trimmed for prediction"):
        cheap(cls, FrozenEstimator(net)).fit(X, y)


@pytest.mark.parametrize("estimator", [OutOfFold(classifier()), AUM(classifier())])
def test_a_row_of_a_subset_that_is_nan_is_named_by_its_place_in_it(estimator):
    X, y = make_blobs(40)
    X[17, 1] = np.nan
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    with pytest.raises(
        ValueError, match=r"1 samples .* not finite, the first is row 7:"
    ):
        estimator.fit(Subset(data, list(range(10, 40))))


def test_a_frozen_net_whose_losses_are_mostly_infinite_is_refused():
    X, _ = make_blobs(30)
    net = regressor(module__n_outputs=1).fit(X, X[:, :1])
    with torch.no_grad():
        net.module_.output.bias.fill_(1e200)
    with pytest.raises(ValueError, match="not finite for 30 of 30 rows, the first is"):
        GEXDetector(FrozenEstimator(net)).fit(X, X[:, :1])


class Cusp(MLP):
    """Its outputs are finite, but not its gradients: the root of zero has none."""

    def forward(self, X):
        return super().forward(X) + (0 * self.output.bias).sqrt()


@pytest.mark.parametrize("cls", [InfluenceFunction, RandomProjection])
def test_gradients_that_are_not_finite_are_refused(cls):
    X, y = make_blobs(30)
    net = FrozenEstimator(classifier(Cusp).initialize())
    with pytest.raises(ValueError, match="gradients are not finite"):
        cheap(cls, net).fit(X, y)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_of_a_dataset_that_is_nan_is_named(value):
    X, y = make_blobs(30)
    X[17, 1] = value
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    for estimator in (GEXDetector(classifier()), EL2N(classifier())):
        with pytest.raises(ValueError, match="not finite, the first is row 17"):
            estimator.fit(data)


def test_a_row_that_is_nan_is_named_for_a_frozen_net_too():
    X, y = make_blobs(30)
    net = FrozenEstimator(classifier().fit(X, y))
    X[17, 1] = np.nan
    data = TensorDataset(torch.as_tensor(X), torch.as_tensor(y))
    with pytest.raises(ValueError, match="1 of 30 rows, the first is row 17"):
        GEXDetector(net).fit(data)


@pytest.mark.parametrize("module", [MLP, LogProbabilities, OneByOne])
@pytest.mark.parametrize("cls", [GEXDetector, EL2N])
def test_outputs_that_are_no_probabilities_are_refused(cls, module):
    X, y = make_blobs(30)
    with pytest.raises(ValueError, match=r"NLLLoss.*criterion=nn\.CrossEntropyLoss"):
        cls(classifier(module, criterion=nn.NLLLoss)).fit(X, y)


@pytest.mark.parametrize("module", [MLP, Probabilities])
def test_a_plain_net_needs_log_probabilities(module):
    X, y = make_blobs(30)
    with pytest.raises(ValueError, match="log-probabilities"):
        GEXDetector(plain(module)).fit(X, y)


def test_softmax_twice_is_told():
    X, y = make_blobs(30)
    net = classifier(Probabilities, criterion=nn.CrossEntropyLoss)
    with pytest.warns(SaturationWarning, match="NLLLoss"):
        GEXDetector(net, n_members=2, lr=0.1).fit(X, y)


@pytest.mark.parametrize(
    "net",
    [
        classifier(criterion=Focal),
        plain(LogProbabilities),
        OwnLoss(
            LogProbabilities,
            criterion=nn.NLLLoss,
            train_split=None,
            verbose=0,
            max_epochs=3,
        ),
    ],
    ids=["focal", "plain", "own loss"],
)
def test_predictions_of_a_loss_that_skorch_does_not_know_are_probabilities(net):
    X, y = make_blobs(60)
    detector = GEXDetector(net, n_members=2, random_state=0).fit(X, y)
    outputs = detector._fitted.evaluation.outputs
    assert (outputs >= 0).all()
    np.testing.assert_allclose(outputs.sum(axis=1), 1, rtol=1e-5)
    trained = detector.ensemble_.trained
    assert np.isfinite(detector.score(X, y))
    assert trained.net.criterion is net.criterion


def test_a_mask_of_minus_infinity_in_a_buffer_is_no_fault():
    class Masked(MLP):
        def __init__(self):
            super().__init__()
            self.register_buffer("mask", torch.full((2, 2), -torch.inf).triu(1))

    X, y = make_blobs(30)
    GEXDetector(classifier(Masked), n_members=2, lr=0.1).fit(X, y)
