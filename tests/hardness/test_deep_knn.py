"""DeepKNN, against distances of all pairs."""

import numpy as np
import pytest
import torch
from sklearn.frozen import FrozenEstimator
from tiny import MLP
from watched import X, net, trajectory_of, y

import skgex.hardness._deep_knn as module
from skgex.hardness import DeepKNN


def disagreement(features, k):
    """Share of the k nearest other rows with another label, pair by pair."""
    shares = []
    for i, row in enumerate(features):
        nearest = np.square(features - row).sum(axis=1).argsort(kind="stable")
        shares.append(np.mean([y[j] != y[i] for j in nearest[nearest != i][:k]]))
    return np.array(shares)


def features_of(weights, layer):
    module = MLP().eval()
    module.load_state_dict({k: torch.tensor(v) for k, v in weights["module"].items()})
    with torch.no_grad():
        hidden = torch.tanh(module.hidden(torch.tensor(X)))
        return (module.output(hidden) if layer == "logits" else hidden).numpy()


@pytest.mark.parametrize(
    ("layer", "k", "batch"),
    [("logits", 1, 16), ("logits", None, 1024), ("penultimate", 7, 1024)],
)
def test_scores_are_those_of_all_pairs(layer, k, batch, monkeypatch):
    monkeypatch.setattr(module, "BATCH", batch)
    n_neighbors = k or len(y) // 3
    checkpoints = trajectory_of(net(max_epochs=12)).checkpoints
    # Five of the epochs 7 to 12, the last among them.
    expected = np.mean(
        [
            disagreement(features_of(checkpoints[epoch - 1], layer), n_neighbors)
            for epoch in (7, 8, 9, 11, 12)
        ],
        axis=0,
    )
    scorer = DeepKNN(
        net(max_epochs=12), features=layer, n_neighbors=k, random_state=0
    ).fit(X, y)
    assert scorer.n_neighbors_ == n_neighbors
    np.testing.assert_allclose(scorer.scores_, expected)


def test_a_frozen_net_is_its_only_checkpoint():
    trained = net().fit(X, y)
    scores = DeepKNN(FrozenEstimator(trained), n_neighbors=5).fit(X, y).scores_
    logits = trained.forward(X, training=False).numpy()
    np.testing.assert_allclose(scores, disagreement(logits, 5))


def test_a_row_is_no_neighbour_of_itself_among_its_copies():
    """Four copies, one with another label: it sees three of the others."""
    copies = np.r_[np.repeat(X[:1], 4, axis=0), X[1:5] + 9]
    labels = np.array([0, 0, 0, 1, 0, 1, 0, 1])
    scorer = DeepKNN(net(), n_neighbors=3, random_state=0).fit(copies, labels)
    np.testing.assert_allclose(scorer.scores_[:4], [1 / 3, 1 / 3, 1 / 3, 1])


def test_more_neighbours_than_rows_are_refused():
    with pytest.raises(ValueError, match="n_neighbors: must be less than the 60"):
        DeepKNN(net(), n_neighbors=60).fit(X, y)
