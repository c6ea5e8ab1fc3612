"""Data sets of the benchmarks."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state


def load(name: str, data_dir: Path | None, n_rows: int = 4000, seed: int = 0):
    """Return X (float32) and y (int64), at most ``n_rows`` rows drawn by ``seed``.

    digits comes with scikit-learn; any other set is read from ``data_dir/name.npz``
    with the keys x and y, or x_train, y_train, x_test and y_test, which are pooled.
    """
    if name == "digits":
        X, y = load_digits(return_X_y=True)
    else:
        if data_dir is None or not (data_dir / f"{name}.npz").exists():
            raise SystemExit(f"{name}: pass --data-dir with {name}.npz (keys x, y)")
        with np.load(data_dir / f"{name}.npz") as arrays:
            parts = [""] if "x" in arrays else ["_train", "_test"]
            X = np.concatenate([arrays["x" + part] for part in parts])
            y = np.concatenate([arrays["y" + part] for part in parts])
            X = X.reshape(len(X), -1)
    rows = check_random_state(seed).permutation(len(X))[:n_rows]
    return X[rows].astype(np.float32), y[rows].astype(np.int64)


def load_split(name: str, data_dir: Path | None, n_train: int, seed: int):
    """Return X, X_test, y, y_test: standardised, split anew for each seed.

    At most ``n_train`` rows and 70 % of them are for training; at most 10,000 of the
    others are for tests.
    """
    X, y = load(name, data_dir, n_rows=n_train + 10_000, seed=seed)
    n_train = min(n_train, int(0.7 * len(X)))
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=n_train, stratify=y, random_state=seed
    )
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test), y, y_test
