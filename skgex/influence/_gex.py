"""GEX: influence through a geometric ensemble, as a feature map."""

import warnings
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from joblib import Memory
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_memory
from skorch import NeuralNet
from skorch.utils import is_dataset
from torch.utils.data import Subset

from skgex._default_net import FINE_TUNING_RATES, make_default_net
from skgex._labels import ClassLabels, Coding, Values, coding_of, wants_classes
from skgex._net import (
    TrainedNet,
    check_loss,
    evaluate,
    holds_rows_out,
    initialised,
    is_row_by_row,
    n_outputs,
    revive,
    snapshot,
    steps_per_epoch,
    targets_of,
    train,
    unwrap,
)
from skgex._random import draw_seeds, seeded
from skgex._seen import SeenRows
from skgex.base import Interval, NetEstimator, StrOptions
from skgex.ensemble import Answers, FineTuning, grow
from skgex.ensemble._rate import Trial, choose_rate, make_trial, stop_early
from skgex.ensemble._statistics import (
    MAX_LOSS,
    finite_losses,
    influence,
    log_likelihood,
    loss_deviations,
    self_influence,
)
from skgex.exceptions import (
    DivergenceWarning,
    HeldOutRowsWarning,
    RefitWarning,
    SlowCriterionWarning,
    UnknownLabelWarning,
    UnlabelledRowsWarning,
)

# "auto" steps: two passes over the data, but no fewer than this.
MIN_STEPS = 64
N_PASSES = 2


