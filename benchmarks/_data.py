"""Data sets of the benchmarks."""

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import check_random_state

# Tables of mixed types, FOLDER/overlap/NAME.csv, and the column that holds the class.
# The classes of the first two overlap much, those of the others hardly.
OVERLAP = {
    "titanic": "survived",
    "weather": "weather",
    "penguins": "Species",
    "biopsy": "class",
}
# Columns of text with more values than this are names, dates or remarks.
MOST_CATEGORIES = 20


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

    Text of the tables in ``OVERLAP`` turns into one column per category, and gaps are
    filled by the mean of their column.
    """
    if name in OVERLAP:
        X, y = load_table(name, data_dir)
        scaler = mixed_scaler()
    else:
        X, y = load(name, data_dir, n_rows=n_train + 10_000, seed=seed)
        scaler = StandardScaler()
    n_train = min(n_train, int(0.7 * len(X)))
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=n_train, stratify=y, random_state=seed
    )
    scaler.fit(X)
    X, X_test = (scaler.transform(rows).astype(np.float32) for rows in (X, X_test))
    return X, X_test, y, y_test


def load_table(name: str, data_dir: Path | None):
    """Return a table of ``OVERLAP`` without names, dates and remarks, and classes."""
    frame, y = read_table(name, data_dir)
    text = frame.select_dtypes(exclude="number")
    many = text.columns[text.nunique() > MOST_CATEGORIES]
    return frame.drop(columns=many), y


def read_table(name: str, data_dir: Path | None):
    """Return a table of ``OVERLAP`` as a data frame, and its classes as integers."""
    path = None if data_dir is None else data_dir / "overlap" / f"{name}.csv"
    if path is None or not path.exists():
        raise SystemExit(f"{name}: pass --data-dir with overlap/{name}.csv")
    frame = pd.read_csv(path)
    y = np.unique(frame.pop(OVERLAP[name]).to_numpy(str), return_inverse=True)[1]
    return frame, y


def mixed_scaler():
    """Return what turns a table of numbers and text into standardised numbers."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (categories, make_column_selector(dtype_exclude="number")),
    )


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
