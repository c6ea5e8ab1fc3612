"""How much of the injected label noise each method finds.

    python benchmarks/detection.py --data-dir FOLDER [--quick] [--out FILE]

FOLDER holds letter.npz (keys x, y). Every method gets the same MLP: the one that
``GEXDetector()`` makes for the data, trained for as many epochs as it was there
(EL2N: 5 nets for 10 epochs). Needs cleanlab (extra ``benchmark``). Runs that are in
the CSV already are not run again.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from _data import load
from _results import Results, markdown
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold

from skgex import GEXDetector
from skgex._evaluation import evaluate
from skgex._net import revive, train
from skgex._threshold import threshold_of
from skgex.datasets import flip_labels
from skgex.metrics import detection_report

METHODS = ("GEXDetector()", "plain loss", "EL2N", "cleanlab")
COLUMNS = ["auc", "average_precision", "f1", "estimated_noise_rate", "seconds"]


def gex(X, y, seed):
    """Detect with the default constructor, untouched but for its seed."""
    detector = GEXDetector(random_state=seed).fit(X, y)
    return detector, detector.scores_, detector.noise_mask_


def plain_loss(net, X, y, seed):
    """Rank by the loss of the one trained net, cut by Otsu on its root."""
    scores = evaluate(revive(train(net, X, y, seed)), X, y).losses
    return scores, scores > threshold_of(scores, "otsu")


def el2n(net, X, y, seed):
    """Rank by the error norm, averaged over 5 nets of 10 epochs; cut by Otsu."""
    onehot = np.eye(y.max() + 1)[y]
    norms = [
        np.linalg.norm(
            evaluate(
                revive(train(clone(net).set_params(max_epochs=10), X, y, 5 * seed + k)),
                X,
                y,
            ).outputs
            - onehot,
            axis=1,
        )
        for k in range(5)
    ]
    scores = np.mean(norms, axis=0)
    return scores, scores > threshold_of(scores, "otsu_raw")


def cleanlab(net, X, y, seed):
    """Rank by label quality out of 5 folds, cut by cleanlab's own filter."""
    probabilities = np.empty((len(X), y.max() + 1))
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    for k, (rows, held_out) in enumerate(folds.split(X, y)):
        fitted = revive(train(net, X[rows], y[rows], 5 * seed + k))
        probabilities[held_out] = evaluate(fitted, X[held_out], y[held_out]).outputs
    quality = get_label_quality_scores(y, probabilities)
    return -quality, find_label_issues(y, probabilities, n_jobs=1)


RIVALS = {"plain loss": plain_loss, "EL2N": el2n, "cleanlab": cleanlab}


def run_task(results, name, data_dir, rate, seed):
    """Run all methods on one data set, noise rate and seed."""
    task = {"data": name, "rate": rate, "seed": seed}
    if all(results.has(**task, method=method) for method in METHODS):
        return
    X, y = load(name, data_dir, seed=seed)
    y_noisy, noise_mask = flip_labels(y, rate, random_state=seed)

    def record(method, start, scores, mask):
        report = detection_report(noise_mask, scores, mask)
        report["seconds"] = time.perf_counter() - start
        figures = {column: float(report[column]) for column in COLUMNS}
        if not results.has(**task, method=method):
            results.add(**task, method=method, **figures)

    start = time.perf_counter()
    detector, scores, mask = gex(X, y_noisy, seed)
    record("GEXDetector()", start, scores, mask)
    net = detector.ensemble_.trained.net.set_params(train_split=None)
    for method, function in RIVALS.items():
        start = time.perf_counter()
        scores, mask = function(net, X, y_noisy, seed)
        record(method, start, scores, mask)


def table(results, tasks):
    """Render means over the seeds."""
    lines = []
    for name, rate in tasks:
        for method in METHODS:
            means = [
                results.mean(column, data=name, rate=rate, method=method)
                for column in COLUMNS
            ]
            figures = [f"{m:.3f}" for m in means[:-1]] + [f"{means[-1]:.1f}"]
            lines.append([f"{name}, {rate:.0%}", method, *figures])
    header = ["data, noise", "method", "AUC", "AP", "F1", "estimated rate", "seconds"]
    return markdown(header, lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("detection.csv"))
    parser.add_argument("--quick", action="store_true", help="digits, one seed")
    args = parser.parse_args()
    torch.set_num_threads(1)
    key = ["data", "rate", "seed", "method"]
    results = Results(args.out, key, COLUMNS)
    sets = ["digits"] if args.quick else ["digits", "letter"]
    tasks = [(name, rate) for name in sets for rate in (0.1, 0.3)]
    for seed in range(1 if args.quick else 5):
        for name, rate in tasks:
            run_task(results, name, args.data_dir, rate, seed)
    print(table(results, tasks))


if __name__ == "__main__":
    main()
