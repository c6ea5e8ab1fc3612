"""How time and memory of members grow with one quantity at a time, over a decade."""

from functools import partial

import numpy as np
from _clock import peak_memory, side_by_side
from _speed_tasks import grow_members, make_task

BATCH_SIZE = 128
# Where each decade begins. Nets of 256 hidden units are fine-tuned one by one.
START = {"n_rows": 2048, "n_members": 4, "n_steps": 64, "hidden": 256}
FACTORS = (1, 2.15, 4.64, 10)


def growth_cases(args):
    """Return the measurements: exponents of the time, and peak memory at both ends."""
    return {
        "rows (2 passes)": partial(growth, "n_rows", lambda v: v),
        "members": partial(growth, "n_members", lambda v: v),
        "steps": partial(growth, "n_steps", lambda v: v),
        "parameters": partial(growth, "hidden", n_parameters),
    }


def growth(name, size_of):
    """Measure the decade of one quantity."""
    starts = START[name], 10 * START[name]
    if name == "hidden":
        starts = START[name], 850  # ten times the parameters
    values = np.geomspace(*starts, len(FACTORS)).round().astype(int).tolist()
    tasks = {value: {**START, name: value} for value in values}
    if name == "n_rows":
        for value, task in tasks.items():
            task["n_steps"] = 2 * value // BATCH_SIZE
    ready = {value: prepare(**task) for value, task in tasks.items()}
    seconds, _ = side_by_side(ready, repeats=3)
    sizes, times = [size_of(v) for v in values], [seconds[v] for v in values]
    exponent = np.polyfit(np.log(sizes), np.log(times), 1)[0]
    return {
        "from": sizes[0],
        "to": sizes[-1],
        "seconds at first": times[0],
        "at last": times[-1],
        "exponent": exponent,
        "MiB at first": peak_memory(grow_once, tasks[values[0]]),
        "MiB at last": peak_memory(grow_once, tasks[values[-1]]),
    }


def prepare(n_rows, n_members, n_steps, hidden):
    """Train the net, and return a function that grows its members."""
    trained, X, y = make_task(n_rows, BATCH_SIZE, hidden)
    return partial(grow_members, trained, X, y, n_members, n_steps)


def grow_once(task):
    prepare(**task)()


def n_parameters(hidden):
    """Count the parameters of an MLP with 16 inputs and 10 outputs."""
    return 16 * hidden + hidden**2 + 10 * hidden + 2 * hidden + 10
