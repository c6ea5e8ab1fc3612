"""What cleaning does for a classifier on clean test rows.

    python benchmarks/downstream.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds letter.npz and satimage.npz (keys x, y), fashion_mnist.npz (x_train,
y_train, x_test, y_test) and the tables overlap/NAME.csv, whose classes overlap. Of each
classifier there are the accuracy, the balanced accuracy and the log loss in nats. All
classifiers and actions share one ``GEXDetector()`` per task. "drop all" and "weight
all" act on all flagged rows, whatever held-out rows say. ``--sets``, ``--rates``,
``--seeds``, ``--estimators`` and ``--methods`` choose parts of the grid. Runs that are
already in the CSV are not repeated. Needs cleanlab (extra ``benchmark``).
"""

import argparse
import time
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import torch
from _data import OVERLAP, load_split
from _results import Results, markdown, points
from cleanlab.classification import CleanLearning
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neural_network import MLPClassifier

from skgex import CleanedClassifier, GEXDetector
from skgex.datasets import flip_labels
from skgex.exceptions import SparedRowsWarning

SETS = ("digits", "letter", "satimage", "fashion_mnist", *OVERLAP)
RATES = (0.0, 0.1, 0.2, 0.4)
ESTIMATORS = {
    "logistic": LogisticRegression(max_iter=200),
    "forest": RandomForestClassifier(random_state=0),
    "boosting": HistGradientBoostingClassifier(random_state=0),
    "mlp": MLPClassifier((256,), max_iter=50, random_state=0),
}
ACTIONS = ("drop", "relabel", "weight")
# Without any guard but that the scores must stand apart.
UNJUDGED = {"n_folds": None, "max_share_per_class": 1.0}
METHODS = ("noisy", *ACTIONS, "drop all", "weight all", "cleanlab", "clean")
FIGURES = ["accuracy", "balanced_accuracy", "log_loss"]
COLUMNS = [*FIGURES, "log_loss_std", "acted", "gain", "gain_std", "seconds"]


def fits(model, detector, X, y, y_clean, seed):
    """Yield each method and a function that fits it."""
    yield "noisy", lambda: clone(model).fit(X, y)
    yield "clean", lambda: clone(model).fit(X, y_clean)
    yield "cleanlab", lambda: CleanLearning(clone(model), seed=seed).fit(X, y)
    frozen = FrozenEstimator(detector)
    for action in ACTIONS:
        cleaned = CleanedClassifier(model, frozen, action=action)
        yield action, lambda cleaned=cleaned: cleaned.fit(X, y)
    for action in ("drop", "weight"):
        cleaned = CleanedClassifier(model, frozen, action=action, **UNJUDGED)
        yield f"{action} all", lambda cleaned=cleaned: cleaned.fit(X, y)


def run_task(results, task, names, methods, data_dir):
    """Run some methods and the named estimators on one task."""
    missing = [
        name
        for name in names
        if not all(results.has(**task, estimator=name, method=m) for m in methods)
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
            if method not in methods or results.has(**run):
                continue
            start = time.perf_counter()
            fitted = fit()
            seconds = time.perf_counter() - start
            results.add(**run, **figures(fitted, X_test, y_test), seconds=seconds)


def figures(fitted, X, y):
    """Return the figures of a fitted classifier on test rows."""
    labels = fitted.predict(X)
    losses = label_losses(fitted, X, y)
    return {
        "accuracy": np.mean(labels == y),
        "balanced_accuracy": balanced_accuracy_score(y, labels),
        "log_loss": np.mean(losses),
        "log_loss_std": np.std(losses) / np.sqrt(len(y)),
        "acted": np.mean(getattr(fitted, "acted_mask_", 0.0)),
        "gain": getattr(fitted, "gain_", np.nan),
        "gain_std": getattr(fitted, "gain_std_", np.nan),
    }


def label_losses(fitted, X, y):
    """Return minus the log of each label's probability, as scikit-learn's log_loss."""
    probabilities = fitted.predict_proba(X)
    # Without guards, cleaning may drop all rows of a class.
    if isinstance(fitted, CleanedClassifier):
        fitted = fitted.estimator_
    elif isinstance(fitted, CleanLearning):
        fitted = fitted.clf
    matches = fitted.classes_ == y[:, None]
    least = np.finfo(probabilities.dtype).eps
    return -np.log(np.maximum((probabilities * matches).sum(axis=1), least))


def paired(results, figure, method, other, tasks, names):
    """Return paired differences of two methods.

    A pair is one data set, noise rate and seed, averaged over the estimators.
    """
    return [
        np.mean(
            [
                results.mean(figure, **task, estimator=name, method=method)
                - results.mean(figure, **task, estimator=name, method=other)
                for name in names
            ]
        )
        for task in tasks
    ]


def table(results, figure, sets, n_rows, rates, seeds, names, methods):
    """Render the means of a figure per data set, noise rate and estimator."""
    lines = []
    for data, rate, name in product(sets, rates, names):
        run = {"data": data, "n_rows": n_rows, "rate": rate, "estimator": name}
        means = [
            np.mean([results.mean(figure, **run, seed=s, method=m) for s in seeds])
            for m in methods
        ]
        lines.append([f"{data}, {rate:.0%}, {name}", *(f"{m:.3f}" for m in means)])
    return markdown([figure, *methods], lines)


def differences(results, sets, n_rows, rates, seeds, names, methods):
    """Render points of accuracy ahead of noisy training, and log loss below it."""
    lines = []
    for rate in rates:
        tasks = [
            {"data": data, "n_rows": n_rows, "rate": rate, "seed": seed}
            for data, seed in product(sets, seeds)
        ]
        gap = np.mean(paired(results, "accuracy", "clean", "noisy", tasks, names))
        for method in methods:
            gain = paired(results, "accuracy", method, "noisy", tasks, names)
            loss = np.mean(paired(results, "log_loss", "noisy", method, tasks, names))
            closed = f"{np.mean(gain) / gap:.0%}" if gap else "-"
            name = f"{rate:.0%}, {method}"
            lines.append([name, points(gain), closed, f"{loss:+.3f}"])
    return markdown(["noise, method", "to noisy", "gap closed", "log loss won"], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("downstream.csv"))
    parser.add_argument("--quick", action="store_true", help="digits, one seed, 20 %%")
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--rates", nargs="+", type=float, default=RATES)
    parser.add_argument("--seeds", nargs="+", type=int, default=range(5))
    parser.add_argument("--estimators", nargs="+", choices=ESTIMATORS)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
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
        run_task(results, task, names, args.methods, args.data_dir)
    grid = sets, args.n_rows, rates, seeds, names, args.methods
    for figure in FIGURES:
        print(table(results, figure, *grid), end="\n\n")
    print(differences(results, *grid))


if __name__ == "__main__":
    main()
