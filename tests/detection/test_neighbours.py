"""Rows that the net finds alike, against brute force."""

import numpy as np
import pytest
import torch
from tiny import PairDataset, classifier, make_blobs

from skgex._nets.predictions import features
from skgex._nets.snapshot import revive
from skgex._nets.training import train
from skgex.detection import _neighbours
from skgex.detection._neighbours import fit_neighbours, odds_of

X, Y = make_blobs(90)
Y = np.where(np.arange(90) % 7 == 0, (Y + 1) % 3, Y)
NEW_X, NEW_Y = X[::5] + 0.1, np.roll(Y[::5], 1)


@pytest.fixture(scope="module")
def trained():
    return train(classifier(module__hidden=5), X, Y, seed=0)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(_neighbours, "N_NEIGHBORS", 4)


def hidden(trained, X):
    """What enters the last layer, by hand."""
    module = revive(trained).module_
    with torch.no_grad():
        return torch.tanh(module.hidden(torch.tensor(X))).numpy()


def by_loops(queried, codes, features, labels, own=None, k=4):
    """Return the share of the k nearest with another label, row by row."""
    shares = []
    for i, (row, code) in enumerate(zip(queried, codes, strict=True)):
        others = [j for j in range(len(labels)) if own is None or j != own[i]]
        others.sort(key=lambda j: np.linalg.norm(features[j] - row))
        nearest = others[: max(1, min(k, (labels == code).sum() - 1))]
        shares.append(np.mean(labels[nearest] != code))
    return shares


def test_fitted_rows_are_compared_with_all_others(trained):
    found = hidden(trained, X)
    _, shares = fit_neighbours(trained, X, Y, Y, seed=0)
    expected = by_loops(found, Y, found, Y, own=range(90))
    np.testing.assert_allclose(shares, expected)
    assert 0 < shares.mean() < 1


def test_new_rows_are_compared_with_all_fitted_ones(trained):
    neighbours, _ = fit_neighbours(trained, X, Y, Y, seed=0)
    expected = by_loops(hidden(trained, NEW_X), NEW_Y, hidden(trained, X), Y)
    given = neighbours.disagreement(NEW_X, NEW_Y, NEW_Y)
    np.testing.assert_allclose(given, expected)


def test_a_row_that_comes_again_is_not_its_own_neighbour(trained):
    neighbours, shares = fit_neighbours(trained, X, Y, Y, seed=0)
    np.testing.assert_array_equal(neighbours.disagreement(X, Y, Y), shares)
    np.testing.assert_array_equal(
        neighbours.disagreement(X[::-1], Y[::-1], Y[::-1]), shares[::-1]
    )


def test_copies_of_a_row_are_neighbours(trained):
    twice, labels = np.repeat(X, 2, axis=0), np.repeat(Y, 2)
    labels[1::2] = (labels[1::2] + 1) % 3
    _, shares = fit_neighbours(trained, twice, labels, labels, seed=0)
    assert shares.min() >= 1 / 4


def test_a_small_class_cannot_have_many(trained):
    codes = np.where(np.arange(90) < 3, 2, np.arange(90) % 2)  # 3 rows of class 2
    found = hidden(trained, X)
    _, shares = fit_neighbours(trained, X, codes, codes, seed=0)
    expected = by_loops(found, codes, found, codes, own=range(90))
    np.testing.assert_allclose(shares, expected)
    assert set(shares[:3]) <= {0.0, 0.5, 1.0}


def test_a_class_that_was_never_seen_agrees_with_none(trained):
    neighbours, _ = fit_neighbours(trained, X, Y, Y, seed=0)
    unknown = np.full(len(NEW_X), -1)
    assert (neighbours.disagreement(NEW_X, NEW_Y, unknown) == 1).all()


def test_of_many_rows_some_are_searched(trained, monkeypatch):
    monkeypatch.setattr(_neighbours, "MAX_ROWS", 40)
    monkeypatch.setattr(_neighbours, "BATCH", 16)
    neighbours, shares = fit_neighbours(trained, X, Y, Y, seed=3)
    rows = np.sort(np.random.RandomState(3).choice(90, 40, replace=False))
    found = hidden(trained, X)
    own = [list(rows).index(i) if i in rows else -1 for i in range(90)]
    expected = by_loops(found, Y, found[rows], Y[rows], own)
    np.testing.assert_allclose(shares, expected)
    np.testing.assert_array_equal(neighbours.disagreement(X, Y, Y), shares)


def test_wide_features_are_projected_alike(trained, monkeypatch):
    monkeypatch.setattr(_neighbours, "MAX_WIDTH", 3)
    monkeypatch.setattr(_neighbours, "BATCH", 32)
    neighbours, shares = fit_neighbours(trained, X, Y, Y, seed=3)
    assert neighbours.features.shape == (90, 3)
    np.testing.assert_array_equal(neighbours.disagreement(X, Y, Y), shares)
    _, full = fit_neighbours(trained, X[:, :4], Y, Y, seed=4)
    assert np.corrcoef(shares, full)[0, 1] > 0.5


def test_a_dataset_is_as_good_as_arrays(trained):
    neighbours, shares = fit_neighbours(trained, X, Y, Y, seed=0)
    dataset = PairDataset(X, Y)
    _, read = fit_neighbours(trained, dataset, None, Y, seed=0)
    np.testing.assert_array_equal(read, shares)
    np.testing.assert_array_equal(neighbours.disagreement(dataset, None, Y), shares)


def test_odds_are_a_power_of_those_of_disagreement():
    shares = np.array([0.0, 0.3, 0.5, 1.0])
    expected = np.exp(0.2 * np.log((shares + 0.05) / (1.05 - shares)))
    np.testing.assert_allclose(odds_of(shares), expected)


class ByName(torch.nn.Module):
    """A last layer that gets its input by name."""

    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(4, 3).double()

    def forward(self, X):
        return self.last(input=X)


class Folded(ByName):
    """A last layer that sees two rows as one."""

    def __init__(self):
        super().__init__()
        self.last = torch.nn.Linear(4, 3).double()

    def forward(self, X):
        return self.last(X.reshape(-1, 2, 4).transpose(0, 1).reshape(1, -1, 4))[0]


@pytest.mark.parametrize("module", [ByName, Folded])
def test_without_a_last_layer_that_takes_samples_outputs_serve(module):
    net = classifier(module, batch_size=90).initialize()
    with torch.no_grad():
        expected = net.module_(torch.tensor(X)).numpy()
    np.testing.assert_allclose(features(net, X, Y), expected)
