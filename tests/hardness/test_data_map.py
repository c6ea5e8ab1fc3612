"""DataMap, against loops over the recorded epochs."""

import numpy as np
from watched import ROWS, X, net, softmax, trajectory_of, y

from skgex.hardness import DataMap


def test_the_map_is_that_of_a_loop():
    probabilities = [softmax(logits) for logits in trajectory_of(net()).outputs]
    given = np.array([p[ROWS, y] for p in probabilities])
    right = np.array([p.argmax(axis=1) == y for p in probabilities])
    data_map = DataMap(net(), random_state=0).fit(X, y)
    np.testing.assert_allclose(data_map.confidence_, sum(given) / len(given))
    spread = np.sqrt(sum((given - sum(given) / len(given)) ** 2) / len(given))
    np.testing.assert_allclose(data_map.variability_, spread, rtol=1e-6)
    np.testing.assert_allclose(data_map.correctness_, sum(right) / len(right))
    np.testing.assert_allclose(data_map.scores_, -data_map.confidence_)


def test_margins_are_those_of_a_loop():
    total = np.zeros(len(y))
    outputs = trajectory_of(net()).outputs
    for probabilities in map(softmax, outputs):
        for i, label in enumerate(y):
            others = np.delete(probabilities[i], label)
            total[i] += probabilities[i, label] - others.max()
    scores = DataMap(net(), statistic="margin", random_state=0).fit(X, y).scores_
    np.testing.assert_allclose(scores, -total / len(outputs), rtol=1e-9)
