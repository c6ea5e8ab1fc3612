"""Timing on a shared machine: processor time, side by side, medians of repeats."""

import multiprocessing
import statistics
import time
from pathlib import Path

import torch


def side_by_side(functions, repeats=7):
    """Return the median seconds of processor time that each function takes.

    Parameters
    ----------
    functions : dict of callable
        Called in turn, so that what disturbs one disturbs the others too.
    repeats : int
        Rounds, after one that is not counted.

    Returns
    -------
    seconds : dict of float
        Medians over the rounds.
    ratios : dict of float
        Medians over the rounds of what each took over what the first took.
    """
    rounds = [
        {name: _seconds(function) for name, function in functions.items()}
        for _ in range(repeats + 1)
    ][1:]
    first = next(iter(functions))
    return (
        {name: statistics.median(r[name] for r in rounds) for name in functions},
        {
            name: statistics.median(r[name] / r[first] for r in rounds)
            for name in functions
        },
    )


def matrix_product_rate(size, n_threads):
    """Return the giga floating-point operations per second of float32 products."""
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    a, b = torch.randn(size, size), torch.randn(size, size)
    n_products = max(1, int(2e9 / size**3))
    rates = []
    for _ in range(9):
        start = time.perf_counter()  # processor time would add up both threads
        for _ in range(n_products):
            a @ b
        rates.append(2e-9 * size**3 * n_products / (time.perf_counter() - start))
    torch.set_num_threads(before)
    return statistics.median(rates)


def peak_memory(function, *arguments):
    """Return the MiB by which a separate process grows while it calls the function."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_grown_by, (function, arguments))


def _seconds(function):
    start = time.process_time()
    function()
    return time.process_time() - start


def _grown_by(function, arguments):
    torch.set_num_threads(1)
    before = peak()
    function(*arguments)
    return peak() - before


def peak(anew=False):
    """Read the most MiB that this process held, ever or from now on (Linux).

    ``ru_maxrss`` would not do: a process inherits its parent's value.
    """
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) / 1024
