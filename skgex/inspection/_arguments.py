"""What Displays are given: fitted estimators, samples of any kind, and labels."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted
from torch.utils.data import Dataset

from skgex.metrics import check_mask, one_column

# What to pass where an attribute is missing.
A_DETECTOR = "Pass a detector, such as GEXDetector."
WITH_CLASSES = "Pass a GEXDetector that was fitted on class labels."
WAYS_OUT = {
    "ensemble_": "Pass a GEXDetector.",
    "explain": WITH_CLASSES,
    "issues": A_DETECTOR,
    "noise_mask_": A_DETECTOR,
    "noise_matrix_": WITH_CLASSES,
    "noise_proba_": WITH_CLASSES,
    "prune_mask_": "Pass a pruner, such as GEXPruner.",
    "scores_": A_DETECTOR,
    "threshold_": A_DETECTOR,
}


def fitted_step(estimator: Any, argument: str, *attributes: str) -> Any:
    """Return a fitted estimator, or the last step of a fitted Pipeline.

    Parameters
    ----------
    estimator : estimator
    argument : str
        Its name, for the error.
    *attributes : str
        What it must have after a fit; each of ``WAYS_OUT``.

    Returns
    -------
    step : estimator

    Raises
    ------
    NotFittedError
        If it was not fitted.
    ValueError
        If it has not these attributes.
    """
    step = estimator[-1] if hasattr(estimator, "steps") else estimator
    if not hasattr(step, "fit"):
        raise ValueError(
            f"{argument}: must be a fitted estimator, or a Pipeline that ends in one, "
            f"got {type(step).__name__}."
        )
    check_is_fitted(step)
    for name in attributes:
        if not hasattr(step, name):
            raise ValueError(
                f"{argument}: needs {name}, which this {type(step).__name__} does not "
                f"have. {WAYS_OUT[name]}"
            )
    return step


def n_rows_of(X: Any) -> int:
    """Return the number of samples."""
    shape = getattr(X, "shape", None)
    return int(shape[0]) if shape else len(X)


def take_rows(X: Any, rows: np.ndarray) -> Any:
    """Return some samples, in the type that they came in; of a Dataset as a list."""
    if isinstance(X, Dataset):
        return [X[int(row)][0] for row in rows]
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X[rows] if hasattr(X, "shape") else [X[row] for row in rows]


def check_n_rows(X: Any, n_samples: int, argument: str = "X") -> None:
    """Refuse samples that are not as many as the scores are."""
    if n_rows_of(X) != n_samples:
        raise ValueError(
            f"{argument}: must have one entry for each of the {n_samples} rows, got "
            f"{n_rows_of(X)}. A detector's are those that it was fitted on."
        )


def check_labels_of(y: Any, n_samples: int, argument: str = "y") -> np.ndarray:
    """Return labels as an array of shape (n_samples,)."""
    labels = one_column(y, argument)
    check_n_rows(labels, n_samples, argument)
    return labels


def check_truth(noise_mask: Any, n_samples: int) -> np.ndarray | None:
    """Return which labels are known to be wrong; None if that is not known."""
    return check_mask_of(noise_mask, n_samples, "noise_mask")


def check_mask_of(mask: Any, n_samples: int, argument: str) -> np.ndarray | None:
    """Return a mask of shape (n_samples,), dtype=bool, or None."""
    if mask is None:
        return None
    checked = check_mask(mask, argument)
    check_n_rows(checked, n_samples, argument)
    return checked


def check_count(number: Any, argument: str) -> int:
    """Return a whole number of at least 1."""
    valid = isinstance(number, int | np.integer) and not isinstance(number, bool)
    if not valid or number < 1:
        raise ValueError(f"{argument}: must be an int of at least 1, got {number!r}.")
    return int(number)
