"""lr="auto" finds a rate at any scale, and members that went wrong are no answer."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score
from skorch import NeuralNetClassifier, NeuralNetRegressor
from tiny import make_blobs
from torch import nn

from skgex import GEXDetector
from skgex._data.label_coding import RegressionTargets
from skgex._ensemble.divergence import ChanceLevel, diverged, forgot, stood_still
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._ensemble.statistics import LOWEST, MAX_LOSS, finite_losses, log_likelihoods
from skgex.datasets import flip_labels
from skgex.exceptions import (
    DivergenceWarning,
    SkgexWarning,
    UnmovedMembersWarning,
)
from skgex.influence import GEX


class MLP(nn.Module):
    def __init__(self, n_inputs=4, n_outputs=3):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_inputs, 16), nn.ReLU(), nn.Linear(16, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


class Tied(nn.Module):
    """Two layers with the same weights."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.o = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)
        self.b.weight = self.a.weight

    def forward(self, X):
        return self.o(self.b(self.a(X).relu()).relu())


def net_of(module=MLP, kind=NeuralNetClassifier, **params):
    settings = {
        "criterion": nn.CrossEntropyLoss,
        "optimizer": torch.optim.Adam,
        "lr": 0.02,
        "max_epochs": 15,
        "batch_size": 32,
        "train_split": None,
        "verbose": 0,
        "iterator_train__shuffle": True,
    }
    return kind(module, **(settings | params))


def line():
    """A regression with 20 of 200 targets far off."""
    rng = np.random.RandomState(0)
    X = rng.randn(200, 4).astype(np.float32)
    y = X @ np.array([1, 2, -1, 0.5], np.float32)
    mask = np.arange(200) % 10 == 0
    y[mask] += rng.choice([-6, 6], 20)
    return X, y, mask


@pytest.mark.slow
@pytest.mark.parametrize("criterion", [nn.MSELoss, nn.L1Loss, nn.HuberLoss])
@pytest.mark.parametrize("scale", [1, 300, 3000])
def test_targets_of_any_scale_are_ranked(scale, criterion):
    X, y, mask = line()
    net = net_of(
        kind=NeuralNetRegressor,
        criterion=criterion,
        max_epochs=60,
        lr=0.05,
        module__n_outputs=1,
    )
    detector = GEXDetector(net, n_members=4, random_state=0).fit(X, scale * y)
    assert average_precision_score(mask, detector.scores_) > 0.95
    assert detector.noise_mask_.sum() < 50
    assert detector.score(X, scale * y) > -1e8  # and not the floor of a likelihood
    assert len(set(detector.scores_)) > 100


def test_the_likelihood_of_large_losses_does_not_underflow():
    losses = np.array([[1e4, 2e4], [np.inf, 3e4], [np.inf, np.nan]])
    coding = RegressionTargets(np.float32, ())
    found = log_likelihoods(coding, np.zeros(3), np.zeros(3), losses)
    np.testing.assert_allclose(found, [-1e4 - np.log(2), -3e4 - np.log(2), LOWEST])


def test_a_loss_that_overflowed_is_the_largest_of_its_row():
    losses = np.array([[1e4, np.inf], [np.nan, 1.0], [np.nan, np.inf]])
    expected = [[1e4, 1e4], [MAX_LOSS, 1.0], [MAX_LOSS, MAX_LOSS]]
    np.testing.assert_allclose(finite_losses(losses), expected)


