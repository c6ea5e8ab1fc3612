"""The data and the methods that the paper's experiments with CIFAR share."""

import numpy as np
from _data import draw, images, read
from _settings import LOSS_FLOOR

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

RATE = 0.1
# The file of the images, and the name of the labels that people gave.
SETS = {
    "cifar10": ("cifar10", None),
    "cifar100": ("cifar100", None),
    "cifar10n": ("cifar10", "worse_label"),
    "cifar100n": ("cifar100", "noisy_label"),
}
AUGMENT = ("no", "yes")
# The paper's ten methods, and the package's default.
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


def load_task(name, data_dir, n_rows, seed):
    """Return images, labels as given, and the true ones."""
    source, given = SETS[name]
    arrays = read(source, data_dir)
    rows = draw(len(arrays["x_train"]), n_rows, seed)
    X, true = images(arrays["x_train"][rows]), arrays["y_train"][rows]
    true = true.astype(np.int64).ravel()
    if given is None:
        return X, flip_labels(true, RATE, random_state=seed)[0], true
    return X, read(name, data_dir)[given][rows].astype(np.int64), true


def load_test(name, data_dir):
    """Return test images and their classes."""
    arrays = read(SETS[name][0], data_dir)
    return images(arrays["x_test"]), arrays["y_test"].astype(np.int64).ravel()


def scorers(net, scale, shared):
    """Return the paper's ten methods, and three more, unfitted."""
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
    }


def suspicions(scorer):
    """Return what a fitted method ranks rows by, higher = more suspicious."""
    scores = getattr(scorer, "scores_", None)
    return scorer.self_influence_ if scores is None else scores
