"""How time and memory grow with the rows, after a fit and in it.

    python benchmarks/scaling.py [--parts PART ...] [--sizes N ...] [--out FILE]

Parts:
    look-up     digest rows with their labels, and find each in another order
    neighbours  find the neighbours of all rows by 128 features
    after fit   predict, explain (100 rows), issues and summary of a fit without
                neighbours, to 8 members of 20 steps
    fit         GEXDetector(), all defaults
    rates       what a row costs the default MLP, and an image of 224 x 224 a ResNet of
                18 layers: training and evaluation

Rows have 100 columns and 10 classes, and all run on one thread. Seconds are processor
time, which other work on the machine disturbs less than wall-clock time. MiB are what
the process grows by at its peak, data not included. What is already in the CSV is not
measured again.
"""

import argparse
import gc
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _clock import peak
from _nets import ResNet18
from _results import Results, markdown
from _speed_tasks import make_task
from sklearn.frozen import FrozenEstimator

from skgex import GEXDetector
from skgex._data.row_index import RowIndex
from skgex._ensemble.ensemble import evaluate_trained
from skgex._nets.default_net import make_default_net
from skgex._nets.snapshot import revive
from skgex._nets.training import train
from skgex.detection._neighbours import MAX_ROWS, fit_neighbours

N_FEATURES, N_CLASSES, HIDDEN, BATCH_SIZE = 100, 10, 128, 128
N_EXPLAINED = 100
SIZES = (1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
# Beyond this a part takes more than some minutes.
LARGEST = {"neighbours": 100_000, "fit": 30_000}
# From here on a sample of the rows stands for all.
SAMPLED = {"neighbours": MAX_ROWS}


def make_rows(n):
    """Return rows whose label is the largest of ten columns, a tenth of them wrong."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, N_FEATURES), dtype=np.float32)
    y = X[:, :N_CLASSES].argmax(axis=1)
    wrong = rng.random(n) < 0.1
    y[wrong] = rng.integers(0, N_CLASSES, wrong.sum())
    return X, y


def small_net():
    """Return the trained MLP that rows are shown to."""
    return make_task(1024, BATCH_SIZE, HIDDEN, N_FEATURES)[0]


def look_up(n):
    X, y = make_rows(n)
    order = np.random.default_rng(1).permutation(n)
    shuffled = X[order], y[order]

    def run():
        RowIndex(X, y, np.dtype(np.float32)).find(*shuffled)

    return {"look-up": run}


def neighbours(n):
    X, y = make_rows(n)
    return {"neighbours": partial(fit_neighbours, small_net(), X, y, y, 0)}


def after_fit(n):
    X, y = make_rows(n)
    detector = GEXDetector(
        FrozenEstimator(revive(small_net())),
        n_steps=20,
        lr=0.1,
        statistic="mean_loss",
        random_state=0,
    ).fit(X, y)
    return {
        "predict": partial(detector.predict, X, y),
        "explain": partial(detector.explain, np.arange(N_EXPLAINED)),
        "issues": detector.issues,
        "summary": detector.summary,
    }


def fit(n):
    return {"fit": partial(GEXDetector(random_state=0).fit, *make_rows(n))}


GROWTH = {
    "look-up": look_up,
    "neighbours": neighbours,
    "after fit": after_fit,
    "fit": fit,
}


def rates():
    """Return what to time, and how many rows or images it is shown."""
    n = 32 * BATCH_SIZE
    X, y = make_rows(n)
    net = make_default_net(X, N_CLASSES).set_params(max_epochs=1)
    trained = train(net, X, y, 0)
    image_net, images = ResNet18(1000), torch.randn(8, 3, 224, 224)

    def train_on_images():
        image_net.train()(images).sum().backward()

    def show_images():
        with torch.no_grad():
            image_net.eval()(images)

    return {
        "MLP, training": (partial(train, net, X, y, 0), n),
        "MLP, evaluation": (partial(evaluate_trained, trained, X, y), n),
        "ResNet, training": (train_on_images, len(images)),
        "ResNet, evaluation": (show_images, len(images)),
    }


def measure(task):
    """Return seconds, and the MiB by which the process grows."""
    gc.collect()
    before = peak(anew=True)
    start = time.process_time()
    task()
    return time.process_time() - start, peak() - before


def add_rates(results):
    """Time each rate: the median of five turns."""
    if results.has(part="MLP, training", n=32 * BATCH_SIZE):
        return
    for name, (task, n) in rates().items():
        task()
        seconds = np.median([measure(task)[0] for _ in range(5)])
        results.add(part=name, n=n, seconds=seconds, MiB=np.nan)


def exponent(part, runs):
    """Return the slope of the logarithm of the seconds over the last decade of rows."""
    first = max(runs[-1][0] / 11, SAMPLED.get(part, 0))
    n, seconds = np.array([run for run in runs if run[0] >= first]).T[:2]
    return np.polyfit(np.log(n), np.log(seconds), 1)[0]


def growth_table(results):
    """Render seconds by rows, the exponent of the last decade, and bytes per row."""
    parts = {}
    for row in results.rows:
        if row["MiB"] != "nan":
            run = int(row["n"]), float(row["seconds"]), float(row["MiB"])
            parts.setdefault(row["part"], []).append(run)
    sizes = sorted({run[0] for runs in parts.values() for run in runs})
    lines = []
    for part, runs in parts.items():
        runs.sort()
        seconds = {n: f"{s:.3g}" for n, s, _ in runs}
        (n, _, mib) = runs[-1]
        ends = [f"{exponent(part, runs):.2f}", f"{mib * 2**20 / n:,.0f}"]
        lines.append([part, *(seconds.get(size, "") for size in sizes), *ends])
    header = ["rows", *(f"{n:,}" for n in sizes), "exponent", "bytes per row"]
    return markdown(header, lines)


def rates_table(results):
    """Render what one row or image takes, in microseconds, and how many a second."""
    lines = [
        [row["part"], f"{1e6 * cost:,.1f}", f"{1 / cost:,.0f}"]
        for row in results.rows
        if row["MiB"] == "nan"
        for cost in [float(row["seconds"]) / int(row["n"])]
    ]
    return markdown(["one row or image", "microseconds", "per second"], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("scaling.csv"))
    parts = [*GROWTH, "rates"]
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    args = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(args.out, ["part", "n"], ["seconds", "MiB"])
    warnings.simplefilter("ignore")  # of nets that learnt little
    if "rates" in args.parts:
        add_rates(results)
    for part in [part for part in args.parts if part in GROWTH]:
        for task in GROWTH[part](100).values():
            task()  # loads what is loaded once
        first = {"after fit": "predict"}.get(part, part)
        for n in args.sizes:
            if n > LARGEST.get(part, n) or results.has(part=first, n=n):
                continue
            for name, task in GROWTH[part](n).items():
                seconds, mib = measure(task)
                results.add(part=name, n=n, seconds=seconds, MiB=mib)
    print(growth_table(results), end="\n\n")
    print(rates_table(results))


if __name__ == "__main__":
    main()
