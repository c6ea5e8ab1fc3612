"""Data sets of the benchmarks."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state


def load(name: str, data_dir: Path | None, n_rows: int = 4000, seed: int = 0):
    """Return X (float32) and y (int64), at most ``n_rows`` rows drawn with ``seed``.

    "digits" comes with scikit-learn. Any other set is read from ``data_dir/name.npz``
    with the keys x and y, or x_train, y_train, x_test and y_test, which are pooled.
    """
    if name == "digits":
        X, y = load_digits(return_X_y=True)
    else:
        arrays = read(name, data_dir)
        parts = [""] if "x" in arrays else ["_train", "_test"]
        X = np.concatenate([arrays["x" + part] for part in parts])
        y = np.concatenate([arrays["y" + part] for part in parts])
        X = X.reshape(len(X), -1)
    rows = draw(len(X), n_rows, seed)
    return X[rows].astype(np.float32), y[rows].astype(np.int64)


def load_split(name: str, data_dir: Path | None, n_train: int, seed: int):
    """Return X, X_test, y, y_test: standardised, and split anew for each seed.

    At most ``n_train`` rows, and at most 70 % of all, are for training; at most 10,000
    of the others are for testing.
    """
    X, y = load(name, data_dir, n_rows=n_train + 10_000, seed=seed)
    n_train = min(n_train, int(0.7 * len(X)))
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=n_train, stratify=y, random_state=seed
    )
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def load_headlines(data_dir: Path | None):
    """Return Hausa headlines as character n-gram weights, noisy and true labels."""
    arrays = read("hausa_headlines", data_dir)
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), max_features=2000)
    X = grams.fit_transform(arrays["text"]).toarray()
    y, clean = (arrays[key].astype(np.int64) for key in ("noisy", "clean"))
    return X.astype(np.float32), y, clean


def load_cifar10n(kind: str, data_dir: Path | None, n_rows: int, seed: int):
    """Return CIFAR-10's training images, the labels that people gave, and true ones."""
    X, names = read("cifar10", data_dir)["x_train"], read("cifar10n", data_dir)
    rows = draw(len(X), n_rows, seed)
    y, clean = (names[key][rows].astype(np.int64) for key in (kind, "clean_label"))
    return images(X[rows]), y, clean


def images(X):
    """Return images as (n, channels, height, width), float32, from about -2 to 2."""
    return ((X.transpose(0, 3, 1, 2) / 255 - 0.5) / 0.25).astype(np.float32)


def draw(n_all: int, n_rows: int, seed: int):
    """Draw rows without replacement; all of them, shuffled, if there are fewer."""
    return check_random_state(seed).permutation(n_all)[:n_rows]


def read(name: str, data_dir: Path | None):
    """Read all arrays of a file."""
    if data_dir is None or not (data_dir / f"{name}.npz").exists():
        raise SystemExit(f"{name}: pass --data-dir with {name}.npz")
    with np.load(data_dir / f"{name}.npz") as arrays:
        return dict(arrays)
