"""Known label noise, for measuring detectors."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state, column_or_1d


def flip_labels(
    y: Any, rate: float, kind: str = "symmetric", random_state: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Replace part of the labels by wrong ones.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Class labels of any type.
    rate : float
        Share of the labels to flip, in [0, 1]: ``round(rate * n_samples)`` rows are
        drawn.
    kind : {"symmetric", "pair", "uniform"}, default="symmetric"
        What the new label of a drawn row is. "symmetric": one of the other classes,
        each with the same probability. "pair": the next class in sorted order, and
        the first one after the last. "uniform": one of all classes, each with the same
        probability, as in the official code of GEX; some rows then keep their label,
        so that fewer labels are wrong than rows were drawn.
    random_state : int, RandomState or None, default=None
        Seed of the rows and their new labels. Pass an int for the same flips every
        time.

    Returns
    -------
    y_noisy : ndarray of shape (n_samples,)
        A copy of ``y`` with flipped labels, in its dtype.
    noise_mask : ndarray of shape (n_samples,), dtype=bool
        True where ``y_noisy`` differs from ``y``.

    Raises
    ------
    ValueError
        If ``rate`` is no number in [0, 1], ``kind`` is unknown, or ``y`` has one
        class, missing labels, or labels of types that cannot be sorted.

    Examples
    --------
    >>> from skgex.datasets import flip_labels
    >>> y_noisy, noise_mask = flip_labels([0, 0, 1, 1], 0.5, random_state=0)
    >>> int(noise_mask.sum())
    2
    """
    y = column_or_1d(y)
    if not isinstance(rate, Real) or not 0 <= rate <= 1:
        raise ValueError(f"rate: must lie in [0, 1], got {rate!r}.")
    if kind not in ("symmetric", "pair", "uniform"):
        raise ValueError(
            f"kind: must be 'symmetric', 'pair' or 'uniform', got {kind!r}."
        )
    classes, codes = _sorted_classes(y)
    n_classes = len(classes)
    if n_classes < 2:
        raise ValueError(f"y: flipping needs 2 classes or more, got {n_classes}.")
    rng = check_random_state(random_state)
    rows = rng.permutation(len(y))[: round(rate * len(y))]
    if kind == "pair":
        shift = np.ones(len(rows), dtype=int)
    else:
        shift = rng.randint(1 if kind == "symmetric" else 0, n_classes, size=len(rows))
    noisy = codes.copy()
    noisy[rows] = (codes[rows] + shift) % n_classes
    return classes[noisy].astype(y.dtype), noisy != codes


def _sorted_classes(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes and the position of each label among them."""
    try:
        missing = np.array([label is None or bool(label != label) for label in y])
        classes, codes = np.unique(y, return_inverse=True)
    except TypeError as error:  # pandas.NA, or strings among numbers
        raise ValueError(
            f"y: labels must be of one type, and none may be missing; {error}."
        ) from error
    if missing.any():
        raise ValueError(
            f"y: {missing.sum()} labels are missing (None or NaN), the first at row "
            f"{missing.argmax()}."
        )
    return classes, codes
