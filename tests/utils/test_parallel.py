import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import sklearn
import threadpoolctl
import torch
from joblib import parallel_config
from threadpoolctl import threadpool_info, threadpool_limits

from skgex._utils import parallel as _parallel
from skgex._utils.parallel import one_thread, run


def power(base, exponent):
    return base**exponent


def product(seed):
    """Depends on the number of torch's threads in its last bits."""
    left, right = torch.rand(2, 300, 300, generator=torch.Generator().manual_seed(seed))
    values = (left @ right).numpy()
    time.sleep(0.02 * (seed % 3))  # so that jobs in threads do not end together
    return values, torch.get_num_threads()


def asserted_finite():
    return sklearn.get_config()["assume_finite"]


def fail():
    raise ZeroDivisionError("on purpose")


@pytest.mark.parametrize("n_jobs", [None, 1, pytest.param(2, marks=pytest.mark.slow)])
def test_results_come_in_the_order_of_the_jobs(n_jobs):
    jobs = [(i, 2) for i in range(7)]
    assert list(run(power, iter(jobs), n_jobs=n_jobs)) == [i**2 for i in range(7)]


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_every_backend_gives_the_same_on_one_thread(backend):
    jobs = [(seed,) for seed in range(6)]
    alone = list(run(product, jobs))
    with parallel_config(backend=backend, n_jobs=2):
        together = list(run(product, jobs))
    for (values, _), (others, n_threads) in zip(alone, together, strict=True):
        np.testing.assert_array_equal(values, others)
        assert n_threads == 1


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_limits_are_lifted_afterwards(backend):
    with threadpool_limits(limits=2):
        with parallel_config(backend=backend, n_jobs=2):
            list(run(product, [(seed,) for seed in range(6)]))
        assert torch.get_num_threads() == 2
        assert {pool["num_threads"] for pool in threadpool_info()} == {2}


def n_threads_of_blas():
    return {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}


def test_limits_need_no_right_of_a_thread(monkeypatch):
    """threadpoolctl before 3.8 knows of none."""
    library = SimpleNamespace(**vars(threadpoolctl))
    library.OpenBLASController = object
    monkeypatch.setattr(_parallel, "threadpoolctl", library)
    with threadpool_limits(limits=2):
        with one_thread():
            assert n_threads_of_blas() == {1}
        assert n_threads_of_blas() == {2}


@pytest.mark.parametrize("ends_first", [0, 1])
def test_limits_hold_until_the_last_of_two_threads_ends(ends_first):
    inside, may_end = threading.Barrier(3), [threading.Event(), threading.Event()]

    def work(i):
        with one_thread():
            inside.wait(timeout=60)
            may_end[i].wait(timeout=60)
            return n_threads_of_blas(), torch.get_num_threads()

    with threadpool_limits(limits=2), ThreadPoolExecutor(2) as threads:
        jobs = [threads.submit(work, i) for i in range(2)]
        inside.wait(timeout=60)
        for i in (ends_first, 1 - ends_first):
            assert n_threads_of_blas() == {1}
            may_end[i].set()
            assert jobs[i].result(timeout=60) == ({1}, 1)
        assert n_threads_of_blas() == {2}


def test_libraries_are_searched_again_only_after_imports(monkeypatch):
    looked = []

    class Counted(threadpoolctl.ThreadpoolController):
        def __init__(self):
            looked.append(len(sys.modules))
            super().__init__()

    monkeypatch.setattr(threadpoolctl, "ThreadpoolController", Counted)
    _parallel._thread_pools.cache_clear()
    list(run(power, [(i, 2) for i in range(5)]))
    assert len(looked) == 1
    monkeypatch.setitem(sys.modules, "brings_a_library", ModuleType("late"))
    list(run(power, [(i, 2) for i in range(5)]))
    assert len(looked) == 2


def test_results_stream_as_they_are_made():
    made = []
    results = run(made.append, [(i,) for i in range(5)])
    next(results)
    assert len(made) < 5


def test_configuration_of_scikit_learn_goes_along():
    with sklearn.config_context(assume_finite=True):
        assert list(run(asserted_finite, [(), ()], n_jobs=2)) == [True, True]


def test_errors_come_through():
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        list(run(fail, [()]))


def count_up(_, n_results):
    """Return results as joblib does: one by one, and told when to stop."""
    try:
        yield from range(n_results)
    finally:
        count_up.ended = True


def test_jobs_end_with_an_interrupt_although_its_traceback_is_held(monkeypatch):
    """In a notebook the last one is, so that nothing is collected as garbage."""
    monkeypatch.setattr(
        _parallel, "Parallel", lambda **_: lambda jobs: count_up(jobs, 5)
    )
    monkeypatch.setattr(count_up, "ended", False, raising=False)
    results = run(power, [(2, 2)] * 5)
    assert next(results) == 0
    with pytest.raises(KeyboardInterrupt) as held:
        results.throw(KeyboardInterrupt)
    assert count_up.ended
    assert held.traceback
