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
    """Influence through a geometric ensemble (Kim et al. 2023).

    A net is trained, which gives the weights θ*. It is then fine-tuned by SGD, several
    times and with other batches each time, which gives M nearby nets θ_1, ..., θ_M, the
    members of the ensemble. A sample z is mapped to M features, its loss deviations
    Δℓ(z, θ_m) = ℓ(z, θ_m) − ℓ(z, θ*): by how much its loss ℓ, in nats for a likelihood,
    differs under each member.

    Influence is the mean product of loss deviations,
    I(z, z') = 1/M Σ_m Δℓ(z, θ_m) Δℓ(z', θ_m). It is high for two samples whose losses
    rise and fall together. Self-influence I(z, z) is high for a sample that the net had
    to memorise: its loss rises as soon as the net moves.

    Do not use the output of ``transform`` as features for a classifier: loss deviations
    leak the label.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is used. A skorch net is cloned and the clone is trained.
        ``FrozenEstimator(net)`` is used with its present weights. None trains a small
        MLP, for class labels only, until its loss on held-out rows stops falling.
    n_members : int or "auto", default=16
        M, the number of members. More members make the ranking of rows less random, at
        a proportional cost. "auto" grows 16, 32 or 64, until the ranking is stable: an
        infinite ensemble would confirm an estimated 95% of the rows of highest
        self-influence, on average over all depths down to a fifth of the rows. A
        warning is raised if 64 are too few. It compares two halves of the members and
        holds their predictions meanwhile.
    n_steps : int or "auto", default="auto"
        T, the number of mini-batch steps for which each member is fine-tuned. More
        steps move members further from the trained net. "auto" is one pass over the
        data, but at least 64 steps.
    lr : float or "auto", default="auto"
        Learning rate of the fine-tuning. A higher rate moves members further from the
        trained net. "auto" takes the highest rate, up to 0.2, at which a short trial
        ensemble predicts held-out labels about as well as at the best rate tried. The
        choice takes no more steps than one more training of the net.
    momentum : float, default=0.9
        Momentum of the SGD steps, in [0, 1). A larger value moves members further.
    schedule : {"cosine", "constant"}, default="cosine"
        How the learning rate changes over the steps. "cosine" lets it fall to zero as
        half a cosine wave. "constant" keeps it and clips the norm of the gradient at 1.
    chain : bool, default=False
        If True, start each member from the one before it instead of from the trained
        net, as the official code does. Members of a chain cannot be made in parallel.
    max_samples : float, default=1.0
        Share of the rows, in (0, 1], on which each member is fine-tuned. Below 1, each
        fitted row is scored only by the members that were not fine-tuned on it.
    loss_floor : float, default=0.0
        Lower bound, in nats, on the loss under the trained net: a smaller loss counts
        as this. A larger value lowers the loss deviations of rows that the net fits
        well (official code: 0.05).
    keep_members : bool, default=True
        Keep the members' weights. If False, only rows seen in ``fit`` can be scored;
        parallel workers then return losses instead of weights.
    warm_start : bool, default=False
        If True, ``fit`` continues from the last fit on the same data: the net is not
        trained again, a learning rate that was chosen is kept, and only missing members
        are fine-tuned. A smaller ``n_members`` costs nothing. Each member's predictions
        for the fitted rows are held in memory for this.
    memory : str, joblib.Memory or None, default=None
        Directory or ``joblib.Memory`` that caches the trained net, the chosen learning
        rate and the members, for a later fit with the same net, data and seed. A search
        over the other parameters trains one net per fold; a larger ``n_members`` reuses
        the members already cached. ``joblib.Memory(path, mmap_mode="r")`` leaves the
        members on disk if there are too many for memory. None caches nothing.
    n_jobs : int or None, default=None
        Number of members that joblib fine-tunes in parallel; -1 uses all processors,
        None means 1 outside of ``joblib.parallel_config``. Results do not depend on it.
    verbose : int, default=0
        If above 0, show a progress bar over the members.
    random_state : int, RandomState or None, default=None
        Seed of all that is random, such as initial weights and the order of batches.
        Pass an int for the same results every time. The global random states of
        Python, NumPy and PyTorch are left as they were.

    Attributes
    ----------
    ensemble_ : GeometricEnsemble
        The trained net and its members.
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only if labels are classes.
    lr_ : float
        The learning rate of the members.
    n_members_ : int
        Number of members.
    n_steps_ : int
        Number of mini-batch steps of each member.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Self-influence of the fitted rows, in nats², higher = more suspicious.

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

        If ``max_samples`` is below 1, those of a row seen in ``fit`` are averaged only
        over the members that were not fine-tuned on it.

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

        It serves to choose parameters by held-out labels, of which some may be wrong.
        Parameters of a clearly higher score find more of the wrong labels. Of learning
        rates with similar scores, higher ones find more.

        Parameters
        ----------
        X, y
            Samples and their labels, as for :meth:`transform`. A label not seen in
            ``fit`` has the probability zero, which counts as exp(-87.3).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the mean.

        Returns
        -------
        score : float
            In nats, higher is better. For regression targets: the mean, over the
            samples, of the log of the members' mean of exp(-loss).
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
