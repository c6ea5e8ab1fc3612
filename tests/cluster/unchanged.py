"""A fit on a cluster against one without, bit for bit."""

import numpy as np
from joblib import parallel_config
from tiny import learner

from skgex import GEXDetector

SETTINGS = {"n_members": 10, "n_steps": 6, "lr": 0.1, "random_state": 0}
NETS = {
    "stacked": learner,
    # Members draw from global generators, and change more than parameters.
    "one by one": lambda: learner(module__dropout=0.3, module__batch_norm=True),
    "default": lambda: None,
}


def check_fit(X, y, net, keep_members, **workers):
    """Compare all that members go into, of the fitted rows and of new ones."""
    settings = {**SETTINGS, "keep_members": keep_members}
    alone = GEXDetector(NETS[net](), n_jobs=1, **settings).fit(X, y)
    with parallel_config(**workers):
        detector = GEXDetector(NETS[net](), **settings).fit(X, y)
        new = X[:7] + 1, y[:7]
        if keep_members:
            asked = detector.transform(*new)
            np.testing.assert_array_equal(asked, alone.transform(*new))
    np.testing.assert_array_equal(detector.scores_, alone.scores_)
    np.testing.assert_array_equal(detector.transform(X), alone.transform(X))
    np.testing.assert_array_equal(detector.predict_proba(X), alone.predict_proba(X))
