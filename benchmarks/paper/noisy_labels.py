"""Which method finds the wrong labels of CIFAR: the paper's table, run again.

    python benchmarks/paper/noisy_labels.py --data-dir FOLDER [--scale small|full]
        [--sets cifar10 ...] [--augment no yes] [--seeds 0 1 2] [--memory FOLDER]

FOLDER holds cifar10.npz, cifar10n.npz and, for their sets, cifar100.npz and
cifar100n.npz. A set that has no file is passed over. In cifar10 and cifar100, 10 % of
the rows get a random class, a tenth of which is the right one; the labels of cifar10n
and cifar100n were given by people. All methods share one trained net and its
checkpoints. GEX takes the learning rate that ``lr="auto"`` chooses, by labels held out
of the same rows; GEX-lin takes the same. Runs that are already in the CSV are not
repeated, and with ``--memory`` one that is killed goes on where it was.
"""

import argparse
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from _settings import RESULTS, SCALES
from _data import draw, images, read
from _results import Results, markdown
from sklearn.metrics import average_precision_score, roc_auc_score

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.exceptions import SkgexWarning
from skgex.hardness import (
    AUM,
    EL2N,
    ConfidentLearning,
    DeepKNN,
    ForgettingScore,
    TrainingLoss,
)
from skgex.influence import (
    GEX,
    Arnoldi,
    GEXLinear,
    RandomProjection,
    TracIn,
    TracInRP,
)

RATE = 0.1
# A random class is the right one for one row in ten (or in a hundred).
SETS = {
    "cifar10": ("cifar10", None),
    "cifar100": ("cifar100", None),
    "cifar10n": ("cifar10", "worse_label"),
    "cifar100n": ("cifar100", "noisy_label"),
}
LOSS_FLOOR = 0.05
KEY = ["scale", "data", "augment", "seed", "method"]
COLUMNS = ["auc", "average_precision", "seconds", "lr"]


def load_task(name, data_dir, n_rows, seed):
    """Return images, labels as given, and which of them are wrong."""
    source, given = SETS[name]
    arrays = read(source, data_dir)
    rows = draw(len(arrays["x_train"]), n_rows, seed)
    X, true = images(arrays["x_train"][rows]), arrays["y_train"][rows]
    true = true.astype(np.int64).ravel()
    if given is None:
        return X, *flip_labels(true, RATE, random_state=seed)
    y = read(name, data_dir)[given][rows].astype(np.int64)
    return X, y, y != true


def scorers(net, scale, shared):
    """Return the paper's ten methods, and two more, unfitted.

    The first two only train: what they take is the time of the training that the others
    share.
    """
    ensemble = {
        "n_members": scale.n_members,
        "n_steps": scale.n_steps,
        "chain": True,
        **shared,
    }
    return {
        "plain loss": TrainingLoss(net, **shared),
        "AUM": AUM(net, **shared),
        "Deep-KNN": DeepKNN(net, **shared),
        "CL": ConfidentLearning(net, **shared),
        "F-score": ForgettingScore(net, **shared),
        "EL2N": EL2N(net, **shared),
        "TracIn": TracIn(net, **shared),
        "TracInRP": TracInRP(net, **shared),
        "RandProj": RandomProjection(net, n_components=20, **shared),
        "Arnoldi": Arnoldi(net, **shared),
        "GEX": GEX(net, loss_floor=LOSS_FLOOR, **ensemble),
        "GEX-lin": GEXLinear(net, **ensemble),
        "GEXDetector()": GEXDetector(net, **shared),
    }


def judge(method, scorer, X, y, noise_mask):
    """Fit one method; return its figures."""
    start = time.process_time()
    scorer.fit(X, y)
    seconds = time.process_time() - start
    scores = getattr(scorer, "scores_", None)
    if scores is None:
        scores = scorer.self_influence_
    return {
        "auc": roc_auc_score(noise_mask, scores),
        "average_precision": average_precision_score(noise_mask, scores),
        "seconds": seconds,
        "lr": getattr(scorer, "lr_", np.nan),
    }


def run_task(results, task, scale, data_dir, memory):
    """Fit the methods that have no line in the CSV yet."""
    X, y, noise_mask = load_task(task["data"], data_dir, scale.n_rows, task["seed"])
    net = scale.make_net(int(y.max()) + 1, task["augment"], len(X))
    shared = {"memory": memory, "random_state": task["seed"]}
    for method, scorer in scorers(net, scale, shared).items():
        if results.has(**task, method=method):
            continue
        if method == "GEX-lin":
            rate = results.mean("lr", **task, method="GEX")
            scorer.set_params(lr=rate)
        results.add(**task, method=method, **judge(scorer, X, y, noise_mask))


def table(results, runs, seeds):
    """Render means and deviations over the seeds, and the paired lead of GEX."""
    lines = []
    for run in runs:
        methods = dict.fromkeys(row["method"] for row in results.rows)
        for method in methods:
            values = {
                column: [results.mean(column, **run, method=method, seed=s) for s in seeds]
                for column in ("auc", "average_precision")
            }
            lines.append(
                [
                    f"{run['data']}, {'augmented' if run['augment'] else 'plain'}",
                    method,
                    *(f"{np.mean(v):.3f} ± {np.std(v, ddof=1):.3f}" for v in values.values()),
                ]
            )
    return markdown(["data", "method", "AUC", "AP"], lines)
