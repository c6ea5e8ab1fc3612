"""Two Ray processes on this machine against none."""

import os
import secrets
import sys

import pytest
from joblib import Parallel, delayed, parallel_config
from unchanged import check_fit

ray = pytest.importorskip("ray")

WORKERS = {"backend": "ray", "n_jobs": 2}

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cluster")]


@pytest.fixture(scope="module")
def cluster():
    from ray.util.joblib import register_ray

    with pytest.MonkeyPatch.context() as patched:
        # Ray would leave a token in the home folder, and count the use of it.
        patched.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # Workers would give way to all other processes of this machine.
        patched.setenv("RAY_worker_niceness", "0")
        # They must find the modules of the tests.
        patched.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        ray.init(
            num_cpus=2,
            object_store_memory=200 * 2**20,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
        )
        register_ray()
        yield
        ray.shutdown()


def test_jobs_run_in_two_other_processes():
    with parallel_config(**WORKERS):
        processes = set(Parallel()(delayed(os.getpid)() for _ in range(40)))
    assert os.getpid() not in processes
    assert len(processes) == 2


# Few cases: Ray starts new processes, which load torch, for each group of jobs.
@pytest.mark.parametrize(
    ("net", "keep_members"), [("one by one", True), ("default", False)]
)
def test_a_cluster_changes_no_bit(noisy, net, keep_members):
    check_fit(*noisy[:2], net, keep_members, **WORKERS)
