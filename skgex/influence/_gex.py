"""GEX: influence through a geometric ensemble, as a feature map."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if
from skorch.utils import is_dataset

from skgex._base.parameters import Interval, StrOptions
from skgex._data.label_coding import wants_classes
from skgex._data.records import Data, Query, take
from skgex._ensemble.cache import MemberCache
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._ensemble.stability import LIMIT, STABLE, stability
from skgex._ensemble.statistics import (
    MAX_LOSS,
    influence,
    log_likelihood,
    loss_deviations,
    self_influence,
)
from skgex._utils.warnings import warn_caller
from skgex.exceptions import ConvergenceWarning
from skgex.influence._ensemble_map import GeometricMap


def predicts_classes(estimator: "GEX") -> bool:
    return wants_classes(estimator._inner_net(), None)


class GEX(GeometricMap):
    """Influence through a geometric ensemble.

    A trained net θ* is fine-tuned by SGD into M nearby checkpoints θ_1, ..., θ_M. A
    sample z is mapped to its loss deviations Δℓ(z, θ_m) = ℓ(z, θ_m) − ℓ(z, θ*), and
    influence is their mean product, I(z, z') = 1/M Σ_m Δℓ(z, θ_m) Δℓ(z', θ_m).

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is meant. A skorch net is cloned and trained;
        ``FrozenEstimator(net)`` is taken as it was trained. None makes a small MLP,
        for classes, trained for as long as the loss of held-out rows falls.
    n_members : int or "auto", default=16
        M, the number of checkpoints. "auto" makes 16, 32 or 64: as many as it takes
        until an estimated 95% of the rows of highest self-influence, down to a fifth
        of all, are those of an infinite ensemble. It compares two halves of the
        members, and holds their predictions meanwhile.
    n_steps : int or "auto", default="auto"
        T, the mini-batch steps that each member is fine-tuned for. "auto" makes one
        pass over the data, or 64 steps if these are more.
    lr : float or "auto", default="auto"
        Learning rate of the fine-tuning. "auto" takes the highest one, up to 0.2, that
        costs short ensembles little of the log-likelihood of held-out labels; the
        choice costs no more steps than one more training of the net.
    momentum : float, default=0.9
        Momentum of SGD.
    schedule : {"cosine", "constant"}, default="cosine"
        The rate falls to zero as a half cosine, or stays and the norm of the gradient
        is clipped at 1.
    chain : bool, default=False
        Start each member from the one before it, as the official code does, in the
        place of θ*. Members of a chain cannot be made side by side.
    max_samples : float, default=1.0
        Share of the rows, in (0, 1], that each member is fine-tuned on. Below 1, each
        fitted row is judged by the members that did not see it.
    loss_floor : float, default=0.0
        The loss under θ* counts as at least this, in nats (official code: 0.05).
    keep_members : bool, default=True
        Keep the members' weights. Without them, the rows that ``fit`` saw are all that
        can be asked about, and members come back from other processes as losses.
    warm_start : bool, default=False
        Let ``fit`` go on from the last one, on the same data: the net is not trained
        again, a rate that was chosen stays, and only members that are not there yet
        are fine-tuned. Fewer ``n_members`` cost nothing. It holds each member's
        predictions of the fitted rows.
    memory : str, joblib.Memory or None, default=None
        Caches the trained net, the chosen rate and the members, by parameters, data
        and seed: a search over the other parameters trains one net a fold, and more
        members extend fewer. ``joblib.Memory(path, mmap_mode="r")`` leaves the members
        on disk, where there are too many for memory.
    n_jobs : int or None, default=None
        Members made side by side through joblib. Answers do not depend on it.
    verbose : int, default=0
        From 1, a progress bar over the members.
    random_state : int, RandomState or None, default=None
        All that is random follows from it. Global generators are left as they were.

    Attributes
    ----------
    ensemble_ : GeometricEnsemble
        The trained net and its members.
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only for classes.
    lr_ : float
        The learning rate of the members.
    n_members_ : int
        The number of members.
    n_steps_ : int
        The steps of each member.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Self-influence of the fitted rows, in nats².

    References
    ----------
    Kim, S., Kim, K. and Yang, E. "GEX: A flexible method for approximating influence
    via Geometric Ensemble." NeurIPS 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.influence import GEX
    >>> X, y = load_iris(return_X_y=True)
    >>> GEX(n_members=4, random_state=0).fit_transform(X, y).shape
    (150, 4)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **GeometricMap._parameter_constraints,
        "n_members": [
            StrOptions({"auto"}),
            *GeometricMap._parameter_constraints["n_members"],
        ],
        "max_samples": [Interval(Real, 0, 1, closed="right")],
        "loss_floor": [Interval(Real, 0, None, closed="left")],
        "keep_members": ["boolean"],
        "warm_start": ["boolean"],
    }

    def __init__(
        self,
        net=None,
        *,
        n_members=16,
        n_steps="auto",
        lr="auto",
        momentum=0.9,
        schedule="cosine",
        chain=False,
        max_samples=1.0,
        loss_floor=0.0,
        keep_members=True,
        warm_start=False,
        memory=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.net = net
        self.n_members = n_members
        self.n_steps = n_steps
        self.lr = lr
        self.momentum = momentum
        self.schedule = schedule
        self.chain = chain
        self.max_samples = max_samples
        self.loss_floor = loss_floor
        self.keep_members = keep_members
        self.warm_start = warm_start
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    @available_if(predicts_classes)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return class probabilities, averaged over the members.

        For rows that ``fit`` saw and ``max_samples`` below 1, these are the
        probabilities under the members that did not see the row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or Dataset
            Samples.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``.
        """
        outputs = self._answer(X, warn=False).outputs
        return self._coding.probabilities(outputs)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the mean log-likelihood of labels under the averaged prediction.

        It needs no ground truth: on labels as noisy as they come, parameters of a
        clearly higher held-out score find more of the noise. Of those that score
        alike, higher learning rates do.

        Parameters
        ----------
        X, y
            Samples and their labels, as for :meth:`transform`. A label that ``fit``
            never saw has the probability zero, taken for exp(-87.3).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the mean.

        Returns
        -------
        score : float
            In nats, higher is better. For targets that are values: the mean log of
            the members' mean of exp(-loss).
        """
        query = self._ask(X, y, warn=False)
        answers = self._answer_query(query, warn=False)
        each = self._coding.likelihood(query.codes, answers.outputs, answers.losses)
        return float(np.average(log_likelihood(each), weights=sample_weight))

    def _fit(self, data: Data) -> None:
        if self.warm_start and self._can_resume():
            self._resume(data)
        else:
            self._drawn, self._held = self._seeds(), MemberCache()
            self._start(data, self._drawn)
        self._answers = self._grow(
            data,
            self._drawn,
            enough=self._is_stable if self.n_members == "auto" else None,
            max_samples=float(self.max_samples),
            keep=self.keep_members,
            held=self._held if self.warm_start else None,
        )
        self.n_members_ = self._answers.losses.shape[1]
        self.self_influence_ = self._self_influence(self._answers)

    def _is_stable(self, *halves: EnsembleEvaluation) -> bool:
        """Judge the ranking by two halves of the members; warn if there are no more.

        Each half has the entropy of its own predictions, which is noise as well.
        """
        reached = stability(*(self._importance(half.finite()) for half in halves))
        n_members = sum(half.losses.shape[1] for half in halves)
        if reached < STABLE and n_members == LIMIT:
            warn_caller(
                f"n_members='auto' stopped at {LIMIT}, where the ranking is not stable "
                f"yet: an estimated {reached:.1%} of the rows that it puts first, down "
                f"to a fifth of all, are those of an infinite ensemble, less than "
                f"{STABLE:.0%}. Pass a number to go beyond.",
                ConvergenceWarning,
            )
        return reached >= STABLE

    def _importance(self, answers: EnsembleEvaluation) -> np.ndarray:
        """Return what samples are ranked by, those that matter highest."""
        return self._self_influence(answers)

    def _can_resume(self) -> bool:
        """Return whether there was a fit, which chose a rate if one is wanted now."""
        was_fitted = hasattr(self, "_seen")
        return was_fitted and (self.lr != "auto" or self._choice is not None)

    def _resume(self, data: Data) -> None:
        """Settle what the last fit left open: the net and a chosen rate stay."""
        if not self._was_fitted_on(data):
            raise ValueError(
                "X, y: warm_start=True goes on from the last fit, which was on other "
                "data; set warm_start=False to begin anew."
            )
        self.n_steps_ = self._count_steps(data)
        self.lr_ = self._choice.lr if self.lr == "auto" else float(self.lr)

    def _ask(self, X: Any, y: Any, *, warn: bool = True) -> Query:
        self._require_fitted()
        forgotten = self.ensemble_.members is None
        query = super()._ask(X, y, warn=warn and not forgotten)
        if forgotten and query.new.any():
            raise ValueError(
                f"X: {query.new.sum()} rows were not seen in fit with these labels; "
                "keep_members=False forgot the members that could judge them."
            )
        return query

    @property
    def _n_features_out(self) -> int:
        return self._answers.losses.shape[1]

    def _features(self, query: Query) -> np.ndarray:
        return self._deviations(self._answer_query(query, warn=True))

    def _judge(self, query: Query) -> np.ndarray:
        return self._self_influence(self._answer_query(query, warn=True))

    def _relate(self, query: Query, others: Query) -> np.ndarray:
        return influence(self._features(query), self._features(others))

    def _self_influence(self, answers: EnsembleEvaluation) -> np.ndarray:
        return self_influence(self._deviations(answers), answers.counted)

    def _deviations(self, answers: EnsembleEvaluation) -> np.ndarray:
        return loss_deviations(answers.losses, answers.reference, self.loss_floor)

    def _answer(
        self, X: Any, y: Any = None, *, warn: bool = True
    ) -> EnsembleEvaluation:
        """Answer from what ``fit`` saw where it can, and by the members elsewhere."""
        return self._answer_query(self._ask(X, y, warn=warn), warn=warn)

    def _answer_query(self, query: Query, *, warn: bool) -> EnsembleEvaluation:
        if is_dataset(query.X):
            return self.ensemble_.answer(query.X, n_jobs=self.n_jobs).finite()
        answers, new = self._answers.take(query.index), query.new
        if not new.any():
            return answers
        asked = take(query.X, query.targets, new)
        fresh = self.ensemble_.answer(*asked, n_jobs=self.n_jobs).finite()
        unknown = self._unknown(query, warn=warn)[new]
        # As improbable as can be under every member, from no loss at all.
        fresh.losses[unknown], fresh.reference[unknown] = MAX_LOSS, 0
        answers.put(new, fresh)
        return answers
