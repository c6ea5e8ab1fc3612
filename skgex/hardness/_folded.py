"""Probabilities of each row under a net that was not trained on it."""

import warnings
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold
from skorch import NeuralNet

from skgex._base.fit_work import expect_chosen, expect_training
from skgex._base.net_training import AnyMemory, choose_epochs
from skgex._base.parameters import N_JOBS, Interval, NetNeed
from skgex._base.validation import GivenNet
from skgex._data.groups import Fold, GroupedStrata, deal_groups, n_units
from skgex._data.records import Data
from skgex._utils.memory import check_memory
from skgex._utils.parallel import run
from skgex._utils.progress import phase
from skgex._utils.random import draw_seeds
from skgex.hardness._hardness import train_and_predict

FOLDS = "training on folds"

# What estimators that train a net per fold demand of the parameters they share.
FOLD_CONSTRAINTS: dict[str, list] = {
    "n_folds": [Interval(Integral, 2, None, closed="left")],
    "n_jobs": N_JOBS,
    "verbose": ["verbose"],
}


def out_of_fold_probabilities(
    recipe: NeuralNet,
    data: Data,
    n_folds: int,
    seed: int,
    *,
    memory: AnyMemory = None,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Train a net per fold on all other folds, and let it predict the one left out.

    Parameters
    ----------
    recipe : NeuralNet
        Unfitted.
    data : Data
        With classes.
    n_folds : int
    seed : int
        The folds and all trainings follow from it.
    memory : str, joblib.Memory or None
        Caches each training.
    n_jobs : int or None
        Nets trained side by side.

    Returns
    -------
    probabilities : ndarray of shape (n_samples, n_classes), dtype=float64
    """
    fold_seed, *seeds = draw_seeds(np.random.RandomState(seed), 1 + n_folds)
    assert data.split_by is not None  # labels are classes
    folds = deal(data.split_by, n_folds, fold_seed)
    parts = run(
        check_memory(memory).cache(train_and_predict),
        [
            (recipe, data.X, data.targets, seen, left_out, net_seed)
            for (seen, left_out), net_seed in zip(folds, seeds, strict=True)
        ],
        n_jobs=n_jobs,
    )
    probabilities = np.empty((len(data.codes), data.n_classes))
    with phase(FOLDS):
        for (_, left_out), part in zip(folds, parts, strict=True):
            probabilities[left_out] = data.coding.probabilities(part)
    return probabilities


def choose_for_folds(
    net: GivenNet, data: Data, n_folds: int, seed: int, memory: AnyMemory
) -> NeuralNet:
    """Return the unfitted net that is to be trained on folds.

    Raises
    ------
    ValueError
        If there are fewer rows, or groups of them, than folds.
    """
    check_folds(data, n_folds)
    phase_of_folds: dict[str, Any] = {"name": FOLDS, "n_times": n_folds - 1}
    expect_training(net, **phase_of_folds)
    recipe, trial = choose_epochs(net, data, NetNeed.UNTRAINED, seed, memory)
    expect_chosen(recipe, trial, **phase_of_folds)
    return recipe


def check_folds(data: Data, n_folds: int) -> None:
    """Raise a ValueError if there are fewer rows, or groups of them, than folds."""
    limit = n_units(len(data.codes), data.split_by)
    if n_folds > limit:
        kind = "samples" if data.groups is None else "groups"
        raise ValueError(
            f"n_folds: must be no more than the {limit} {kind}, got {n_folds}."
        )


def deal(strata: np.ndarray | GroupedStrata, n_folds: int, seed: int) -> list[Fold]:
    """Deal rows to folds at random, by class as far as classes have members for it.

    Rows of the same group are dealt to the same fold.

    Returns
    -------
    folds : list of (seen, left_out)
        Indices of rows.
    """
    if isinstance(strata, GroupedStrata):
        return deal_groups(strata, n_folds, seed)
    codes = strata
    stratified = np.bincount(codes).max() >= n_folds
    kind = StratifiedKFold if stratified else KFold
    splitter = kind(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(codes, codes))
