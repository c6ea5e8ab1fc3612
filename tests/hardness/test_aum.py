"""AUM, against margins written out by hand and by a loop."""

import numpy as np
import pytest
from tiny import Probabilities, binary_classifier, classifier
from torch import nn
from watched import X, net, seeds_of, trajectory_of, y

from skgex._nets.trajectory import train_with_trajectory
from skgex.hardness import AUM


def test_scores_are_minus_the_mean_margins_of_the_logits():
    outputs = trajectory_of(net()).outputs
    expected = []
    for i, label in enumerate(y):
        total = 0.0
        for logits in outputs[:, i]:
            total += logits[label] - max(v for c, v in enumerate(logits) if c != label)
        expected.append(-total / len(outputs))
    scores = AUM(net(), random_state=0).fit(X, y).scores_
    np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_margins_by_hand(monkeypatch):
    """Two epochs, two rows, three classes."""
    logits = np.array([[[3.0, 1, 0], [0, 2, 5]], [[1.0, 4, 0], [0, 3, 1]]])
    record = trajectory_of(net())._replace(outputs=logits)
    monkeypatch.setattr(AUM, "_record", lambda *args: record)
    aum = AUM(net(), random_state=0).fit(X[:2], [0, 1])
    # Row 0 of class 0: 3 - 1 = 2, 1 - 4 = -3. Row 1 of class 1: 2 - 5 = -3, 3 - 1 = 2.
    np.testing.assert_allclose(aum.scores_, [0.5, 0.5])


def test_probabilities_have_the_margins_of_their_logits():
    """A net on softmax and NLLLoss is the same net, written otherwise."""
    logits = AUM(classifier(), random_state=0).fit(X, y).scores_
    other = classifier(Probabilities, criterion=nn.NLLLoss)
    probabilities = AUM(other, random_state=0).fit(X, y).scores_
    np.testing.assert_allclose(logits, probabilities, rtol=1e-6)


def test_a_binary_net_has_the_margin_of_its_logit():
    labels = np.where(y > 0, "b", "a")
    scores = AUM(binary_classifier(), random_state=0).fit(X, labels).scores_
    targets = (y > 0).astype(float)
    record = train_with_trajectory(binary_classifier(), X, targets, seeds_of(0)[0])
    signs = 2 * targets - 1
    np.testing.assert_allclose(scores, -signs * record.outputs.mean(axis=0), rtol=1e-9)


def test_a_frozen_net_has_no_training_to_watch(frozen):
    with pytest.raises(ValueError, match="AUM needs to watch the net's training"):
        AUM(frozen).fit(X, y)
