"""Independent jobs through joblib, with a progress bar, in their given order."""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import ThreadpoolController
from tqdm.auto import tqdm


def run(
    function: Callable,
    jobs: Iterable[tuple],
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
    description: str | None = None,
) -> Iterator[Any]:
    """Yield ``function(*job)`` for every job, each as soon as it is its turn.

    Every job computes on one thread, for two reasons: the sums of a matrix product
    depend on the number of threads, and results must not depend on ``n_jobs``; and
    jobs side by side must not fight over the cores. Jobs in threads agree with those
    in processes as well, since threads that draw take turns (``_random.seeded``).
    """
    jobs = list(jobs)
    streams = getattr(get_active_backend()[0], "supports_return_generator", False)
    parallel = Parallel(
        n_jobs=n_jobs, return_as="generator" if streams else "list", pre_dispatch="all"
    )
    # Arguments one by one: Dask sends a large one to each worker once, a tuple not.
    results = parallel(delayed(_on_one_thread)(function, *job) for job in jobs)
    yield from tqdm(results, total=len(jobs), desc=description, disable=verbose < 1)


def _on_one_thread(function: Callable, *arguments: Any) -> Any:
    with _thread_pools(len(sys.modules)).limit(limits=1):
        return function(*arguments)


@lru_cache(maxsize=1)
def _thread_pools(n_modules: int) -> ThreadpoolController:
    """Look through the libraries of this process, anew when imports may have added.

    It takes milliseconds, which jobs of small nets would notice.
    """
    return ThreadpoolController()
