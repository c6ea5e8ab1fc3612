"""What all influence estimators have in common, found by walking the package."""

import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from skorch import NeuralNet, NeuralNetClassifier
from tiny import (
    MLP,
    PairDataset,
    classifier,
    flip_every,
    make_blobs,
    plain_net,
)
from torch import nn

import skgex.influence
from skgex._base.parameters import NetNeed
from skgex.exceptions import UnknownLabelWarning, UnlabelledRowsWarning

# What makes them quick; a new class needs no entry.
SETTINGS = {
    "GEX": {"n_members": 3, "n_steps": 4, "lr": 0.1},
    "GEXLinear": {"n_members": 3, "n_steps": 4, "lr": 0.1},
    "Arnoldi": {"n_components": 3, "n_iterations": 6},
    "LaplaceInfluence": {"n_members": 5, "rank": 3},
    "InfluenceFunction": {"damping": 0.5, "tol": 1e-12},
    "TracIn": {"n_checkpoints": 2},
    "TracInRP": {"n_checkpoints": 2, "n_components": 20},
    "RandomProjection": {"n_components": 20},
}
CLASSES = [getattr(skgex.influence, name) for name in skgex.influence.__all__]
X, CLEAN = make_blobs(18)
Y, _ = flip_every(CLEAN, 6)
NEW, LABELS = (part[18:] for part in make_blobs(24))


class CountingNet(NeuralNetClassifier):
    """Counts how often any of its kind is trained."""

    n_fits = 0

    def fit_loop(self, *args, **kwargs):
        type(self).n_fits += 1
        return super().fit_loop(*args, **kwargs)


class Autoencoder(nn.Module):
    """Two numbers for four."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(4, 2, dtype=torch.float64)
        self.decoder = nn.Linear(2, 4, dtype=torch.float64)

    def forward(self, X):
        return self.decoder(torch.tanh(self.encoder(X)))


class AutoencoderNet(NeuralNet):
    """Its loss is of the samples, not of labels."""

    def get_loss(self, y_pred, y_true, X, *args, **kwargs):
        return super().get_loss(y_pred, X, *args, **kwargs)


def make(kind, net):
    settings = SETTINGS.get(kind.__name__, {})
    return kind(net, random_state=0, **settings)


def autoencoder():
    return AutoencoderNet(
        Autoencoder,
        criterion=nn.MSELoss,
        max_epochs=3,
        batch_size=6,
        lr=0.1,
        train_split=None,
        verbose=0,
    )


@pytest.fixture(scope="module", params=CLASSES, ids=lambda kind: kind.__name__)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(kind):
    return make(kind, classifier()).fit(X, Y)


def is_symmetric(kind):
    """Only rows of the fit can be left out: LeaveOneOut tells z from z'."""
    return kind.__name__ != "LeaveOneOut"


def test_self_influence_is_the_diagonal_of_influence(kind, fitted):
    influence = fitted.influence(X, Y, X, Y)
    assert influence.dtype == np.float64
    assert fitted.self_influence_.dtype == np.float64
    assert_allclose(np.diag(influence), fitted.self_influence_, atol=1e-12)
    if is_symmetric(kind):
        assert_allclose(influence, influence.T, atol=1e-12)


def test_influence_is_pairwise(fitted):
    influence = fitted.influence(X, Y, NEW, LABELS)
    assert influence.shape == (18, 6)
    assert_allclose(
        fitted.influence(X[4:6], Y[4:6], NEW[:3], LABELS[:3]),
        influence[4:6, :3],
        atol=1e-12,
    )


def test_fitted_rows_are_answered_as_in_fit(fitted):
    order = np.random.RandomState(0).permutation(18)
    for labels in (None, Y[order]):
        assert_array_equal(
            fitted.self_influence(X[order], labels), fitted.self_influence_[order]
        )
    assert_allclose(
        fitted.transform(X[order]), fitted.transform(X, Y)[order], atol=1e-12
    )


def test_new_rows_are_taken_one_by_one_or_together(kind, fitted):
    features = fitted.transform(NEW, LABELS)
    rows = [fitted.transform(NEW[i : i + 1], LABELS[i : i + 1]) for i in range(6)]
    assert_allclose(np.concatenate(rows), features, atol=1e-12)
    if is_symmetric(kind):
        both = np.r_[X[:2], NEW], np.r_[Y[:2], LABELS]
        expected = np.diag(fitted.influence(*both, *both))
        assert_allclose(fitted.self_influence(*both), expected, atol=1e-12)


