"""Data sets of the benchmarks."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.utils import check_random_state


def load(name: str, data_dir: Path | None, n_rows: int = 4000, seed: int = 0):
    """Return X (float32) and y (int64), at most ``n_rows`` rows drawn by ``seed``.

    digits comes with scikit-learn; any other set is read from ``data_dir/name.npz``
    with the keys x and y.
    """
    if name == "digits":
        X, y = load_digits(return_X_y=True)
    else:
        if data_dir is None or not (data_dir / f"{name}.npz").exists():
            raise SystemExit(f"{name}: pass --data-dir with {name}.npz (keys x, y)")
        with np.load(data_dir / f"{name}.npz") as arrays:
            X, y = arrays["x"], arrays["y"]
    rows = check_random_state(seed).permutation(len(X))[:n_rows]
    return X[rows].astype(np.float32), y[rows].astype(np.int64)
