"""Show that a change keeps every answer, bit for bit.

Fits every public estimator on fixed data, around several kinds of nets, and digests
all that the fit made and all answers for fitted and for new rows. Run it on both
versions, on the same machine:

    python benchmarks/same_bits.py --out before.json
    python benchmarks/same_bits.py --against before.json
"""

import argparse
import hashlib
import inspect
import json
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits, load_iris
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from skorch import (
    NeuralNetBinaryClassifier,
    NeuralNetClassifier,
    NeuralNetRegressor,
)
from torch import nn
from torch.utils.data import TensorDataset

from skgex.datasets import flip_labels

CHEAP = {
    "n_members": 4,
    "n_steps": 12,
    "n_checkpoints": 2,
    "n_nets": 2,
    "n_epochs": 4,
    "n_components": 8,
    "n_iterations": 60,
    "rank": 4,
    "random_state": 0,
}
PACKAGES = ("influence", "hardness", "detection", "pruning", "cleaning")
METHODS = (
    "predict",
    "transform",
    "scores",
    "self_influence",
    "noise_proba",
    "predict_proba",
)
# Each row without its neighbours would take minutes.
FEW_ROWS = {"LeaveOneOut"}


class Dense(nn.Module):
    """A small net with dropout, and batch norm if asked for."""

    def __init__(self, n_inputs, n_outputs, norm=False):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(n_inputs, 16),
            nn.BatchNorm1d(16) if norm else nn.Identity(),
            nn.ReLU(),
            nn.Dropout(0.1 if norm else 0.0),
            nn.Linear(16, n_outputs),
        )

    def forward(self, X):
        """Return logits, or values."""
        outputs = self.layers(X)
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs


def blobs(n_classes=3):
    """Return rows of iris, labels with every tenth one wrong, and new rows."""
    X, y = load_iris(return_X_y=True)
    X, y = X.astype(np.float32)[y < n_classes], y[y < n_classes]
    y, _ = flip_labels(y, 0.1, random_state=0)
    return X[::2], y[::2], X[1::9], y[1::9]


def images():
    """Return 120 digits as images, in string labels."""
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    y, _ = flip_labels(y[:120], 0.1, random_state=0)
    names = np.array([f"digit {9 - c}" for c in range(10)])
    return X[:120], names[y], X[120:140], names[y[:20]]


def values():
    """Return a regression task."""
    X, _, new, _ = blobs()
    y = X[:, :1] @ np.ones((1, 1), np.float32) - X[:, 1:2]
    return X, y, new, new[:, :1] - new[:, 1:2]


def net_of(kind, n_inputs, n_outputs, **params):
    """Return a skorch net that learns within a moment."""
    settings = {
        "module__n_inputs": n_inputs,
        "module__n_outputs": n_outputs,
        "optimizer": torch.optim.Adam,
        "lr": 0.02,
        "batch_size": 16,
        "max_epochs": 12,
        "train_split": None,
        "verbose": 0,
    }
    if kind is NeuralNetClassifier:
        settings["criterion"] = nn.CrossEntropyLoss
    return kind(Dense, **{**settings, **params})


def trained(net, X, y):
    """Return a fitted net, frozen."""
    torch.manual_seed(0)
    return FrozenEstimator(net.fit(X, y))


def situations():
    """Yield nets with data: a name, the net, X, y, new rows and their labels."""
    iris, two, digits = blobs(), blobs(2), images()
    classifier = net_of(NeuralNetClassifier, 4, 3)
    norm = net_of(NeuralNetClassifier, 64, 10, module__norm=True)
    yield "default net", None, *iris
    yield "classifier", classifier, *iris
    frozen = trained(net_of(NeuralNetClassifier, 4, 3), iris[0], iris[1])
    yield "frozen", frozen, *iris
    yield "batch norm", norm, *digits
    yield "binary", net_of(NeuralNetBinaryClassifier, 4, 1), *two
    yield "regressor", net_of(NeuralNetRegressor, 4, 1, lr=0.005), *flat(values())
    tensors = [torch.as_tensor(part) for part in iris]
    pairs = TensorDataset(*tensors[:2]), None, TensorDataset(*tensors[2:]), None
    yield "dataset", classifier, *pairs


def flat(task):
    """Return a regression task with one target a row."""
    X, y, new, y_new = task
    return X, y[:, 0], new, y_new[:, 0]


def estimators():
    """Yield the public estimator classes, in the order of their names."""
    found = {}
    for name in PACKAGES:
        module = import_module(f"skgex.{name}")
        for public in module.__all__:
            value = getattr(module, public)
            if inspect.isclass(value) and issubclass(value, BaseEstimator):
                found[public] = value
    yield from (found[name] for name in sorted(found))


