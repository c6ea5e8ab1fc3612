import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from skorch.callbacks import LRScheduler
from tiny import MLP, classifier, make_blobs
from torch.optim.lr_scheduler import StepLR

from skgex._utils.random import draw_seeds
from skgex.influence import RandomProjection, TracIn, TracInRP, _tracin

X, Y = make_blobs(20)


def gradients_at(weights):
    """Gradients of cross entropy by each parameter, one sample after the other."""
    module = MLP()
    module.load_state_dict({k: torch.tensor(v) for k, v in weights["module"].items()})
    rows = []
    for xi, yi in zip(torch.tensor(X), torch.tensor(Y), strict=True):
        loss = torch.nn.functional.cross_entropy(module(xi[None]), yi[None])
        parts = torch.autograd.grad(loss, list(module.parameters()))
        rows.append(torch.cat([part.reshape(-1) for part in parts]).numpy())
    return np.array(rows)


def scheduled():
    """A net whose learning rate changes as it is trained."""
    return classifier(
        max_epochs=8, lr=0.4, callbacks=[LRScheduler(StepLR, step_size=1, gamma=0.5)]
    )


@pytest.fixture(scope="module")
def tracin():
    return TracIn(scheduled(), n_checkpoints=3, random_state=0).fit(X, Y)


@pytest.fixture(scope="module")
def by_hand(tracin):
    """Σ η g·g' over the checkpoints, in numpy."""
    checkpoints = tracin.checkpoints_
    gradients = [gradients_at(weights) for weights in checkpoints.weights]
    pairs = zip(checkpoints.lrs, gradients, strict=True)
    return sum(lr * g @ g.T for lr, g in pairs)


def test_it_is_the_sum_over_checkpoints(tracin, by_hand):
    assert_allclose(tracin.influence(X, Y, X, Y), by_hand, atol=1e-12)
    assert_allclose(tracin.self_influence_, np.diag(by_hand), rtol=1e-12)
    assert_allclose(tracin.self_influence(X[:4] + 0, Y[:4]), np.diag(by_hand)[:4])


def test_checkpoints_are_of_the_second_half_with_their_rates(tracin):
    checkpoints = tracin.checkpoints_
    assert checkpoints.epochs[-1] == 8
    assert min(checkpoints.epochs) > 4
    rates = [0.4 * 0.5 ** (epoch - 1) for epoch in checkpoints.epochs]
    assert_allclose(checkpoints.lrs, rates)


def test_features_give_influence_by_inner_products(tracin, by_hand):
    features = tracin.transform(X, Y)
    assert features.shape == (len(X), 3 * 67)
    assert_allclose(features @ features.T, by_hand, atol=1e-12)


def test_features_beyond_the_bound_are_refused(tracin, monkeypatch):
    monkeypatch.setattr(_tracin, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="use TracInRP"):
        tracin.transform(X, Y)


def test_a_frozen_net_has_no_training_to_watch(frozen):
    with pytest.raises(ValueError, match="net: TracIn needs to watch"):
        TracIn(frozen).fit(X, Y)


@pytest.mark.parametrize("n_components", [10, 1000, 10_000])
def test_random_directions_tend_to_the_exact_form(by_hand, n_components):
    """Errors of a Johnson-Lindenstrauss projection fall as R^(-1/2)."""
    projected = TracInRP(
        scheduled(), n_checkpoints=3, n_components=n_components, random_state=0
    ).fit(X, Y)
    norms = np.sqrt(np.outer(np.diag(by_hand), np.diag(by_hand)))
    errors = (projected.influence(X, Y, X, Y) - by_hand) / norms
    # The relative error of a product has a standard deviation below √(2 / R).
    typical = np.sqrt(np.mean(errors**2))
    assert 0.1 / n_components**0.5 < typical < 2 * (2 / n_components) ** 0.5


@pytest.mark.parametrize("n_components", [10, 1000, 10_000])
def test_random_projections_of_one_net_tend_to_its_products(n_components):
    projected = RandomProjection(
        scheduled(), n_components=n_components, random_state=0
    ).fit(X, Y)
    gradients = gradients_at(projected._trained.weights)
    exact = gradients @ gradients.T
    norms = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    errors = (projected.influence(X, Y, X, Y) - exact) / norms
    typical = np.sqrt(np.mean(errors**2))
    assert 0.1 / n_components**0.5 < typical < 2 * (2 / n_components) ** 0.5


def test_projections_are_those_of_an_explicit_matrix():
    projected = RandomProjection(scheduled(), n_components=7, random_state=3)
    features = projected.fit_transform(X, Y)
    seed = draw_seeds(np.random.RandomState(3), 4)[2]
    matrix = torch.randn(7, 67, generator=torch.Generator().manual_seed(seed))
    gradients = gradients_at(projected._trained.weights)
    assert_allclose(features, gradients @ matrix.double().numpy().T / 7**0.5, atol=1e-6)


def test_tracin_agrees_with_captum(tracin):
    influence = pytest.importorskip("captum.influence")
    module = MLP()

    def load(module, weights):
        state = {k: torch.tensor(v) for k, v in weights["module"].items()}
        module.load_state_dict(state)
        lrs = zip(tracin.checkpoints_.weights, tracin.checkpoints_.lrs, strict=True)
        return next(lr for other, lr in lrs if other is weights)

    rows = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    peer = influence.TracInCP(
        module,
        rows,
        tracin.checkpoints_.weights,
        load,
        loss_fn=torch.nn.CrossEntropyLoss(reduction="none"),
        batch_size=8,
    )
    assert_allclose(tracin.self_influence_, peer.self_influence().numpy(), atol=1e-4)
