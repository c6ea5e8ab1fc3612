"""The data and the methods that the paper's experiments with CIFAR share."""

import time
from typing import NamedTuple

import numpy as np
from _data import draw, images, read
from _settings import LOSS_FLOOR, SCALES
from joblib import Memory

from skgex import GEXDetector
from skgex.datasets import flip_labels
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
from skgex.metrics import detection_report

RATE = 0.1
# The file of the images, and the name of the labels that people gave.
SETS = {
    "cifar10": ("cifar10", None),
    "cifar100": ("cifar100", None),
    "cifar10n": ("cifar10", "worse_label"),
    "cifar100n": ("cifar100", "noisy_label"),
}
AUGMENT = ("no", "yes")
QUALITY = ["auc", "average_precision"]
# The paper's ten methods; the package's default; and its statistic under the members of
# "GEX", which are more and longer than those of the default.
PAPER = (
    "Deep-KNN",
    "CL",
    "F-score",
    "EL2N",
    "TracIn",
    "TracInRP",
    "RandProj",
    "Arnoldi",
    "GEX-lin",
    "GEX",
)
OURS = "GEXDetector()"
LONG = "GEXDetector(), long members"
METHODS = ("plain loss", "AUM", *PAPER, OURS, LONG)
# Self-influence is the mean square of features, of which there are few.
MAPPED = ("TracInRP", "RandProj", "Arnoldi", "GEX-lin", "GEX")


def load_task(task, data_dir):
    """Return images, labels as given, and the true ones."""
    source, given = SETS[task["data"]]
    arrays, seed = read(source, data_dir), task["seed"]
    rows = draw(len(arrays["x_train"]), SCALES[task["scale"]].n_rows, seed)
    X, true = images(arrays["x_train"][rows]), arrays["y_train"][rows]
    true = true.astype(np.int64).ravel()
    if given is None:
        return X, flip_labels(true, RATE, random_state=seed)[0], true
    return X, read(task["data"], data_dir)[given][rows].astype(np.int64), true


def load_test(name, data_dir):
    """Return test images and their classes."""
    arrays = read(SETS[name][0], data_dir)
    return images(arrays["x_test"]), arrays["y_test"].astype(np.int64).ravel()


def scorers(task, y, memory):
    """Return the methods, unfitted, for a task whose labels are ``y``."""
    scale = SCALES[task["scale"]]
    net = scale.make_net(int(y.max()) + 1, task["augment"] == "yes", len(y))
    shared = {"memory": memory, "random_state": task["seed"]}
    ensemble = {
        "n_members": scale.n_members,
        "n_steps": scale.n_steps,
        "lr": scale.lr,
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
        OURS: GEXDetector(net, **shared),
        LONG: GEXDetector(net, early_stopping=False, **ensemble),
    }


class Ranking(NamedTuple):
    """What a method says of the rows of a task.

    Attributes
    ----------
    scores : ndarray of shape (n_rows,)
        What it ranks rows by, higher = more suspicious.
    features : ndarray of shape (n_rows, n_features) or None
        Whose mean squares are self-influences; None of methods not in ``MAPPED``.
    lr : float
        The learning rate of the members; NaN without members.
    seconds : float
        Of processor time, without what was there already.
    """

    scores: np.ndarray
    features: np.ndarray | None
    lr: float
    seconds: float


def rank(method, task, data_dir, memory):
    """Return how a method ranks the rows of a task, which is kept in ``memory``.

    ``task`` has the keys scale, data, augment and seed.
    """
    kept = Memory(memory, verbose=0).cache(_rank, ignore=["data_dir", "memory"])
    return kept(method, task, data_dir, memory)


def _rank(method, task, data_dir, memory):
    X, y, _ = load_task(task, data_dir)
    scorer = scorers(task, y, memory)[method]
    if method == "GEX-lin":
        scorer.set_params(lr=rank("GEX", task, data_dir, memory).lr)
    start = time.process_time()
    scores = suspicions(scorer.fit(X, y))
    seconds = time.process_time() - start
    features = scorer.transform(X, y) if method in MAPPED else None
    return Ranking(scores, features, getattr(scorer, "lr_", np.nan), seconds)


def quality(noise_mask, scores):
    """Return the figures of a ranking that ``QUALITY`` names."""
    report = detection_report(noise_mask, scores)
    return {column: report[column] for column in QUALITY}


def suspicions(scorer):
    """Return what a fitted method ranks rows by, higher = more suspicious."""
    scores = getattr(scorer, "scores_", None)
    return scorer.self_influence_ if scores is None else scores
