"""A plain trained module, wrapped in one line, is used with its weights."""

import copy

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from skorch import NeuralNetClassifier, NeuralNetRegressor
from tiny import MLP, classifier, flip_every, make_blobs
from torch import nn

from skgex import GEXDetector, GEXPruner
from skgex._nets.fresh_weights import untrained
from skgex._utils.random import seeded
from skgex.detection import NoisyLabelDetector
from skgex.hardness import DeepKNN, TrainingLoss
from skgex.influence import GEX, InfluenceFunction

X, CLEAN = make_blobs()
X = X.astype(np.float32)
NOISY, WRONG = flip_every(CLEAN, 10)
NAMES = np.array(["ant", "bee", "cat"])
FAST = {"n_members": 4, "lr": 0.1, "random_state": 0}


@pytest.fixture(scope="module")
def module():
    """Trained by a loop of the user's own, without skorch."""
    torch.manual_seed(0)
    module = MLP(dtype=torch.float32, batch_norm=True)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(
            module(torch.as_tensor(X)), torch.as_tensor(NOISY)
        )
        loss.backward()
        optimizer.step()
    return module.eval()


def wrapped(module, classes=(0, 1, 2)):
    """The line of the documentation."""
    return FrozenEstimator(
        NeuralNetClassifier(
            module, criterion=nn.CrossEntropyLoss, classes=list(classes)
        ).initialize()
    )


def losses_of(module, labels):
    with torch.no_grad():
        logits = module(torch.as_tensor(X))
    each = nn.functional.cross_entropy(
        logits, torch.as_tensor(labels), reduction="none"
    )
    return each.numpy()


def test_its_weights_are_those_that_are_used(module):
    given = copy.deepcopy(module.state_dict())
    scorer = TrainingLoss(wrapped(module)).fit(X, NOISY)
    np.testing.assert_allclose(scorer.scores_, losses_of(module, NOISY), rtol=1e-5)
    detector = GEXDetector(wrapped(module), **FAST).fit(X, NOISY)
    reference = detector._fitted.evaluation.reference
    np.testing.assert_allclose(reference, losses_of(module, NOISY), rtol=1e-4)
    for name, value in module.state_dict().items():
        assert torch.equal(value, given[name]), name
        trained = detector.net_.module_.state_dict()[name]
        assert torch.equal(trained, value), name
    assert detector.net_.module_ is not module


@pytest.mark.parametrize(
    "estimator",
    [
        GEXDetector(**FAST),
        GEXDetector(n_members=4, random_state=0),
        GEXPruner(n_members=4, random_state=0),
        GEX(**FAST),
        InfluenceFunction(random_state=0),
        DeepKNN(),
        TrainingLoss(),
    ],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
def test_names_of_classes_are_read_in_the_order_of_outputs(module, estimator):
    numbers = clone(estimator).set_params(net=wrapped(module)).fit(X, NOISY)
    named = clone(estimator).set_params(net=wrapped(module, NAMES))
    named.fit(X, NAMES[NOISY])
    for attribute in ("scores_", "self_influence_"):
        if hasattr(numbers, attribute):
            np.testing.assert_array_equal(
                getattr(named, attribute), getattr(numbers, attribute)
            )
    np.testing.assert_array_equal(named.classes_, NAMES)


def test_wrong_labels_are_found_and_clones_keep_the_weights(module):
    detector = clone(GEXDetector(wrapped(module), **FAST))
    scores = detector.fit(X, NOISY).scores_
    assert np.median(scores[WRONG]) > np.quantile(scores[~WRONG], 0.9)
    wrapper = NoisyLabelDetector(TrainingLoss(wrapped(module))).fit(X, NOISY)
    np.testing.assert_allclose(wrapper.scores_, losses_of(module, NOISY), rtol=1e-5)


def test_a_module_with_regression_targets():
    torch.manual_seed(0)
    line = nn.Linear(4, 1)
    targets = line(torch.as_tensor(X)).detach().numpy() + 0.1
    net = FrozenEstimator(NeuralNetRegressor(line).initialize())
    scorer = TrainingLoss(net).fit(X, targets)
    np.testing.assert_allclose(scorer.scores_, 0.01, rtol=1e-3)


# Trials of a frozen net start anew: the instance's weights have seen all labels.


class OwnLayers(nn.Module):
    """Layers of torch, and parameters of its own."""

    def __init__(self):
        super().__init__()
        self.shift = nn.Parameter(torch.arange(4.0))
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.body = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU())
        self.head = nn.Linear(8, 3)

    def forward(self, X):
        rows = (X + self.shift)[:, None]
        return self.head(self.body(self.attention(rows, rows, rows)[0][:, 0]))


def test_an_instance_forgets_its_weights():
    torch.manual_seed(7)
    module = OwnLayers()
    module(torch.randn(20, 4))  # batch norm has seen rows
    net = wrapped(module).estimator
    given = copy.deepcopy(module.state_dict())
    fresh, again, other = (untrained(net, seed) for seed in (0, 0, 1))
    assert not fresh.initialized_
    for name, value in given.items():
        assert torch.equal(module.state_dict()[name], value)
        drawn = fresh.module.state_dict()[name]
        assert torch.equal(drawn, again.module.state_dict()[name])
        if value.is_floating_point() and len(value.unique()) > 1:
            assert not torch.equal(drawn, value), name
            if "norm" not in name and "running" not in name and drawn.std() > 0:
                assert not torch.equal(drawn, other.module.state_dict()[name]), name


@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
@pytest.mark.slow
def test_a_memorised_module_is_judged_as_a_memorised_net_of_a_class():
    """A trial that began with what it had memorised would predict all labels."""
    rows, clean = make_blobs(240, spread=0.5)
    labels, _ = flip_every(clean, 10)
    rows = rows.astype(np.float32)
    settings = {"optimizer": torch.optim.Adam, "lr": 0.02, "max_epochs": 150}
    net = classifier(MLP, module__hidden=128, module__dtype=torch.float32, **settings)
    with seeded(0):
        net.fit(rows, labels)
    instance = classifier(net.module_, classes=[0, 1, 2], **settings)
    frozen = FrozenEstimator(instance.initialize())
    detector = GEXDetector(frozen, n_members=8, random_state=0)
    expected = GEXDetector(FrozenEstimator(net), n_members=8, random_state=0)
    assert detector.fit(rows, labels).lr_ == expected.fit(rows, labels).lr_
