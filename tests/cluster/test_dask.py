"""Two Dask processes on this machine against none."""

import os

import numpy as np
import pytest
from joblib import parallel_config
from tiny import learner

from skgex import GEXDetector
from skgex._utils.parallel import run

distributed = pytest.importorskip("distributed")

SETTINGS = {"n_members": 10, "n_steps": 6, "lr": 0.1, "random_state": 0}
NETS = {
    "stacked": learner,
    "one by one": lambda: learner(module__dropout=0.3, module__batch_norm=True),
    "default": lambda: None,
}
RECEIVED = []


@pytest.fixture(scope="module")
def cluster():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        yield client


def receive(X, job):
    """Hold on to what comes, lest a second copy take the place of the first."""
    RECEIVED.append(X)
    return os.getpid(), {id(one) for one in RECEIVED}, float(X[job].sum())


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_data_reach_each_worker_once():
    X = np.random.RandomState(0).standard_normal((200, 1000))
    jobs = [(X, job) for job in range(40)]
    with parallel_config(backend="dask"):
        answers = list(run(receive, jobs))
    workers = {process for process, _, _ in answers}
    assert os.getpid() not in workers
    assert len(workers) == 2
    assert all(len(copies) == 1 for _, copies, _ in answers)
    np.testing.assert_array_equal([s for _, _, s in answers], X[:40].sum(axis=1))


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("keep_members", [True, False])
@pytest.mark.parametrize("net", NETS)
def test_a_cluster_changes_no_bit(noisy, net, keep_members):
    X, y, _ = noisy
    settings = {**SETTINGS, "keep_members": keep_members}
    alone = GEXDetector(NETS[net](), n_jobs=1, **settings).fit(X, y)
    with parallel_config(backend="dask"):
        detector = GEXDetector(NETS[net](), **settings).fit(X, y)
        new = X[:7] + 1, y[:7]
        if keep_members:
            asked = detector.transform(*new)
            np.testing.assert_array_equal(asked, alone.transform(*new))
    np.testing.assert_array_equal(detector.scores_, alone.scores_)
    np.testing.assert_array_equal(detector.transform(X), alone.transform(X))
    np.testing.assert_array_equal(detector.predict_proba(X), alone.predict_proba(X))


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_chosen_rate_is_the_same(noisy):
    X, y, _ = noisy
    settings = {**SETTINGS, "n_members": 2, "lr": "auto"}
    alone = GEXDetector(learner(), n_jobs=1, **settings).fit(X, y)
    with parallel_config(backend="dask"):
        detector = GEXDetector(learner(), **settings).fit(X, y)
    assert detector.lr_ == alone.lr_
    np.testing.assert_array_equal(detector.scores_, alone.scores_)
