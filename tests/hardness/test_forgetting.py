"""ForgettingScore, against a loop over recorded correctness."""

import numpy as np
from watched import X, net, trajectory_of, y

from skgex.hardness import ForgettingScore


def count(right):
    """Forgetting events of one row, or all epochs for one that was never learnt."""
    events, known, ever = 0, False, False
    for now in right:
        if known and not now:
            events += 1
        known, ever = now, ever or now
    return events if ever else len(right)


def test_events_are_those_of_a_loop():
    restless = net(lr=2.0, max_epochs=20)
    right = trajectory_of(restless).outputs.argmax(axis=2) == y
    expected = [count(row) for row in right.T]
    assert len(set(expected)) > 3  # lest the test be of nothing
    estimator = ForgettingScore(restless, random_state=0).fit(X, y)
    np.testing.assert_array_equal(estimator.scores_, expected)
    np.testing.assert_array_equal(estimator.learned_, right.any(axis=0))


def test_events_by_hand(monkeypatch):
    """Right, wrong, right, wrong; always right; never right; learnt at last."""
    right = np.array([[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 1, 1]])
    labels = np.array([0, 1, 0, 1])
    predicted = np.where(right.T, labels, 1 - labels)
    record = trajectory_of(net())._replace(outputs=np.eye(3)[predicted] * 9.0)
    monkeypatch.setattr(ForgettingScore, "_record", lambda *args: record)
    estimator = ForgettingScore(net()).fit(X[:4], labels)
    np.testing.assert_array_equal(estimator.scores_, [2, 0, 4, 0])
    np.testing.assert_array_equal(estimator.learned_, [True, True, False, True])