def variants(cls):
    """Yield settings under which a class is tried, besides the cheap ones."""
    yield {}
    known = inspect.signature(cls).parameters
    tried = {
        "lr": [0.1, "auto"],
        "chain": [True],
        "max_samples": [0.5],
        "schedule": ["constant"],
        "statistic": ["mean_loss", "self_influence", "margin"],
        "threshold": ["otsu_raw", "precision 90%", "10%", 0.5],
        "loss_floor": [0.05],
        "early_stopping": [False],
        "keep_members": [False],
        "solver": ["dense", "lissa"],
        "curvature": ["hessian"],
        "linear": [False],
        "features": ["penultimate"],
        "warm_start": [True],
        "memory": ["a folder"],
        "n_jobs": [2],
        "action": ["relabel", "weight"],
        "prune": [7],
    }
    for name, settings in tried.items():
        if name in known:
            yield from ({name: value} for value in settings)
    if "early_stopping" in known:
        yield {"n_members": "auto"}


def make(cls, net, changes):
    """Make an estimator with cheap settings around a net."""
    known = inspect.signature(cls).parameters
    settings = {name: value for name, value in CHEAP.items() if name in known}
    if "net" in known:
        settings["net"] = net
    within = {"scorer": "GEX", "detector": "GEXDetector", "selector": "GEXDetector"}
    for name, other in within.items():
        if name in known:
            (inner,) = [c for c in estimators() if c.__name__ == other]
            settings[name] = make(inner, net, {})
    if "estimator" in known:
        settings["estimator"] = LogisticRegression(max_iter=1000)
    return cls(**{**settings, **changes})


def digest(value):
    """Return a short text that says what a value is, bit for bit; None for others."""
    if isinstance(value, (bool, int, float, str, np.generic)):
        return repr(value)
    if not isinstance(value, np.ndarray):
        return None
    if value.dtype.kind not in "biufU":
        value = value.astype(str)
    content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()[:16]
    return f"{value.dtype} {value.shape} {content}"


def answers(estimator, X, y, new, y_new):
    """Yield names and digests of what a fitted estimator says."""
    if hasattr(estimator, "fit_resample"):
        parts = estimator.fit_resample(X, y)
        yield from ((f"fit_resample {i}", digest(p)) for i, p in enumerate(parts))
    else:
        estimator.fit(X, y)
    for name, value in sorted(vars(estimator).items()):
        if name.endswith("_") and not name.startswith("_") and digest(value):
            yield name, digest(value)
    for method in METHODS:
        if hasattr(estimator, method):
            yield method, attempt(getattr(estimator, method), X)
            labels = () if method == "predict_proba" else (y_new,)
            yield f"{method} new", attempt(getattr(estimator, method), new, *labels)
            yield f"{method} without y", attempt(getattr(estimator, method), new)
    if hasattr(estimator, "influence"):
        yield "influence", attempt(estimator.influence, X, y, new, y_new)
    if hasattr(estimator, "score"):
        yield "score", attempt(estimator.score, new, y_new)
    if hasattr(estimator, "relabel"):
        for kind in ("hard", "probabilities", "influence"):
            yield f"relabel {kind}", attempt(estimator.relabel, kind)
    if hasattr(estimator, "explain"):
        rows = np.arange(0, 60, 7)
        for part in ("rows_for", "pulls_for", "rows_against", "given_proba"):
            yield f"explain {part}", attempt(explained, estimator, rows, part)


def explained(estimator, rows, part):
    """Return one part of an explanation."""
    return getattr(estimator.explain(rows), part)


def attempt(function, *arguments):
    """Return the digest of an answer, or the name of the error."""
    try:
        return digest(np.asarray(function(*arguments)))
    except Exception as error:
        return f"error {type(error).__name__}"


def measure(only=""):
    """Return the digests of all answers, by situation, estimator and settings."""
    report = {}
    for situation, net, *task in situations():
        for cls in estimators():
            rows = slice(0, 24 if cls.__name__ in FEW_ROWS else None)
            X, y, new, y_new = task
            if y is not None:
                X, y = X[rows], y[rows]
            for changes in variants(cls):
                if net is None and changes == {"solver": "dense"}:
                    continue  # a matrix of 18,000 rows
                case = f"{situation} / {cls.__name__} / {changes}"
                if only in case:
                    report[case] = one_case(cls, net, changes, X, y, new, y_new)
                    print(f"{len(report)} {case}", file=sys.stderr)
    return report


def one_case(cls, net, changes, *task):
    """Fit and ask one estimator; an error of its fit is its only answer."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "memory" in changes:
            changes = {"memory": folder}
        try:
            return dict(answers(make(cls, net, changes), *task))
        except Exception as error:
            return {"fit": f"error {type(error).__name__}"}


def differences(before, after):
    """Yield each answer that is not the same, with both digests."""
    for case in sorted(before.keys() | after.keys()):
        old, new = before.get(case, {}), after.get(case, {})
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                yield f"{case}: {name}: {old.get(name)} -> {new.get(name)}"


def main():
    """Measure, and write or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="write the digests to this file")
    parser.add_argument("--against", type=Path, help="compare with those of a file")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    report = measure(options.only)
    n_answers = sum(map(len, report.values()))
    print(f"{len(report)} fits, {n_answers} answers")
    if options.out:
        options.out.write_text(json.dumps(report, indent=1))
    if options.against:
        before = json.loads(options.against.read_text())
        before = {case: old for case, old in before.items() if options.only in case}
        found = list(differences(before, report))
        print(*found, f"{len(found)} answers differ", sep="\n")
        sys.exit(bool(found))


if __name__ == "__main__":
    main()