def test_rows_without_labels_have_the_predicted_ones(fitted):
    with pytest.warns(UnlabelledRowsWarning):
        features = fitted.transform(NEW)
    predicted = fitted.net_.predict_proba(NEW).argmax(axis=1)
    assert_allclose(features, fitted.transform(NEW, predicted), atol=1e-12)


def test_unknown_labels_are_as_suspicious_as_any(kind, fitted):
    if not is_symmetric(kind):
        pytest.skip("new rows cannot be left out")
    with pytest.warns(UnknownLabelWarning):
        influence = fitted.self_influence(NEW, np.where(LABELS == 0, 7, LABELS))
    assert (influence[LABELS == 0] >= fitted.self_influence_.max()).all()


def test_features_have_names(fitted):
    names = fitted.get_feature_names_out()
    assert len(names) == fitted.transform(X, Y).shape[1]


def test_they_can_be_pickled(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(again.transform(NEW, LABELS), fitted.transform(NEW, LABELS))


def test_the_same_seed_gives_the_same_answer(kind, fitted):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    again = clone(fitted).fit(X, Y)
    assert_array_equal(again.self_influence_, fitted.self_influence_)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert_array_equal(np.random.get_state()[1], before[1])


def test_a_frozen_net_is_taken_as_it_is(kind):
    torch.manual_seed(0)
    net = classifier(max_epochs=5).fit(X, Y)
    if kind._needs is not NetNeed.TRAINED:
        with pytest.raises(ValueError, match="FrozenEstimator does not allow"):
            make(kind, FrozenEstimator(net)).fit(X, Y)
        return
    weights = {k: v.clone() for k, v in net.module_.state_dict().items()}
    estimator = make(kind, FrozenEstimator(net)).fit(X, Y)
    for name, value in estimator.net_.module_.state_dict().items():
        assert torch.equal(value, weights[name])
        assert torch.equal(net.module_.state_dict()[name], weights[name])


def test_a_dataset_is_judged_as_its_arrays(kind):
    arrays = make(kind, classifier()).fit(X, Y)
    dataset = make(kind, classifier()).fit(PairDataset(X, Y))
    assert_allclose(dataset.self_influence_, arrays.self_influence_, rtol=1e-9)
    given = dataset.transform(PairDataset(NEW, LABELS))
    assert_allclose(given, arrays.transform(NEW, LABELS), atol=1e-12)


def test_a_regression_net_is_judged_by_its_own_loss(kind):
    net = plain_net(MLP, module__n_outputs=2, criterion=nn.MSELoss, max_epochs=20)
    targets = np.stack([X[:, 0], X[:, 1] - X[:, 2]], axis=1)
    targets[4] += 9  # one value far out
    estimator = make(kind, net).fit(X, targets)
    assert estimator.self_influence_.shape == (18,)
    assert estimator.self_influence_.argmax() == 4
    assert estimator.influence(X[:3], targets[:3], NEW, NEW[:, :2]).shape == (3, 6)


def test_an_autoencoder_is_judged_without_labels(kind):
    samples = X.copy()
    samples[7] = [9.0, -9.0, 9.0, -9.0]
    estimator = make(kind, autoencoder()).fit(samples)
    assert estimator.self_influence_.argmax() == 7
    assert_array_equal(estimator.self_influence(samples), estimator.self_influence_)
    assert estimator.influence(samples, None, NEW, None).shape == (18, 6)
    assert len(estimator.transform(NEW)) == 6


def test_one_training_serves_all(tmp_path):
    """Those that watch the training come first: others take the net from its record."""
    net = CountingNet(
        MLP,
        criterion=nn.CrossEntropyLoss,
        max_epochs=3,
        batch_size=6,
        train_split=None,
        verbose=0,
    )
    trained = {}
    CountingNet.n_fits = 0
    order = sorted(CLASSES, key=lambda kind: kind._needs is not NetNeed.TRAJECTORY)
    for kind in order:
        if kind.__name__ == "LeaveOneOut":
            continue  # trains a net for each row
        estimator = make(kind, net).set_params(memory=str(tmp_path)).fit(X, Y)
        trained[kind.__name__] = estimator._trained.weights["module"]
    assert CountingNet.n_fits == 1
    first, *others = trained.values()
    for other in others:
        for name, values in first.items():
            assert_array_equal(values, other[name])
