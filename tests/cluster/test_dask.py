"""Two Dask processes on this machine against none."""

import os
import signal

import numpy as np
import pytest
from joblib import parallel_config
from tiny import MLP, learner
from unchanged import NETS, SETTINGS, check_fit

from skgex import GEXDetector
from skgex._utils.parallel import run

distributed = pytest.importorskip("distributed")

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
    check_fit(*noisy[:2], net, keep_members, backend="dask")


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


class Mortal(MLP):
    """Kills the worker that trains it, once."""

    def __init__(self, main, grave, **kwargs):
        super().__init__(**kwargs)
        self.main, self.grave = main, grave

    def forward(self, X):
        """Return logits."""
        if (
            self.training
            and os.getpid() != self.main
            and not os.path.exists(self.grave)
        ):
            with open(self.grave, "w"):
                os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(X)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="no signals")
@pytest.mark.usefixtures("cluster")
def test_members_of_a_killed_worker_are_made_again(noisy, tmp_path):
    X, y, _ = noisy
    grave = tmp_path / "grave"
    own = {"module": Mortal, "module__main": os.getpid(), "module__grave": str(grave)}
    net = learner(module__dropout=0.3, module__batch_norm=True).set_params(**own)
    alone = GEXDetector(net, n_jobs=1, **SETTINGS).fit(X, y)
    assert not grave.exists()
    with parallel_config(backend="dask"):
        detector = GEXDetector(net, **SETTINGS).fit(X, y)
    assert grave.exists()
    np.testing.assert_array_equal(detector.scores_, alone.scores_)
