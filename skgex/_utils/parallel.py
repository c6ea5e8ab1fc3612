"""Independent jobs through joblib, in the order they are given."""

import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import threadpoolctl
import torch
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed

from skgex._utils.progress import steps

# Whether the current thread is inside ``one_thread``.
_LIMITED = threading.local()


def run(
    function: Callable,
    jobs: Iterable[tuple],
    *,
    n_jobs: int | None = None,
) -> Iterator[Any]:
    """Yield ``function(*job)`` for every job, in order, as soon as each is there.

    Every job computes on one thread, for two reasons. The sums of a matrix product
    depend on the number of threads, and results must not depend on ``n_jobs``. And jobs
    that run at the same time must not compete for the cores.

    Jobs in threads give the same results as jobs in processes, because
    :func:`skgex._utils.random.seeded` lets one thread draw at a time.

    Parameters
    ----------
    function : callable
        Of a job's elements as arguments; for processes it must be picklable.
    jobs : iterable of tuple
    n_jobs : int or None, default=None
        Jobs at the same time, as joblib takes it.

    Yields
    ------
    result : object
        What the function returns.
    """
    jobs = list(jobs)
    streams = getattr(get_active_backend()[0], "supports_return_generator", False)
    parallel = Parallel(
        n_jobs=n_jobs,
        return_as="generator" if streams else "list",
        pre_dispatch="all",
        # Large arrays are mapped from files, which nobody writes to. torch warns of
        # memory that it may not write to.
        mmap_mode="c",
    )
    # Not one tuple: Dask sends a large argument to each worker only once, if it stands
    # by itself.
    results = parallel(delayed(_on_one_thread)(function, *job) for job in jobs)
    with _aborting(results), steps("jobs", len(jobs)) as reach:
        for done, result in enumerate(results, 1):
            reach(done)
            yield result


@contextmanager
def _aborting(results: Any) -> Iterator[None]:
    """End all jobs if their results are not wanted any more, as after an interrupt.

    joblib would do so once the results are collected as garbage, which a traceback that
    somebody holds puts off: a notebook holds the last one.
    """
    try:
        yield
    except BaseException:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib warns of jobs that did not end
            getattr(results, "close", list)()
        raise


def _on_one_thread(function: Callable, *arguments: Any) -> Any:
    with one_thread():
        return function(*arguments)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread for a while, in all libraries, and then as before.

    The last bits of a sum depend on the number of threads, and training makes whole
    digits of them. Inside another ``one_thread`` it does nothing, and costs nothing.
    """
    if getattr(_LIMITED, "here", False):
        yield
        return
    pools = _thread_pools(len(sys.modules))
    n_threads = torch.get_num_threads()
    with pools.select(user_api="openmp").limit(limits=1):
        _LIMITED.here = True
        _WholeProcess.enter(pools, n_threads)
        try:
            yield
        finally:
            _LIMITED.here = False
            _WholeProcess.leave()


class _WholeProcess:
    """The limits that hold for all threads: on BLAS, and on torch, which has its own.

    The first thread to enter sets them, and the last to leave lifts them: otherwise one
    that leaves earlier would lift them for the others, and the last would restore what
    it found, which were the limits.
    """

    lock = threading.Lock()
    n_inside = 0
    lift: Callable[[], None]

    @classmethod
    def enter(cls, pools: threadpoolctl.ThreadpoolController, n_threads: int) -> None:
        """Compute on one thread, and remember on how many before."""
        with cls.lock:
            if cls.n_inside == 0:
                _let_any_thread_limit_openblas()
                blas = pools.select(user_api="blas").limit(limits=1)

                def lift() -> None:
                    _let_any_thread_limit_openblas()
                    blas.restore_original_limits()
                    _let_any_thread_limit_openblas()
                    torch.set_num_threads(n_threads)

                cls.lift = lift
            cls.n_inside += 1
            torch.set_num_threads(1)

    @classmethod
    def leave(cls) -> None:
        """Compute on as many threads as before, if this was the last to leave."""
        with cls.lock:
            cls.n_inside -= 1
            if cls.n_inside == 0:
                cls.lift()


def _let_any_thread_limit_openblas() -> None:
    """Take the right to limit OpenBLAS from the thread that has it.

    threadpoolctl 3.8 ignores the limits of all threads but the first, as long as that
    one lives.
    """
    take = getattr(threadpoolctl.OpenBLASController, "clear_controlling_thread", None)
    if take is not None:
        take(force=True)


@lru_cache(maxsize=1)
def _thread_pools(n_modules: int) -> threadpoolctl.ThreadpoolController:
    """Find the thread pools of all libraries that this process has loaded.

    That takes milliseconds, too long for each job of a small net. The result is cached
    until more modules are imported, which may have loaded another library.
    """
    return threadpoolctl.ThreadpoolController()
