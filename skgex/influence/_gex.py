"""GEX: influence through a geometric ensemble, as a feature map."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_memory
from skorch import NeuralNet
from skorch.utils import is_dataset

from skgex._default_net import FINE_TUNING_RATES
from skgex._labels import ClassLabels, wants_classes
from skgex._net import TrainedNet, Trial, revive, steps_per_epoch, take, unwrap
from skgex._random import draw_seeds
from skgex._warn import warn_caller
from skgex.base import Data, Interval, NetEstimator, Query, StrOptions
from skgex.ensemble import Answers, FineTuning, grow
from skgex.ensemble._rate import choose_rate, make_trial
from skgex.ensemble._statistics import (
    MAX_LOSS,
    influence,
    log_likelihood,
    loss_deviations,
    self_influence,
)
from skgex.exceptions import DivergenceWarning, UnknownLabelWarning

# "auto" steps: two passes over the data, but no fewer than this.
MIN_STEPS = 64
N_PASSES = 2


def _predicts_classes(estimator: "GEX") -> bool:
    return wants_classes(estimator._inner_net(), None)


class GEX(ClassNamePrefixFeaturesOutMixin, TransformerMixin, NetEstimator):
    """Influence through a geometric ensemble.

    A trained net θ* is fine-tuned by SGD into M nearby checkpoints θ_1, ..., θ_M. A
    sample z is mapped to its loss deviations Δℓ(z, θ_m) = ℓ(z, θ_m) − ℓ(z, θ*), and
    influence is their inner product.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is meant. A skorch net is cloned and trained;
        ``FrozenEstimator(net)`` is taken as it was trained. None makes a small MLP,
        for classes, trained for as long as the loss of held-out rows falls.
    n_members : int, default=16
        M, the number of checkpoints.
    n_steps : int or "auto", default="auto"
        T, the mini-batch steps that each member is fine-tuned for. "auto" makes two
        passes over the data, or 64 steps if these are more.
    lr : float or "auto", default="auto"
        Learning rate of the fine-tuning. "auto" chooses it by the log-likelihood that
        short ensembles give to held-out labels; the choice costs no more steps than
        one more training of the net.
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
    memory : str, joblib.Memory or None, default=None
        Caches the trained net and the chosen rate, by parameters, data and seed, so
        that a search over the other parameters trains one net a fold.
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

    # y is routable to these methods though scikit-learn's routing knows it as no
    # metadata, and only by this name.
    __metadata_request__predict = {"y": True}  # noqa: RUF012
    __metadata_request__transform = {"y": True}  # noqa: RUF012

    _parameter_constraints: dict = {  # noqa: RUF012
        **NetEstimator._net_constraints,
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "n_steps": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "schedule": [StrOptions({"cosine", "constant"})],
        "chain": ["boolean"],
        "max_samples": [Interval(Real, 0, 1, closed="right")],
        "loss_floor": [Interval(Real, 0, None, closed="left")],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
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
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Map samples to their loss deviations.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...), or Dataset
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their labels. Without them, a row that ``fit`` saw has the label it had
            there, and any other the label that the net predicts, with a warning.

        Returns
        -------
        deviations : ndarray of shape (n_samples, n_members)
            Δℓ(z, θ_m) in nats, in the floating type of the net.
        """
        return self._deviations(self._answer(X, y))

    def self_influence(self, X: Any, y: Any = None) -> np.ndarray:
        """Return the mean squared loss deviation of samples.

        Parameters
        ----------
        X, y
            As for :meth:`transform`.

        Returns
        -------
        self_influence : ndarray of shape (n_samples,), dtype=float64
            I(z, z) = 1/M Σ_m Δℓ(z, θ_m)², in nats². High for a sample that the net
            had to memorise.
        """
        return self._self_influence(self._answer(X, y))

    def influence(self, X: Any, y: Any, X_other: Any, y_other: Any) -> np.ndarray:
        """Return the influence between each of some samples and each of others.

        Parameters
        ----------
        X, y
            Samples and their labels, as for :meth:`transform`.
        X_other, y_other
            Other samples and their labels.

        Returns
        -------
        influence : ndarray of shape (n_samples, n_other), dtype=float64
            I(z, z') = 1/M Σ_m Δℓ(z, θ_m) Δℓ(z', θ_m), in nats².
        """
        return influence(self.transform(X, y), self.transform(X_other, y_other))

    @available_if(_predicts_classes)
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
        higher held-out score find more of the noise.

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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # the net's, whatever comes
        return tags

    @property
    def net_(self) -> NeuralNet:
        """A skorch net with the weights of θ*, made anew each time."""
        self._require_fitted()
        return revive(self.ensemble_.trained)

    @property
    def _n_features_out(self) -> int:
        return len(self.ensemble_.members)

    def _fit(self, data: Data) -> None:
        net_seed, trial_seed, rate_seed, member_seed = draw_seeds(
            check_random_state(self.random_state), 4
        )
        trained, trial = self._train(data, net_seed, trial_seed)
        tuning = self._tuning(trained, data, trial, trial_seed, rate_seed)
        self.lr_, self.n_steps_ = tuning.lr, tuning.n_steps
        self.ensemble_, answers = grow(
            trained,
            data.X,
            data.targets,
            tuning,
            draw_seeds(np.random.RandomState(member_seed), int(self.n_members)),
            chain=self.chain,
            max_samples=self.max_samples,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self._warn_of_divergence(answers)
        self._answers = answers.finite()
        self.self_influence_ = self._self_influence(self._answers)

    def _tuning(
        self,
        trained: TrainedNet,
        data: Data,
        trial: Trial | None,
        trial_seed: int,
        rate_seed: int,
    ) -> FineTuning:
        """Settle the steps and the rate of the members."""
        X, codes, targets = data
        n_steps = self.n_steps
        if n_steps == "auto":
            per_pass = steps_per_epoch(revive(trained), X, targets)
            n_steps = max(N_PASSES * per_pass, MIN_STEPS)
        lr = np.nan if self.lr == "auto" else float(self.lr)
        tuning = FineTuning(int(n_steps), lr, float(self.momentum), self.schedule)
        if self.lr != "auto":
            return tuning
        memory = check_memory(self.memory)
        rates = None if trial is None else FINE_TUNING_RATES
        if trial is None:
            net = unwrap(self.net)[0]
            strata = codes if isinstance(self._coding, ClassLabels) else None
            trial = memory.cache(make_trial)(net, X, targets, strata, trial_seed)
        choose = memory.cache(choose_rate, ignore=["n_jobs"])
        coding, n_jobs = self._coding, self.n_jobs
        return tuning._replace(
            lr=choose(
                trial, X, targets, codes, coding, tuning, rate_seed, rates, n_jobs
            )
        )

    def _self_influence(self, answers: Answers) -> np.ndarray:
        return self_influence(self._deviations(answers), answers.counted)

    def _deviations(self, answers: Answers) -> np.ndarray:
        return loss_deviations(answers.losses, answers.reference, self.loss_floor)

    def _answer(self, X: Any, y: Any = None, *, warn: bool = True) -> Answers:
        """Answer from what ``fit`` saw where it can, and by the members elsewhere."""
        return self._answer_query(self._ask(X, y, warn=warn), warn=warn)

    def _ask(self, X: Any, y: Any, *, warn: bool) -> Query:
        self._require_fitted()
        return self._query(X, y, self.ensemble_.trained, warn=warn)

    def _answer_query(self, query: Query, *, warn: bool) -> Answers:
        if is_dataset(query.X):
            return self.ensemble_.answer(query.X, n_jobs=self.n_jobs).finite()
        answers, new = self._answers.take(query.index), query.new
        if not new.any():
            return answers
        asked = take(query.X, query.targets, new)
        fresh = self.ensemble_.answer(*asked, n_jobs=self.n_jobs).finite()
        unknown = self._coding.unknown(query.codes[new])
        if unknown.any():
            # As improbable as can be under every member, from no loss at all.
            fresh.losses[unknown], fresh.reference[unknown] = MAX_LOSS, 0
            if warn:
                warn_caller(
                    f"{unknown.sum()} labels were never seen in fit; they count as "
                    "wrong.",
                    UnknownLabelWarning,
                )
        answers.put(new, fresh)
        return answers

    def _warn_of_divergence(self, answers: Answers) -> None:
        chance = np.inf
        if isinstance(self._coding, ClassLabels):
            chance = np.log(len(self._coding.classes))
        finite = np.isfinite(answers.losses).all(axis=0)
        diverged = ~finite | (np.nan_to_num(answers.losses).mean(axis=0) > chance)
        if diverged.any():
            warn_caller(
                f"{diverged.sum()} of {len(diverged)} members diverged at the learning "
                f"rate {self.lr_:g}: their losses are not finite, or above the chance "
                f"level of {chance:.2f} nats. A lower lr is needed.",
                DivergenceWarning,
            )
