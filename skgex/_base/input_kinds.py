"""Refusals of samples that are neither arrays nor Datasets that can be reread."""

from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from numbers import Number
from typing import Any

import numpy as np
import torch
from skorch.utils import is_dataset
from torch.utils.data import DataLoader, IterableDataset

from skgex._utils.random import seeded

PAIRS = "each row must be a pair (sample, target)"


def check_kind(X: Any) -> None:
    """Refuse samples of a kind that cannot be read row by row, again and again.

    Raises
    ------
    TypeError
        If X is None, a number, a text, a set, an iterator or a generator; a DataLoader
        or an IterableDataset; an object with rows that is no Dataset; or a list of
        tensors of several shapes.
    """
    if isinstance(X, DataLoader):
        raise TypeError(
            "X: got a DataLoader. Pass its Dataset instead: loader.dataset; the net "
            "makes batches of it by its own batch_size and iterators."
        )
    if isinstance(X, IterableDataset):
        raise TypeError(
            "X: got an IterableDataset, whose rows cannot be reread. Pass a Dataset "
            "with __len__ and __getitem__, or arrays."
        )
    kind = type(X).__name__
    if X is None or isinstance(X, Number):
        raise TypeError(f"X: must be an array or a Dataset, got {kind}.")
    if isinstance(X, (Iterator, Set)):
        raise TypeError(
            f"X: got a {kind}, whose rows cannot be reread in order. Pass an array "
            "(np.stack(list(X))) or a Dataset."
        )
    if isinstance(X, (list, tuple)):
        _check_tensors(X)
    elif _holds_rows(X) and not is_dataset(X):
        raise TypeError(
            f"X: got a {kind}, which is neither an array nor a Dataset. Derive its "
            f"class from torch.utils.data.Dataset; {PAIRS}."
        )


def check_rows(dataset: Any) -> None:
    """Refuse a Dataset of fewer than two rows, or whose first row is no pair.

    Raises
    ------
    TypeError
        If it has no length.
    ValueError
        If there are fewer than two rows, reading the first fails, or that is no pair.
    """
    check_length(dataset)
    if len(dataset) < 2:
        raise ValueError(f"X: at least 2 samples are needed, got {len(dataset)}.")
    with seeded(0), reading_dataset():
        row = dataset[0]
    if isinstance(row, Mapping):
        raise ValueError(
            f"X: rows of the Dataset are dicts with the keys {list(row)}; {PAIRS}, "
            "such as (row['X'], row['label'])."
        )
    if not isinstance(row, (tuple, list)) or len(row) != 2:
        size = f" of {len(row)}" if isinstance(row, (tuple, list)) else ""
        raise ValueError(
            f"X: rows of the Dataset are of type {type(row).__name__}{size}; {PAIRS}."
        )
    target = row[1]
    if target is None or isinstance(target, (str, bytes, Mapping, Set)):
        raise ValueError(
            f"X: targets of the Dataset are of type {type(target).__name__}; each must "
            "be a number or a tensor of numbers. Encode classes as 0, 1, ..., for "
            "example by sklearn.preprocessing.LabelEncoder."
        )


def check_length(dataset: Any) -> None:
    """Raise a TypeError for a Dataset without a length."""
    if not hasattr(dataset, "__len__"):
        raise TypeError("X: a Dataset must have a length, so that rows can be reread.")


@contextmanager
def reading_dataset() -> Iterator[None]:
    """Turn whatever a Dataset raises into a ValueError that names it."""
    try:
        yield
    except Exception as error:
        if isinstance(error, ValueError) and str(error).startswith(("X: ", "net: ")):
            raise
        raise ValueError(
            f"X: the Dataset cannot be read: {type(error).__name__}: {error}. It must "
            f"have rows 0 to len(X) - 1 of equal shapes; {PAIRS}."
        ) from error


def _check_tensors(X: Any) -> None:
    if len(X) and all(torch.is_tensor(row) for row in X):
        shapes = {tuple(row.shape) for row in X}
        if len(shapes) > 1:
            raise TypeError(
                f"X: got a {type(X).__name__} of tensors of several shapes, such as "
                f"{sorted(shapes)[:2]}. Pad them and pass torch.stack(X), or pass a "
                "Dataset of pairs (sample, target)."
            )


def _holds_rows(X: Any) -> bool:
    """Return whether an object has rows, though it is nothing like an array."""
    arraylike = any(
        hasattr(X, name) for name in ("__array__", "shape", "columns", "__dataframe__")
    )
    return isinstance(X, (str, bytes)) or (
        hasattr(X, "__getitem__")
        and hasattr(X, "__len__")
        and not arraylike
        and not isinstance(X, (Mapping, np.ndarray, list, tuple))
    )
