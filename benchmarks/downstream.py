"""What cleaning does for a classifier's accuracy on clean test rows.

    python benchmarks/downstream.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds letter.npz and satimage.npz (keys x, y) and fashion_mnist.npz (x_train,
y_train, x_test, y_test). All classifiers and actions share one ``GEXDetector()`` per
task. ``--sets``, ``--rates``, ``--seeds`` and ``--estimators`` choose parts of the
grid. Runs that are already in the CSV are not repeated. Needs cleanlab (extra
``benchmark``).
"""

import argparse
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import torch
from _data import load_split
from _results import Results, markdown, points
from cleanlab.classification import CleanLearning
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

from skgex import CleanedClassifier, GEXDetector
from skgex.datasets import flip_labels
from skgex.exceptions import SparedRowsWarning

SETS = ("digits", "letter", "satimage", "fashion_mnist")
RATES = (0.0, 0.1, 0.2, 0.4)
ESTIMATORS = {
    "logistic": LogisticRegression(max_iter=200),
    "forest": RandomForestClassifier(random_state=0),
    "boosting": HistGradientBoostingClassifier(random_state=0),
    "mlp": MLPClassifier((256,), max_iter=50, random_state=0),
}
ACTIONS = ("drop", "relabel", "weight")
METHODS = ("noisy", *ACTIONS, "cleanlab", "clean")
COLUMNS = ["accuracy", "acted", "seconds"]


def fits(model, detector, X, y, y_clean, seed):
    """Yield each method and a function that fits it."""
    yield "noisy", lambda: clone(model).fit(X, y)
    yield "clean", lambda: clone(model).fit(X, y_clean)
    yield "cleanlab", lambda: CleanLearning(clone(model), seed=seed).fit(X, y)
    for action in ACTIONS:
        cleaned = CleanedClassifier(model, FrozenEstimator(detector), action=action)
        yield action, lambda cleaned=cleaned: cleaned.fit(X, y)


def run_task(results, task, names, data_dir):
    """Run all methods and the named estimators on one task."""
    missing = [
        name
        for name in names
        if not all(results.has(**task, estimator=name, method=m) for m in METHODS)
    ]
    if not missing:
        return
    seed = task["seed"]
    X, X_test, y, y_test = load_split(task["data"], data_dir, task["n_rows"], seed)
    y_noisy = flip_labels(y, task["rate"], random_state=seed)[0]
    detector = GEXDetector(random_state=seed).fit(X, y_noisy)
    for name in missing:
        model = ESTIMATORS[name]
        for method, fit in fits(model, detector, X, y_noisy, y, seed):
            run = {**task, "estimator": name, "method": method}
            if results.has(**run):
                continue
            start = time.perf_counter()
            fitted = fit()
            seconds = time.perf_counter() - start
            acted = np.mean(getattr(fitted, "acted_mask_", 0.0))
            accuracy = np.mean(fitted.predict(X_test) == y_test)
            results.add(**run, accuracy=accuracy, acted=acted, seconds=seconds)


def paired(results, method, other, tasks, names):
    """Return paired differences of two methods.

    A pair is one data set, noise rate and seed, averaged over the estimators.
    """
    return [
        np.mean(
            [
                results.mean("accuracy", **task, estimator=name, method=method)
                - results.mean("accuracy", **task, estimator=name, method=other)
                for name in names
            ]
        )
        for task in tasks
    ]


def accuracies(results, sets, n_rows, rates, seeds, names):
    """Render mean accuracies per data set, noise rate and estimator."""
    lines = []
    for data, rate, name in product(sets, rates, names):
        run = {"data": data, "n_rows": n_rows, "rate": rate, "estimator": name}
        means = [
            np.mean([results.mean("accuracy", **run, seed=s, method=m) for s in seeds])
            for m in METHODS
        ]
        lines.append([f"{data}, {rate:.0%}, {name}", *(f"{m:.3f}" for m in means)])
    return markdown(["task", *METHODS], lines)


def differences(results, sets, n_rows, rates, seeds, names):
    """Render points of accuracy ahead of noisy training and of cleanlab."""
    lines = []
    for rate in rates:
        tasks = [
            {"data": data, "n_rows": n_rows, "rate": rate, "seed": seed}
            for data, seed in product(sets, seeds)
        ]
        gap = np.mean(paired(results, "clean", "noisy", tasks, names))
        for method in (*ACTIONS, "cleanlab"):
            gain = paired(results, method, "noisy", tasks, names)
            lead = paired(results, method, "cleanlab", tasks, names)
            closed = f"{np.mean(gain) / gap:.0%}" if gap else "-"
            lines.append([f"{rate:.0%}, {method}", points(gain), closed, points(lead)])
    return markdown(["noise, method", "to noisy", "gap closed", "to cleanlab"], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("downstream.csv"))
    parser.add_argument("--quick", action="store_true", help="digits, one seed, 20 %%")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--rates", nargs="+", type=float, default=RATES)
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--estimators", nargs="+", choices=ESTIMATORS)
    parser.add_argument("--n-rows", type=int, default=10_000, help="for training")
    args = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", SparedRowsWarning)  # see the column `acted`
    names = args.estimators or list(ESTIMATORS)
    sets, rates, seeds = args.sets, args.rates, list(args.seeds)
    if args.quick:
        sets, rates, seeds, names = ["digits"], [0.2], [0], names[:2]
    key = ["data", "n_rows", "rate", "seed", "estimator", "method"]
    results = Results(args.out, key, COLUMNS)
    for seed, data, rate in product(seeds, sets, rates):
        task = {"data": data, "n_rows": args.n_rows, "rate": rate, "seed": seed}
        run_task(results, task, names, args.data_dir)
    print(accuracies(results, sets, args.n_rows, rates, seeds, names), end="\n\n")
    print(differences(results, sets, args.n_rows, rates, seeds, names))


if __name__ == "__main__":
    main()
