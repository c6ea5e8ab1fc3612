"""Label noise of the benchmarks: flipped at random, or where a weak model is unsure."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from skgex.datasets import flip_labels

# Added to every row's weight in the draw, so that any label can be flipped.
LEAST_DOUBT = 0.02


def make_noise(X, y, kind: str, rate: float, seed: int):
    """Return noisy labels and the noise mask; "instance" noise falls on unsure rows."""
    if kind != "instance":
        return flip_labels(y, rate, kind, random_state=seed)
    return flip_doubtful(y, confusions(X, y), rate, seed)


def confusions(X, y):
    """Return out-of-fold class probabilities by a linear model."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=100))
    rows = X.reshape(len(X), -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is meant to be weak
        return cross_val_predict(model, rows, y, cv=3, method="predict_proba")


def flip_doubtful(y, probabilities, rate: float, seed: int):
    """Flip labels that a model doubts, to the classes that it confuses them with.

    Rows are drawn without replacement, weighted by one minus the probability of their
    label. The new label is drawn by the probabilities of the other classes.
    """
    rng = check_random_state(seed)
    doubt = 1 - probabilities[np.arange(len(y)), y] + LEAST_DOUBT
    rows = np.argsort(rng.exponential(size=len(y)) / doubt)[: round(rate * len(y))]
    others = probabilities[rows] + 1e-9
    others[np.arange(len(rows)), y[rows]] = 0
    cumulated = np.cumsum(others / others.sum(axis=1, keepdims=True), axis=1)
    noisy = y.copy()
    noisy[rows] = (cumulated < rng.random_sample((len(rows), 1))).sum(axis=1)
    return noisy, noisy != y