def test_members_that_forget_lower_the_rate():
    X, y = make_blobs(200)
    y_noisy, mask = flip_labels(y, 0.1, random_state=0)
    X = X.astype(np.float32)
    detector = GEXDetector(net_of(Tied, max_epochs=30), n_members=4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", SkgexWarning)
        detector.fit(X, y_noisy)
    assert average_precision_score(mask, detector.scores_) > 0.95
    chance = ChanceLevel(np.log(3), np.log(3))
    assert not forgot(detector._fitted.evaluation, chance).any()


def evaluation_of(reference, losses):
    zeros = np.zeros(len(reference))
    return EnsembleEvaluation(np.asarray(reference), np.asarray(losses), zeros, zeros)


def test_members_are_compared_with_chance_and_with_the_net():
    chance = ChanceLevel(1.0, 1.0)
    good, bad = np.full(9, 0.1), np.full(9, 0.98)
    members = np.tile([0.2, 0.9, 1.2, np.nan], (9, 1))
    found = evaluation_of(good, members)
    np.testing.assert_array_equal(diverged(found, chance), [0, 0, 1, 1])
    np.testing.assert_array_equal(forgot(found, chance), [0, 1, 1, 1])
    # X says nothing: members at the level of chance are as good as the net.
    found = evaluation_of(bad, members)
    np.testing.assert_array_equal(diverged(found, chance), [0, 0, 0, 1])
    assert not forgot(found, chance).any()


def test_forgetting_wrong_labels_is_no_fault():
    """A net that memorised 4 wrong labels in 10, which members lose."""
    reference = np.zeros(10)
    losses = np.where(np.arange(10) < 4, 4.0, 0.05)[:, None]
    assert not forgot(evaluation_of(reference, losses), ChanceLevel(1.1, 1.1)).any()


@pytest.mark.parametrize(
    ("held_out", "highest"),
    [(-np.inf, 0.55), (0.2, 0.55), (0.7, 0.7), (0.9, 0.82), (5.0, 0.82)],
)
def test_what_was_only_memorised_may_be_forgotten(held_out, highest):
    """Of the .9 nats between the net and chance: as far as held-out labels, to 80 %."""
    losses = np.tile([highest - 0.01, highest + 0.01], (9, 1))
    found = evaluation_of(np.full(9, 0.1), losses)
    lost = forgot(found, ChanceLevel(1.0, 1.0), held_out)
    np.testing.assert_array_equal(lost, [False, True])


def test_members_that_stand_still_are_found():
    reference = np.linspace(0.1, 1, 10)
    assert stood_still(evaluation_of(reference, reference[:, None] * (1 + 1e-7)))
    assert not stood_still(evaluation_of(reference, reference[:, None] + 1e-3))


@pytest.mark.parametrize("cls", [GEX, GEXDetector])
def test_a_rate_at_which_nothing_moves_is_named(cls):
    X, y = make_blobs(60)
    with pytest.warns(UnmovedMembersWarning, match="rate 1e-09"):
        cls(net_of(), n_members=2, lr=1e-9, random_state=0).fit(X, y)


@pytest.mark.parametrize("lr", [1e6, 1e30])
@pytest.mark.parametrize("threshold", ["otsu", "otsu_raw", "30%", "precision 90%"])
def test_members_that_all_diverged_flag_nothing(lr, threshold):
    X, y = make_blobs(60)
    detector = GEXDetector(
        net_of(), n_members=2, lr=lr, threshold=threshold, random_state=0
    )
    with pytest.warns(DivergenceWarning, match=r"2 of 2 members.*rate 1e\+"):
        detector.fit(X, y)
    assert not detector.noise_mask_.any()
    assert not detector.predict(X, y).any()


def test_a_regression_whose_members_diverged_flags_nothing():
    X, y, _ = line()
    net = net_of(kind=NeuralNetRegressor, criterion=nn.MSELoss, module__n_outputs=1)
    detector = GEXDetector(net, n_members=2, lr=0.2, random_state=0)
    with pytest.warns(DivergenceWarning, match="2 of 2 members"):
        detector.fit(X, 1000 * y)
    assert not detector.noise_mask_.any()


def test_labels_that_say_nothing_are_no_divergence():
    rng = np.random.RandomState(0)
    X, y = rng.randn(120, 4).astype(np.float32), rng.randint(3, size=120)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DivergenceWarning)
        warnings.simplefilter("ignore", SkgexWarning)
        warnings.simplefilter("error", DivergenceWarning)
        GEXDetector(net_of(), n_members=4, lr=0.1, random_state=0).fit(X, y)


@pytest.mark.slow
def test_a_memorised_net_has_a_higher_rate_if_labels_say_so():
    X, y = make_blobs(200, spread=1.0)
    y_noisy, _ = flip_labels(y, 0.3, random_state=0)
    X = X.astype(np.float32)
    torch.manual_seed(0)
    net = net_of(max_epochs=300).fit(X, y_noisy)
    frozen = GEXDetector(FrozenEstimator(net), n_members=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkgexWarning)
        assert frozen.fit(X, y_noisy).lr_ > 0
