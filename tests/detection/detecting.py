"""What the tests of GEXDetector share."""

import math

import numpy as np
from tiny import learner

from skgex import GEXDetector, GEXPruner
from skgex._nets.evaluation import evaluate
from skgex._nets.snapshot import revive
from skgex.influence import GEX

KINDS = [GEX, GEXDetector, GEXPruner]

FAST = {"n_members": 3, "n_steps": 8, "lr": 0.1, "random_state": 0}


def to_the_end(kind):
    """Parameters with which each kind trains its net just once, to the end."""
    return {"early_stopping": False} if kind is GEXDetector else {}


def fit(X, y=None, net=None, **params):
    """Fit a fast detector around a net that learns within a moment."""
    net = learner() if net is None else net
    return GEXDetector(net, **{**FAST, **to_the_end(GEXDetector), **params}).fit(X, y)


def losses_under(detector, weights, X, y):
    """Losses of rows under some weights, in the float32 of the net."""
    net = revive(detector.ensemble_.trained._replace(weights=weights))
    return evaluate(net, X.astype(np.float32), y).losses


def relative(losses, probabilities):
    """Divide mean losses by one plus the bits of entropy, row by row."""
    bits = [-sum(p * math.log2(p) for p in row if p > 0) for row in probabilities]
    return [mean / (1 + b) for mean, b in zip(losses, bits, strict=True)]


def odds(detector, X, y):
    """What structure and neighbours multiply each relative loss by."""
    structure = detector._noise_model.ranking.structure
    shares = detector._neighbours.disagreement(X.astype(np.float32), y, y)
    found = ((shares + 0.05) / (1.05 - shares)) ** 0.2
    if structure is None:
        return found
    for i, (p, label) in enumerate(zip(detector.predict_proba(X), y, strict=True)):
        others = [c for c in range(len(p)) if c != label]
        lift = sum(p[c] * structure.lift[c, label] for c in others)
        found[i] *= (lift / sum(p[c] for c in others)) ** structure.weight
    return found


def statistics(detector):
    """What the fitted rows are ranked by, but for structure and neighbours."""
    return detector._noise_model.ranking.statistics(detector._fitted.evaluation)


def new_rows(data):
    """Rows that fit never saw, and their labels."""
    X, y, _ = data
    return X[::4] + 0.25, y[::4]


def assert_alike(one, other, X, y):
    """Demand the same answers of two estimators, bit for bit on fitted rows."""
    np.testing.assert_array_equal(one.transform(X, y), other.transform(X, y))
    np.testing.assert_array_equal(one.self_influence_, other.self_influence_)
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    new = X[:5] + 1, y[:5]
    np.testing.assert_allclose(one.transform(*new), other.transform(*new), rtol=1e-6)
    names = one.get_feature_names_out()
    np.testing.assert_array_equal(names, other.get_feature_names_out())
