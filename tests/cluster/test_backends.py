"""Backends of joblib on one machine against none."""

import numpy as np
import pytest
from joblib import parallel_config
from tiny import learner

from skgex import GEXDetector
from skgex._utils.parallel import run

SETTINGS = {"n_members": 10, "n_steps": 6, "lr": 0.1, "random_state": 0}
SLOW = pytest.mark.slow
BACKENDS = [
    "threading",
    pytest.param("loky", marks=SLOW),
    pytest.param("multiprocessing", marks=SLOW),
]
NETS = {
    "stacked": {},
    # Members draw from global generators, and change more than parameters.
    "one by one": {"module__dropout": 0.3, "module__batch_norm": True},
}


@pytest.mark.parametrize("max_samples", [1.0, 0.5])
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_no_backend_changes_a_bit(noisy, backend, net, max_samples):
    X, y, _ = noisy
    settings = {**SETTINGS, "max_samples": max_samples}
    alone = GEXDetector(learner(**NETS[net]), n_jobs=1, **settings).fit(X, y)
    with parallel_config(backend=backend, n_jobs=2):
        detector = GEXDetector(learner(**NETS[net]), **settings).fit(X, y)
        asked = detector.transform(X[:7] + 1, y[:7])
    np.testing.assert_array_equal(detector.scores_, alone.scores_)
    np.testing.assert_array_equal(detector.transform(X), alone.transform(X))
    np.testing.assert_array_equal(asked, alone.transform(X[:7] + 1, y[:7]))


def file_of(X, job):
    """Return where the data are mapped from."""
    return X.filename, float(X[job].sum())


@pytest.mark.slow
def test_processes_share_one_map_of_the_data():
    X = np.random.RandomState(0).standard_normal((300, 1000))
    answers = list(run(file_of, [(X, job) for job in range(20)], n_jobs=2))
    assert len({file for file, _ in answers}) == 1
    np.testing.assert_array_equal([s for _, s in answers], X[:20].sum(axis=1))
