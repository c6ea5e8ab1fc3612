"""A plain trained module, wrapped in one line, is used with its weights."""

import copy

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from skorch import NeuralNetClassifier, NeuralNetRegressor
from tiny import MLP, flip_every, make_blobs
from torch import nn

from skgex import GEXDetector, GEXPruner
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