class _Data(NamedTuple):
    """Samples, and their labels as codes and as the net takes them.

    For a Dataset, which holds its targets itself, ``targets`` is None.
    """

    X: Any
    codes: np.ndarray | None
    targets: np.ndarray | None


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
        "net": [NeuralNet, FrozenEstimator, None],
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "n_steps": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "schedule": [StrOptions({"cosine", "constant"})],
        "chain": ["boolean"],
        "max_samples": [Interval(Real, 0, 1, closed="right")],
        "loss_floor": [Interval(Real, 0, None, closed="left")],
        "memory": [str, Memory, None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
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
        answers = self._answer(X, y)
        return self_influence(self._deviations(answers), answers.counted)

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
        return self._answer(X, predicting=True).outputs

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
        answers, codes = self._answer_coded(X, y, scoring=True)
        each = self._coding.likelihood(codes, answers.outputs, answers.losses)
        return float(np.average(log_likelihood(each), weights=sample_weight))

    @property
    def net_(self) -> NeuralNet:
        """A skorch net with the weights of θ*, made anew each time."""
        self._require_fitted()
        return revive(self.ensemble_.trained)

    @property
    def _n_features_out(self) -> int:
        return len(self.ensemble_.members)

    def _fit(self, X: Any, y: np.ndarray | None) -> "GEX":
        net_seed, trial_seed, rate_seed, member_seed = draw_seeds(
            check_random_state(self.random_state), 4
        )
        data = self._encode(X, y)
        trained, trial = self._train(data, net_seed, trial_seed)
        tuning = self._tuning(trained, data, trial, trial_seed, rate_seed)
        self.lr_, self.n_steps_ = tuning.lr, tuning.n_steps
        member_seeds = draw_seeds(
            np.random.RandomState(member_seed), int(self.n_members)
        )
        self.ensemble_, answers = grow(
            trained,
            data.X,
            data.targets,
            tuning,
            member_seeds,
            chain=self.chain,
            max_samples=self.max_samples,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        self._warn_of_divergence(answers)
        self._answers, self._codes = _finite(answers), data.codes
        self._seen = None if is_dataset(X) else SeenRows(X, data.codes)
        self.self_influence_ = self_influence(
            self._deviations(self._answers), answers.counted
        )
        return self

    def _encode(self, X: Any, y: np.ndarray | None) -> _Data:
        """Find the labels' coding, and refuse what the net could not take."""
        if self.net is None:
            self._labelled = True
            self._coding: Coding = coding_of(
                None, y, frozen=False, dtype=self._dtype, n_outputs=None
            )
            self.classes_ = self._coding.classes
            codes = self._coding.encode(y)
            return _Data(X, codes, self._coding.targets(codes))
        net, frozen = unwrap(self.net)
        probe = revive(snapshot(net)) if frozen else initialised(net)
        width = n_outputs(probe, _few(X))
        if is_dataset(X):
            y, frozen = targets_of(probe, X), True
        self._labelled = y is not None
        if y is None:
            self._coding = Values(self._dtype, ())
            check_loss(probe, _few(X), None)
            return _Data(X, np.zeros(len(X), self._dtype), None)
        self._coding = coding_of(
            net, y, frozen=frozen, dtype=self._dtype, n_outputs=width
        )
        codes = self._coding.encode(y)
        targets = None if is_dataset(X) else self._coding.targets(codes)
        check_loss(probe, _few(X), None if targets is None else _few(targets))
        if isinstance(self._coding, ClassLabels):
            self.classes_ = self._coding.classes
        if is_row_by_row(probe):
            warnings.warn(
                "The net's criterion has no `reduction`, so losses are taken sample "
                "by sample, which is slow.",
                SlowCriterionWarning,
                stacklevel=4,
            )
        return _Data(X, codes, targets)

    def _train(
        self, data: _Data, net_seed: int, trial_seed: int
    ) -> tuple[TrainedNet, Trial | None]:
        """Train the net, if it is not; the default net needs a trial for it."""
        memory = check_memory(self.memory)
        X, codes, targets = data
        if self.net is None:
            net = make_default_net(X, len(self.classes_))
            trial, n_epochs = memory.cache(stop_early)(
                net, X, targets, codes, trial_seed
            )
            net.set_params(max_epochs=n_epochs)
            return memory.cache(train)(net, X, targets, net_seed), trial
        net, frozen = unwrap(self.net)
        if frozen:
            return snapshot(net), None
        if net.initialized_:
            warnings.warn(
                "net was fitted already; a clone of it is trained anew. To judge by "
                "its present weights, pass FrozenEstimator(net).",
                RefitWarning,
                stacklevel=4,
            )
        if holds_rows_out(net):
            warnings.warn(
                "net holds rows out of its training by its train_split; it cannot "
                "memorise their labels. Pass train_split=None to train on all.",
                HeldOutRowsWarning,
                stacklevel=4,
            )
        return memory.cache(train)(net, X, targets, net_seed), None

    def _tuning(
        self,
        trained: TrainedNet,
        data: _Data,
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

    def _deviations(self, answers: Answers) -> np.ndarray:
        return loss_deviations(answers.losses, answers.reference, self.loss_floor)

    def _answer(self, X: Any, y: Any = None, *, predicting: bool = False) -> Answers:
        return self._answer_coded(X, y, predicting=predicting)[0]

    def _answer_coded(
        self, X: Any, y: Any = None, *, predicting: bool = False, scoring: bool = False
    ) -> tuple[Answers, np.ndarray]:
        """Answer from what ``fit`` saw where it can, and by the members elsewhere."""
        self._require_fitted()
        X, y = self._check(X, "no labels" if y is None else y)
        if is_dataset(X):
            answers = _finite(self.ensemble_.answer(X, n_jobs=self.n_jobs))
            return answers, self._coding.encode(answers.targets)
        codes = None if y is None else self._coding.encode(y)
        if self._seen is None:
            index = np.full(len(X), -1)
        else:
            index = self._seen.find(X, codes)
        new = index < 0
        answers = self._answers.take(index)
        if codes is None:
            codes = self._codes[index]
            if new.any():
                codes[new] = self._predicted(X[new], silent=predicting)
        if new.any():
            answers.put(new, self._answer_new(X[new], codes[new], silent=scoring))
        return answers, codes

    def _answer_new(self, X: np.ndarray, codes: np.ndarray, silent: bool) -> Answers:
        targets = self._coding.targets(codes) if self._labelled else None
        answers = _finite(self.ensemble_.answer(X, targets, n_jobs=self.n_jobs))
        unknown = self._coding.unknown(codes)
        if unknown.any():
            # As improbable as can be under every member, and no surprise to forget.
            answers.losses[unknown], answers.reference[unknown] = MAX_LOSS, 0
            if not silent:
                warnings.warn(
                    f"{unknown.sum()} labels were never seen in fit; they count as "
                    "wrong.",
                    UnknownLabelWarning,
                    stacklevel=5,
                )
        return answers

    def _predicted(self, X: np.ndarray, silent: bool) -> np.ndarray:
        """Return the codes that the net predicts for rows without labels."""
        if not self._labelled:
            return np.zeros(len(X), self._dtype)
        filler = self._coding.targets(np.zeros_like(self._codes[:1]).repeat(len(X), 0))
        if not silent:
            warnings.warn(
                f"{len(X)} rows were not seen in fit and came without labels; the "
                "labels that the net predicts stand in. Pass y to judge given ones.",
                UnlabelledRowsWarning,
                stacklevel=5,
            )
        with seeded(0):
            return self._coding.code_of(evaluate(self.net_, X, filler).outputs)

    def _warn_of_divergence(self, answers: Answers) -> None:
        chance = np.inf
        if isinstance(self._coding, ClassLabels):
            chance = np.log(len(self._coding.classes))
        finite = np.isfinite(answers.losses).all(axis=0)
        diverged = ~finite | (np.nan_to_num(answers.losses).mean(axis=0) > chance)
        if diverged.any():
            warnings.warn(
                f"{diverged.sum()} of {len(diverged)} members diverged at the learning "
                f"rate {self.lr_:g}: their losses are not finite, or above the chance "
                f"level of {chance:.2f} nats. A lower lr is needed.",
                DivergenceWarning,
                stacklevel=4,
            )


def _finite(answers: Answers) -> Answers:
    return Answers(
        finite_losses(answers.reference),
        finite_losses(answers.losses),
        answers.outputs,
        answers.targets,
        answers.counted,
    )


def _few(values: Any) -> Any:
    """Return two samples; of a Dataset its beginning."""
    if not is_dataset(values):
        return values[:2]
    return Subset(values, range(2))
