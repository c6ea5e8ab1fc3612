"""How much of the label noise each method finds.

    python benchmarks/detection.py --data-dir FOLDER [--quick] [--out FILE]

Parts:
    tables  digits and seven UCI sets (FOLDER/NAME.npz, keys x, y), at most 4,000 rows
    text    Hausa headlines (hausa_headlines.npz), labelled by rules
    images  MNIST and Fashion-MNIST (NAME.npz, keys x_train, ...), 10,000 rows
    long    digits, letter and the images, with an MLP that is trained for 40 epochs
    conv    the images, with a small conv net
    cifar   CIFAR-10 (cifar10.npz) with the worst labels by people (cifar10n.npz),
            10,000 rows, with a small ResNet, with and without augmentation
    cifar-less   the same, with the better labels by people
    cifar-flips  the same without augmentation, with flipped labels

10 % or 30 % of the labels of tables and images are flipped: evenly to other classes, to
the next class, or where a linear model doubts them. Every method gets the same net and
number of epochs. The net is the default net of ``GEXDetector()``, or one that a user
would bring, which ``GEXDetector(net)`` may stop before its last epoch. Needs cleanlab
(extra ``benchmark``). Runs that are already in the CSV are not repeated.
"""

import argparse
import warnings
from itertools import product
from pathlib import Path

import numpy as np
import torch
from _detection_methods import METHODS, UNSTOPPED, run, top_precision
from _detection_tasks import PARTS, Task, suite
from _results import Results, markdown

from skgex.exceptions import MemorisationWarning
from skgex.metrics import detection_report

COLUMNS = [
    "auc",
    "average_precision",
    "f1",
    "noise_rate",
    "estimated_noise_rate",
    "top_precision",
    "seconds",
]
# How far behind the best a method may be and still count as first.
NEAR = 0.005


def run_task(results, task, methods, data_dir):
    """Run the methods of one task that are not in the CSV."""
    missing = {m for m in methods if not results.has(**task._asdict(), method=m)}
    if not missing:
        return
    X, y, noise_mask, net = task.make(data_dir)
    for method, scores, mask, seconds in run(X, y, net, task.seed, missing):
        if method not in missing:
            continue
        report = detection_report(noise_mask, scores, mask)
        report |= {
            "top_precision": top_precision(noise_mask, scores),
            "seconds": seconds,
        }
        figures = {column: float(report[column]) for column in COLUMNS}
        results.add(**task._asdict(), method=method, **figures)


def by_noise(task):
    """Name a task by its noise only."""
    return f"{task.noise} {task.rate:.0%}"


def by_data(task):
    """Name a task by its data set only."""
    return task.data


def matrix(results, tasks, methods, column, name=str):
    """Return means over tasks of the same name, a column per method, and the names."""
    lines = {}
    for task in tasks:
        runs = [results.mean(column, **task._asdict(), method=m) for m in methods]
        lines.setdefault(name(task), []).append(runs)
    return np.array([np.mean(runs, axis=0) for runs in lines.values()]), list(lines)


def ranks(precisions):
    """Return each method's rank in each task; 1 is best, and ties share their mean."""
    better = precisions[:, :, None] < precisions[:, None, :]
    equal = precisions[:, :, None] == precisions[:, None, :]
    return 1 + better.sum(axis=2) + (equal.sum(axis=2) - 1) / 2


def summary(results, tasks, methods):
    """Render means over all tasks, one line per method."""
    figures = {c: matrix(results, tasks, methods, c)[0] for c in COLUMNS}
    precisions = figures["average_precision"]
    near = precisions >= precisions.max(axis=1, keepdims=True) - NEAR
    off = np.abs(figures["estimated_noise_rate"] - figures["noise_rate"])
    columns = {
        "AP": precisions,
        "rank": ranks(precisions),
        f"first or within {NEAR}": near,
        "AUC": figures["auc"],
        "F1": figures["f1"],
        "rate off by": off,
        "precision of top 1%": figures["top_precision"],
        "seconds": figures["seconds"],
    }
    lines = [
        [name, *(f"{values[:, m].mean():.3f}" for values in columns.values())]
        for m, name in enumerate(methods)
    ]
    return markdown(["method", *columns], lines)


def table(results, tasks, methods, column, name=str):
    """Render one figure, one line per name of tasks and one column per method."""
    figures, names = matrix(results, tasks, methods, column, name)
    lines = [
        [name, *(f"{value:.3f}" for value in row)]
        for name, row in zip(names, figures, strict=True)
    ]
    return markdown([column, *methods], lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--out", type=Path, default=Path("detection.csv"))
    parser.add_argument("--quick", action="store_true", help="digits, one seed")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=["tables", "text", "images"]
    )
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=[method for method in METHODS if method != UNSTOPPED],
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    args = parser.parse_args()
    torch.set_num_threads(1)
    # "GEX, paper" warns that the net has not memorised its labels: that is measured.
    warnings.simplefilter("ignore", MemorisationWarning)
    parts, seeds = (["quick"], [0]) if args.quick else (args.parts, args.seeds)
    results = Results(args.out, [*Task._fields, "method"], COLUMNS)
    tasks = suite(parts, seeds)
    for task in tasks:
        run_task(results, task, args.methods, args.data_dir)
    print(summary(results, tasks, args.methods), end="\n\n")
    names = (by_noise, by_data, str)
    for column, name in product(("average_precision", "f1"), names):
        print(table(results, tasks, args.methods, column, name), end="\n\n")
    print(table(results, tasks, args.methods, "seconds", by_data))


if __name__ == "__main__":
    main()
