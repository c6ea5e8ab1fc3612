"""A judge of plans: by which training set held-out rows are explained best."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing

from skgex._data.groups import Fold, GroupedStrata, check_groups, n_units
from skgex.cleaning._noisy_labels import (
    Explanation,
    explain,
    highest_noise_rate,
)
from skgex.cleaning._plans import Plan, as_they_are, fit_by
from skgex.detection._noise_rate import flow_of
from skgex.hardness._folded import deal

# A difference counts if it exceeds this number of standard errors. The best of several
# plans that all do harm is ahead by one by chance too often.
N_ERRORS = 2

# How probable it is that fits on rows as they are tell which labels are true, though
# fits by a plan explain the labels better. A plan that makes a classifier too sure
# explains away, as noise, the labels that it gets wrong.
DOUBT = 0.15

# Probabilities below this count as this, as in scikit-learn's log_loss.
LEAST = np.finfo(np.float64).eps


class Verdict(NamedTuple):
    """The plan to go by, and what speaks for it.

    Attributes
    ----------
    plan : Plan
        Of the highest gain if that exceeds twice its standard error; else the plan that
        leaves all rows as they are.
    gain : float
        The highest gain, in nats per row; in accuracy where there are no
        probabilities; NaN if nothing could be judged.
    gain_std : float
        Its standard error.
    noise_rate : float
        Share of labels that were changed at random, by the held-out rows; NaN where
        there are no probabilities.
    """

    plan: Plan
    gain: float
    gain_std: float
    noise_rate: float


class Judge:
    """Fits a classifier by plans on some folds, and looks at the labels of the others.

    Parameters
    ----------
    estimator : estimator
        The classifier.
    X : data frame, ndarray or sparse matrix of n_samples rows
    y : ndarray of shape (n_samples,)
        Labels as given.
    n_folds : int
        Fits per plan.
    sample_weight : ndarray of shape (n_samples,), default=None
        What rows weigh in the fits and in the gain.
    groups : array-like of shape (n_samples,), default=None
        Groups of rows that no fold may divide.
    noise_matrix : ndarray of shape (n_classes, n_classes), default=None
        P(given label = column | true label = row) by a detector, of which it matters to
        which classes wrong labels go. None lets them go to all others alike.
    surely_noisy : bool, default=False
        Whether a detector is sure that there are wrong labels, so that the folds need
        not show it again.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        y: np.ndarray,
        n_folds: int,
        sample_weight: np.ndarray | None = None,
        groups: Any = None,
        noise_matrix: np.ndarray | None = None,
        surely_noisy: bool = False,
    ):
        self.estimator, self.X, self.y = estimator, X, y
        self.n_folds, self.sample_weight, self.groups = n_folds, sample_weight, groups
        self.classes, self.codes = np.unique(y, return_inverse=True)
        self.flow = flow_of(noise_matrix, len(self.classes))
        self.surely_noisy = surely_noisy

    @cached_property
    def folds(self) -> list[Fold]:
        """The rows to fit on and those left out, the same whenever it is asked."""
        groups = check_groups(self.groups, len(self.y))
        strata = self.codes if groups is None else GroupedStrata(self.codes, groups)
        n_folds = min(self.n_folds, n_units(len(self.y), strata))
        return deal(strata, n_folds, seed=0)

    def verdict(
        self,
        plans: Sequence[Plan],
        refine: Callable[[np.ndarray], Plan] | None = None,
    ) -> Verdict:
        """Compare plans with leaving all rows as they are.

        Parameters
        ----------
        plans : sequence of Plan
        refine : callable, default=None
            Makes one more plan from the probability that each label is right.

        Returns
        -------
        verdict : Verdict
        """
        plain = as_they_are(self.y)
        plans = [plan for plan in plans if self._is_possible(plan)]
        if not plans or not self._is_possible(plain):
            return Verdict(plain, np.nan, np.nan, np.nan)
        at_first, *others = (self._held_out(plan) for plan in (plain, *plans))
        if at_first.ndim == 1:
            posterior, rate = None, np.nan
        else:
            posterior, rate = self._believe(at_first, others)
            if refine is not None and rate > 0:
                right = posterior[np.arange(len(self.y)), self.codes]
                plans.append(refine(right))
                others.append(self._held_out(plans[-1]))
        gains = [self._gain(at_first, other, posterior) for other in others]
        best = int(np.argmax([mean for mean, _ in gains]))
        mean, std = gains[best]
        chosen = plans[best] if mean > N_ERRORS * std else plain
        return Verdict(chosen, mean, std, rate)

    def _is_possible(self, plan: Plan) -> bool:
        """Return whether a plan leaves two classes to each fit."""
        used = plan.kept if plan.weights is None else plan.kept & (plan.weights > 0)
        labels = [plan.labels[seen[used[seen]]] for seen, _ in self.folds]
        return all(len(np.unique(part)) > 1 for part in labels)

    def _held_out(self, plan: Plan) -> np.ndarray:
        """Return probabilities of the rows left out, or whether predictions are right.

        Of shape (n_samples, n_classes), or (n_samples,).
        """
        parts = []
        for seen, left_out in self.folds:
            model = fit_by(plan, self.estimator, self.X, self.sample_weight, seen)
            rows = _safe_indexing(self.X, left_out)
            if hasattr(model, "predict_proba"):
                parts.append(_probabilities(model, rows, self.classes))
            else:
                parts.append(np.asarray(model.predict(rows)) == self.y[left_out])
        order = np.argsort(np.concatenate([left_out for _, left_out in self.folds]))
        return np.concatenate(parts).astype(np.float64)[order]

    def _believe(
        self, plain: np.ndarray, others: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, float]:
        """Return the probability of each class to be true, and the rate of noise.

        The labels count as true unless a detector is sure that they are not, or noise
        explains them better, by more than two standard errors. And they are explained
        by the fits on rows as they are unless fits by a plan explain them better, by as
        much; even then with the probability ``DOUBT``, so that a plan is not judged by
        itself alone.
        """
        highest = highest_noise_rate(plain, self.codes)
        true = self._explain(plain, 0.0)
        noisy = self._explain(plain, highest)
        if not (self.surely_noisy or self._is_better(noisy, true)):
            return np.eye(len(self.classes))[self.codes], 0.0
        best = max(
            (self._explain(other, highest) for other in others),
            key=lambda explanation: self._mean(explanation.log_likelihoods)[0],
        )
        if not self._is_better(best, noisy):
            return noisy.posterior, noisy.noise_rate
        posterior = (1 - DOUBT) * best.posterior + DOUBT * noisy.posterior
        return posterior, best.noise_rate

    def _explain(self, probabilities: np.ndarray, highest: float) -> Explanation:
        return explain(probabilities, self.codes, self.folds, highest, self.flow)

    def _is_better(self, one: Explanation, other: Explanation) -> bool:
        mean, std = self._mean(one.log_likelihoods - other.log_likelihoods)
        return mean > N_ERRORS * std

    def _gain(
        self, plain: np.ndarray, other: np.ndarray, posterior: np.ndarray | None
    ) -> tuple[float, float]:
        """Return the mean gain in log-likelihood of the true labels, or in accuracy."""
        if posterior is None:
            return self._mean(other - plain)
        ratio = np.log(np.maximum(other, LEAST)) - np.log(np.maximum(plain, LEAST))
        return self._mean((posterior * ratio).sum(axis=1))

    def _mean(self, values: np.ndarray) -> tuple[float, float]:
        """Return the weighted mean over the rows, and its standard error."""
        weights = np.ones(len(values))
        if self.sample_weight is not None:
            weights = self.sample_weight
        mean = np.average(values, weights=weights)
        squares = np.sum((weights * (values - mean)) ** 2)
        return float(mean), float(np.sqrt(squares) / weights.sum())


def _probabilities(model: Any, X: Any, classes: np.ndarray) -> np.ndarray:
    """Return class probabilities in the order of all classes.

    A net has an output for each class, whether or not it has seen the class.
    """
    found = np.asarray(model.predict_proba(X), dtype=np.float64)
    if found.shape[1] == len(classes):
        return found
    probabilities = np.zeros((len(found), len(classes)))
    probabilities[:, np.searchsorted(classes, model.classes_)] = found
    return probabilities
