"""Probabilities of each row under a net that did not train on it."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils.validation import check_memory

from skgex._base.net_estimator import NetEstimator
from skgex._base.parameters import Interval, NetNeed
from skgex._data.records import Data
from skgex._utils.parallel import run
from skgex._utils.random import draw_seeds
from skgex.hardness._hardness import Hardness, train_and_predict


class FoldedHardness(Hardness):
    """Base of the estimators that judge by out-of-fold probabilities."""

    _needs = NetNeed.UNTRAINED

    _parameter_constraints: dict = {  # noqa: RUF012
        **NetEstimator._net_constraints,
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    n_folds: int
    n_jobs: int | None
    verbose: int

    def _out_of_fold(self, data: Data, trial_seed: int, own_seed: int) -> np.ndarray:
        """Train a net on all folds but one, for each; (n_samples, n_classes)."""
        fold_seed, *seeds = draw_seeds(
            np.random.RandomState(own_seed), 1 + self.n_folds
        )
        folds = deal(data.codes, self.n_folds, fold_seed)
        net, _ = self._recipe(data, trial_seed)
        jobs = [
            (net, data.X, data.targets, seen, left_out, seed)
            for (seen, left_out), seed in zip(folds, seeds, strict=True)
        ]
        parts = run(
            check_memory(self.memory).cache(train_and_predict),
            jobs,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            description="folds",
        )
        probabilities = np.empty((len(data.codes), len(self.classes_)))
        for (_, left_out), part in zip(folds, parts, strict=True):
            probabilities[left_out] = self._coding.probabilities(part)
        return probabilities


def deal(
    codes: np.ndarray, n_folds: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Deal rows to folds at random, by class as far as classes have members for it.

    Returns
    -------
    folds : list of (seen, left_out)
        Indices of rows.

    Raises
    ------
    ValueError
        If there are fewer rows than folds.
    """
    if n_folds > len(codes):
        raise ValueError(
            f"n_folds: must be no more than the {len(codes)} samples, got {n_folds}."
        )
    stratified = np.bincount(codes).max() >= n_folds
    kind = StratifiedKFold if stratified else KFold
    splitter = kind(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        return list(splitter.split(codes, codes))
