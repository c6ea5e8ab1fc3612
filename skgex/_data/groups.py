"""Groups of rows that no split may divide, such as near-copies of one subject."""

import warnings
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold

from skgex._data.label_checks import is_missing

Fold: TypeAlias = tuple[np.ndarray, np.ndarray]


class GroupedStrata(NamedTuple):
    """What splits are stratified by, and what they may not divide.

    Attributes
    ----------
    codes : ndarray of shape (n_samples,), dtype=int or None
        The classes of the rows; None where they have none.
    groups : ndarray of shape (n_samples,), dtype=int
        The group of each row, from 0.
    """

    codes: np.ndarray | None
    groups: np.ndarray


# What random splits heed: classes, groups as well, or nothing.
Strata: TypeAlias = np.ndarray | GroupedStrata | None


def check_groups(groups: Any, n_samples: int) -> np.ndarray | None:
    """Return groups as integers, numbered in the order in which they first occur.

    Parameters
    ----------
    groups : array-like of shape (n_samples,) or None
        Names or numbers of any kind.
    n_samples : int

    Returns
    -------
    codes : ndarray of shape (n_samples,), dtype=intp, or None

    Raises
    ------
    ValueError
        If there is not one group per row, one is missing (None, NaN, NA), or all rows
        are in the same one.
    """
    if groups is None:
        return None
    if torch.is_tensor(groups):
        groups = groups.detach().cpu().numpy()
    # A list of text and NaN would turn into text throughout.
    values = np.asarray(groups, dtype=None if hasattr(groups, "dtype") else object)
    if values.shape not in ((n_samples,), (n_samples, 1)):
        raise ValueError(
            f"groups: must be an array of shape ({n_samples},), one group per row of "
            f"X, got {type(groups).__name__} of shape {values.shape}."
        )
    names = values.ravel().tolist()
    n_missing = sum(map(is_missing, names))
    if n_missing:
        raise ValueError(
            f"groups: must have no missing values, got {n_missing}; give each row "
            "that belongs to no group a group of its own."
        )
    found: dict[Any, int] = {}
    codes = np.array([found.setdefault(name, len(found)) for name in names], np.intp)
    if len(found) < 2:
        raise ValueError(
            f"groups: at least 2 are needed, so that a split can hold one out, got "
            f"{len(found)}. Without groups, rows are split one by one."
        )
    return codes


def n_units(n_samples: int, strata: Strata) -> int:
    """Return how many parts the rows can be split into: groups, or single rows."""
    if isinstance(strata, GroupedStrata):
        return int(strata.groups.max()) + 1
    return n_samples


def deal_groups(strata: GroupedStrata, n_folds: int, seed: int) -> list[Fold]:
    """Deal whole groups to folds at random, by class as far as that is possible.

    Parameters
    ----------
    strata : GroupedStrata
    n_folds : int
        No more than there are groups.
    seed : int

    Returns
    -------
    folds : list of (seen, left_out)
        Indices of rows.
    """
    codes, groups = strata
    if codes is None or np.bincount(codes).max() < n_folds:
        codes = np.zeros(len(groups), dtype=int)
    # scikit-learn before 1.8 shuffles their classes apart from the groups themselves.
    order = np.random.RandomState(seed).permutation(n_units(0, strata))
    shuffled = np.argsort(order)[groups]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(StratifiedGroupKFold(n_folds).split(codes, codes, shuffled))


def split_groups(strata: GroupedStrata, held_out: float, seed: int) -> Fold:
    """Hold whole groups out, close to a share of the rows.

    Returns
    -------
    seen, held_out : ndarray of int
    """
    n_folds = min(round(1 / held_out), n_units(0, strata))
    wanted = held_out * len(strata.groups)

    def excess(fold: Fold) -> tuple[float, int]:
        return abs(len(fold[1]) - wanted), len(fold[1])

    return min(deal_groups(strata, n_folds, seed), key=excess)


def draw_groups(groups: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Draw whole groups at random, of ``size`` rows or fewer, but at least one group.

    Returns
    -------
    rows : ndarray of int
    """
    order = np.random.RandomState(seed).permutation(groups.max() + 1)
    sizes = np.bincount(groups)[order]
    n_drawn = max(1, np.searchsorted(np.cumsum(sizes), size, side="right"))
    return np.flatnonzero(np.isin(groups, order[:n_drawn]))
