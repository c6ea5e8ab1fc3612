"""A geometric ensemble from its net to its members: what GEX and its kin fit."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, NamedTuple, Protocol

import numpy as np
from sklearn.frozen import FrozenEstimator

from skgex._base.fit_work import TRIAL
from skgex._base.net_training import AnyMemory, train_net, untrained_net
from skgex._base.parameters import N_JOBS, Interval, NetNeed, StrOptions
from skgex._base.validation import GivenNet, skorch_net
from skgex._data.records import Data, take
from skgex._ensemble.cache import AnyCache, DiskMemberCache, MemberCache
from skgex._ensemble.divergence import (
    ChanceLevel,
    chance_level,
    diverged,
    forgot,
    stood_still,
)
from skgex._ensemble.ensemble import GeometricEnsemble, evaluate_trained
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.growth import Growth, evaluate_once
from skgex._ensemble.learning_rate import (
    LEARNING_RATES,
    LearningRateChoice,
    choose_learning_rate,
)
from skgex._ensemble.stability import LIMIT, STABLE, sizes, stability
from skgex._ensemble.stackable import can_batch
from skgex._ensemble.statistics import loss_deviations, self_influence
from skgex._nets.batches import steps_per_epoch
from skgex._nets.broken_net import check_losses
from skgex._nets.parts import check_samplers
from skgex._nets.snapshot import TrainedNet, Weights, revive
from skgex._nets.training import Trial, make_trial
from skgex._utils.memory import check_memory
from skgex._utils.progress import anyone_listens, phase
from skgex._utils.random import Seeds, draw_seeds
from skgex._utils.warnings import warn_caller
from skgex.exceptions import (
    ConvergenceWarning,
    DivergenceWarning,
    UnmovedMembersWarning,
)
from skgex.influence._ensemble_work import (
    CHOICE,
    GROWTH,
    REFERENCE,
    batch_size_of,
    expect_choice,
    expect_members,
)

# "auto" steps: one pass over the data, but no fewer than this. On 10,000 images two
# passes found no more wrong labels.
MIN_STEPS = 64

# How often a learning rate that was chosen is divided by four, if members forget.
MAX_LOWERED = 5

# Ranks samples, those that matter highest, by what members say of them.
Ranking = Callable[[EnsembleEvaluation], np.ndarray]

# What all estimators with a geometric ensemble demand of the parameters they share.
ENSEMBLE_CONSTRAINTS: dict[str, list] = {
    "n_steps": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
    "lr": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither")],
    "momentum": [Interval(Real, 0, 1, closed="left")],
    "schedule": [StrOptions({"cosine", "constant"})],
    "chain": ["boolean"],
    "n_jobs": N_JOBS,
    "verbose": ["verbose"],
}


class EnsembleParameters(Protocol):
    """The parameters of an estimator that fits a geometric ensemble."""

    net: GivenNet
    n_members: Any
    n_steps: Any
    lr: Any
    momentum: float
    schedule: str
    chain: bool
    memory: AnyMemory
    n_jobs: int | None


class HeldOut(NamedTuple):
    """Labels that the trial net was not trained on, and what it predicts.

    Attributes
    ----------
    codes : ndarray of shape (n_held_out, ...)
        As given.
    outputs : ndarray of shape (n_held_out, ...)
        By the trial net; averaged over a short ensemble around it if the learning rate
        was chosen.
    """

    codes: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True, eq=False)
class FittedEnsemble:
    """A geometric ensemble, and what its members say of the fitted rows.

    Attributes
    ----------
    ensemble : GeometricEnsemble
    evaluation : EnsembleEvaluation
        Of the fitted rows.
    tuning : FineTuning
        How the members were fine-tuned.
    seeds : Seeds
    choice : LearningRateChoice or None
        None where the learning rate was given.
    cache : MemberCache
        The members, for a fit that goes on from this one; empty if none is to.
    loss_floor : float
        The loss under θ* counts as at least this, in nats.
    diverged : bool
        Whether all members diverged, at a learning rate that was given.
    start : dict or None
        Weights of the trial net that every second member starts from; None if all
        start from θ*.
    held_out : HeldOut or None
        None if there was no trial.
    """

    ensemble: GeometricEnsemble
    evaluation: EnsembleEvaluation
    tuning: FineTuning
    seeds: Seeds
    choice: LearningRateChoice | None
    cache: MemberCache
    loss_floor: float
    diverged: bool
    start: Weights | None
    held_out: HeldOut | None

    def attributes(self) -> dict[str, Any]:
        """Return the public attributes of the ensemble."""
        return {
            "ensemble_": self.ensemble,
            "lr_": self.tuning.lr,
            "n_steps_": self.tuning.n_steps,
        }

    def deviations(self, evaluation: EnsembleEvaluation) -> np.ndarray:
        """Return the loss deviations of samples under the members around θ*, in nats.

        Of shape (n_samples, n_members), or half as many columns if every second member
        starts from another net.
        """
        return deviations_of(evaluation, self.loss_floor)

    def self_influence(self, evaluation: EnsembleEvaluation) -> np.ndarray:
        """Return the self-influence of samples, (n_samples,), in nats²."""
        return self_influence_of(evaluation, self.loss_floor)


def fit_ensemble(
    parameters: EnsembleParameters,
    data: Data,
    seeds: Seeds,
    *,
    rank: Ranking | None = None,
    stops_early: bool = False,
    max_samples: float = 1.0,
    keep_members: bool = True,
    loss_floor: float = 0.0,
    splits_start: bool = False,
    last: FittedEnsemble | None = None,
    keeps_cache: bool = False,
) -> FittedEnsemble:
    """Train the net, choose the learning rate, and grow the members around it.

    Parameters
    ----------
    parameters : EnsembleParameters
        Usually the estimator; nothing is written to it.
    data : Data
    seeds : Seeds
    rank : callable or None
        The ranking that must be stable before no more members are grown, where
        ``n_members`` is "auto". None grows as many as ``n_members``.
    stops_early : bool, default=False
        Train a given net only for as many epochs as the loss of held-out labels falls.
    max_samples : float in (0, 1], default=1.0
        Share of the rows that each member is fine-tuned on.
    keep_members : bool, default=True
        Keep the members' weights.
    loss_floor : float, default=0.0
        The loss under θ* counts as at least this, in nats.
    splits_start : bool, default=False
        Start every second member from the trial net, if θ* was trained here and there
        is a trial; but not if the choice of the rate shows that it has much to learn.
    last : FittedEnsemble or None
        A fit on the same data to go on from: its net, a rate that it chose, and its
        members stay.
    keeps_cache : bool, default=False
        Keep the members for a later fit to go on from.

    Returns
    -------
    fitted : FittedEnsemble

    Raises
    ------
    ValueError
        If the trained net is no use, or all members diverge under lr="auto".
    """
    if parameters.lr == "auto" or max_samples < 1:
        check_samplers(skorch_net(parameters.net))
    known = {
        "chooses": parameters.lr == "auto" and last is None,
        "stops_early": stops_early,
    }
    _expect(parameters, data, None, None, **known)
    trained, trial = _train(parameters, data, seeds, stops_early, last)
    kept = last.cache if last else MemberCache()
    cache = _cache_to_use(parameters, data, trained, kept, keeps_cache)
    _expect(parameters, data, trained, trial, **known)
    with phase(REFERENCE):
        reference = evaluate_once(trained, data.X, data.targets, cache)
    check_losses(reference.losses)  # before the choice of the rate and the members
    tuning = _tuning(parameters, data, trained)
    choice = last.choice if last else None
    if parameters.lr == "auto":
        if choice is None:
            trial = trial or _make_trial(parameters, data, seeds)
            choice = _choose_lr(parameters, data, seeds, trial, tuning)
        tuning = tuning._replace(lr=choice.lr)
        splits_start &= choice.settled
    tried = has_trial(parameters, stops_early)
    start = last.start if last else _start_of(parameters, trained, trial)
    growth = Growth(
        trained,
        data.X,
        data.targets,
        tuning,
        draw_seeds(np.random.RandomState(seeds.members), max(_sizes(parameters))),
        chain=parameters.chain,
        max_samples=max_samples,
        keep_weights=keep_members,
        cache=cache,
        n_jobs=parameters.n_jobs,
        groups=data.groups,
        reference=reference,
        start=start if splits_start and tried and not parameters.chain else None,
    )
    unseen_loss = choice.held_out_loss(data.coding) if choice else -np.inf
    for n_members in _sizes(parameters):
        with phase(GROWTH):
            ensemble, evaluation, growth = _grow(
                growth, n_members, data, parameters.lr, unseen_loss
            )
        if rank and is_stable(rank, *growth.halves(n_members)):
            break
    growth.retain(n_members)
    if choice and parameters.lr == "auto":
        choice = choice._replace(lr=growth.tuning.lr)
    return FittedEnsemble(
        ensemble,
        evaluation.finite(),
        growth.tuning,
        seeds,
        choice,
        kept if keeps_cache else MemberCache(),
        loss_floor,
        _check_members(evaluation, data, growth, parameters.lr, unseen_loss),
        start if splits_start or keeps_cache else None,
        _held_out(data, choice, trial, last) if tried else None,
    )


def stops_in_time(net: GivenNet, stops_early: bool) -> bool:
    """Return whether a trial says for how many epochs a net is trained."""
    return net is None or (stops_early and not isinstance(net, FrozenEstimator))


def has_trial(parameters: EnsembleParameters, stops_early: bool) -> bool:
    """Return whether a trial is made, where this fit does not go on from another."""
    return parameters.lr == "auto" or stops_in_time(parameters.net, stops_early)


def _held_out(
    data: Data,
    choice: LearningRateChoice | None,
    trial: Trial | None,
    last: FittedEnsemble | None,
) -> HeldOut | None:
    """Return what is known of rows that a trial held out, if there was one."""
    if choice is not None:
        return HeldOut(choice.codes, choice.outputs)
    if last is not None or trial is None or not data.has_classes:
        return None if last is None else last.held_out
    rows = take(data.X, data.targets, trial.held_out)
    outputs = evaluate_trained(trial.trained, *rows).outputs
    return HeldOut(data.codes[trial.held_out], outputs)


def deviations_of(evaluation: EnsembleEvaluation, loss_floor: float) -> np.ndarray:
    """Return the loss deviations of samples, (n_samples, n_members), in nats.

    A deviation is one from θ*, so that only members that start from θ* have any.
    """
    losses = evaluation.around_trained().losses
    return loss_deviations(losses, evaluation.reference, loss_floor)


def self_influence_of(evaluation: EnsembleEvaluation, loss_floor: float) -> np.ndarray:
    """Return the self-influence of samples, (n_samples,), in nats²."""
    counted = evaluation.around_trained().counted
    return self_influence(deviations_of(evaluation, loss_floor), counted)


def is_stable(
    rank: Ranking, first: EnsembleEvaluation, second: EnsembleEvaluation
) -> bool:
    """Return whether two halves of the members rank the samples alike.

    Each half has the entropy of its own predictions, which is noise as well. A warning
    is raised where there may be no more members.
    """
    reached = stability(rank(first.finite()), rank(second.finite()))
    n_members = first.n_members + second.n_members
    if reached < STABLE and n_members == LIMIT:
        warn_caller(
            f"n_members='auto' stopped at {LIMIT}, where the ranking is not stable "
            f"yet: an estimated {reached:.1%} of the rows that it puts first, down "
            f"to a fifth of all, are those of an infinite ensemble, less than "
            f"{STABLE:.0%}. Pass a number to go beyond.",
            ConvergenceWarning,
        )
    return reached >= STABLE


def _grow(
    growth: Growth, n_members: int, data: Data, lr: float | str, unseen_loss: float
) -> tuple[GeometricEnsemble, EnsembleEvaluation, Growth]:
    """Grow the first members, at a lower rate than the chosen one if that is too high.

    The rate was chosen by short ensembles. Members that take all steps may forget what
    the net has learnt all the same; if most of them do, a quarter of the rate is taken.
    They may forget what does not help with labels that the net never saw.
    """
    ensemble, evaluation = growth.grow(n_members)
    for _ in range(MAX_LOWERED if lr == "auto" else 0):
        chance = _chance_level(evaluation, data, growth)
        lost = diverged(evaluation, chance) | forgot(evaluation, chance, unseen_loss)
        if lost.mean() <= 0.5:
            break
        tuning = growth.tuning._replace(lr=growth.tuning.lr / 4)
        growth = replace(growth, tuning=tuning)
        ensemble, evaluation = growth.grow(n_members)
    return ensemble, evaluation, growth


def _check_members(
    evaluation: EnsembleEvaluation,
    data: Data,
    growth: Growth,
    lr: float | str,
    unseen_loss: float,
) -> bool:
    """Warn of members that went wrong, and return whether all of them diverged.

    Raises
    ------
    ValueError
        If all diverged at every learning rate of lr="auto".
    """
    chance, rate = _chance_level(evaluation, data, growth), growth.tuning.lr
    lost = diverged(evaluation, chance)
    if lost.all() and lr == "auto":
        raise ValueError(
            f"lr='auto': all members diverged, at the learning rate {rate:.2g} as "
            "well. Scale the inputs and the targets of a regression "
            "(sklearn.preprocessing.StandardScaler), or pass a lower lr."
        )
    if lost.any():
        warn_caller(
            f"{lost.sum()} of {len(lost)} members diverged at the learning "
            f"rate {rate:g}: their losses are not finite, or above the chance "
            f"level of {chance.mean:.2f} nats. A lower lr is needed.",
            DivergenceWarning,
        )
    elif forgot(evaluation, chance, unseen_loss).mean() > 0.5:
        warn_caller(
            f"Most members forgot what the net had learnt at the learning rate "
            f"{rate:g}: their losses are near the chance level of {chance.median:.2f} "
            "nats. A lower lr is needed.",
            DivergenceWarning,
        )
    elif stood_still(evaluation):
        warn_caller(
            f"The members did not move at the learning rate {rate:g}: their losses "
            "are those of the net, so that they show nothing. Pass a higher lr, or "
            "scale the targets of a regression to a standard deviation of about 1.",
            UnmovedMembersWarning,
        )
    return bool(lost.all())


def _chance_level(
    evaluation: EnsembleEvaluation, data: Data, growth: Growth
) -> ChanceLevel:
    return chance_level(data.coding, data.codes, evaluation, growth.trained)


def _train(
    parameters: EnsembleParameters,
    data: Data,
    seeds: Seeds,
    stops_early: bool,
    last: FittedEnsemble | None,
) -> tuple[TrainedNet, Trial | None]:
    """Train the net, or take that of the last fit."""
    if last is not None:
        return last.ensemble.trained, None
    net, need = parameters.net, NetNeed.TRAINED
    memory = parameters.memory
    return train_net(net, data, need, seeds, memory, stops_early=stops_early)


def _expect(
    parameters: EnsembleParameters,
    data: Data,
    trained: TrainedNet | None,
    trial: Trial | None,
    *,
    chooses: bool,
    stops_early: bool,
) -> None:
    """Announce what follows the training of the net, or correct what was announced."""
    if not anyone_listens():
        return
    net, n_steps, n_rows = parameters.net, parameters.n_steps, len(data.X)
    if chooses:
        expect_choice(net, trial, has_trial=stops_in_time(net, stops_early))
    if n_steps == "auto":
        n_steps = max(MIN_STEPS, n_rows // batch_size_of(skorch_net(net), n_rows))
    stacked = net is None
    if trained is not None and not parameters.chain:
        stacked = can_batch(trained, data.X, data.targets)
    n_members = _sizes(parameters)[0]
    expect_members(net, n_rows, n_members, int(n_steps), stacked=stacked)


def _tuning(
    parameters: EnsembleParameters, data: Data, trained: TrainedNet
) -> FineTuning:
    """Return how members are fine-tuned: at the highest rate, if it is to be chosen."""
    n_steps = parameters.n_steps
    if n_steps == "auto":
        per_pass = steps_per_epoch(revive(trained), data.X, data.targets)
        n_steps = max(per_pass, MIN_STEPS)
    lr = LEARNING_RATES[0] if parameters.lr == "auto" else parameters.lr
    momentum = float(parameters.momentum)
    return FineTuning(int(n_steps), float(lr), momentum, parameters.schedule)


def _make_trial(parameters: EnsembleParameters, data: Data, seeds: Seeds) -> Trial:
    """Train a trial net where early stopping made none."""
    make = check_memory(parameters.memory).cache(make_trial)
    net = untrained_net(parameters.net, seeds.trial)
    with phase(TRIAL):
        return make(net, data.X, data.targets, data.split_by, seeds.trial)


def _start_of(
    parameters: EnsembleParameters, trained: TrainedNet, trial: Trial | None
) -> Weights | None:
    """Return the weights of the trial net, if members can start from them.

    The trial of a frozen net was trained in another way than that net.
    """
    if trial is None or isinstance(parameters.net, FrozenEstimator):
        return None
    weights = trial.trained.weights
    same = _shapes(weights) == _shapes(trained.weights)
    return weights if same else None


def _shapes(weights: Weights) -> dict[tuple[str, str], tuple[int, ...]]:
    return {
        (name, key): value.shape
        for name, state in weights.items()
        for key, value in state.items()
    }


def _choose_lr(
    parameters: EnsembleParameters,
    data: Data,
    seeds: Seeds,
    trial: Trial,
    tuning: FineTuning,
) -> LearningRateChoice:
    """Choose the learning rate on a trial."""
    memory = check_memory(parameters.memory)
    X, codes, targets, coding, _ = data
    choose = memory.cache(choose_learning_rate, ignore=["n_jobs"])
    n_jobs = parameters.n_jobs
    with phase(CHOICE):
        return choose(trial, X, targets, codes, coding, tuning, seeds.method, n_jobs)


def _sizes(parameters: EnsembleParameters) -> list[int]:
    """Return the numbers of members to grow, one after the other."""
    automatic = parameters.n_members == "auto"
    return list(sizes(LIMIT)) if automatic else [int(parameters.n_members)]


def _cache_to_use(
    parameters: EnsembleParameters,
    data: Data,
    trained: TrainedNet,
    kept: MemberCache,
    keeps_cache: bool,
) -> AnyCache:
    """Return where members are kept: on disk, in memory, or nowhere."""
    memory = check_memory(parameters.memory)
    if memory.location is not None:
        # The record of a training holds its duration, which no member follows from.
        return DiskMemberCache(
            memory, (trained._replace(history=[]), data.X, data.targets)
        )
    if keeps_cache or parameters.n_members == "auto":
        return kept
    return DiskMemberCache(memory)
