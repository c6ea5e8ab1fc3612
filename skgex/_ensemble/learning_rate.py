"""The learning rate, chosen without ground truth: the highest that predictions bear.

Rankings gain from members that move far, predictions do not. Long before held-out
labels, as noisy as they come, become improbable, they say nothing more about the
learning rate. So the highest one is taken that costs them little. This needs a trial
net that never saw the held-out rows, since the net itself has partly memorised the
labels of all rows that it was trained on.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import entropy

from skgex._data.label_coding import ClassLabels, Coding
from skgex._data.records import take
from skgex._ensemble.ensemble import evaluate_trained
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.member import Member, Plan, grow_member
from skgex._ensemble.statistics import log_likelihoods
from skgex._nets.devices import spread_over_devices
from skgex._nets.evaluation import Evaluation
from skgex._nets.snapshot import n_training_steps
from skgex._nets.training import Trial
from skgex._utils.parallel import run
from skgex._utils.progress import steps
from skgex._utils.random import draw_seeds
from skgex._utils.unfinished import current_place

# Tried from the highest down. Above it rankings suffer, though predictions may not;
# below the lowest nothing moves, unless the loss is steeper than usual.
LEARNING_RATES = tuple(0.2 / 4**k for k in range(5))
# Tried from there on, but only while members are unsound: if targets or inputs are in
# the thousands, the loss is steeper by a factor of millions.
STEEP_RATES = tuple(0.2 / 4**k for k in range(5, 24))
# What a higher rate may cost, in nats: classes become less probable by a twentieth. Of
# regression targets, whose loss has units of its own, it is the share of the trial
# net's loss.
SLACK = 0.05
# It is less for nets that know less: this share of the nats by which they make labels
# more probable than the class frequencies do.
SHARE = 0.03
# Up to `SLACK` a difference counts only from this number of its standard errors.
CERTAINTY = 3
# A trial net has settled if fine-tuning makes held-out labels more probable by no more
# than this share of what it has learnt, in nats. By MLPs and small conv nets it is .02
# or less, by a ResNet that is stopped while it still learns .1 or more.
UNSETTLED = 0.05
# Two members: one alone cannot show what averaging gains.
N_MEMBERS = 2
# At most this number of learning rates is tried, and the steps are divided among as
# many. Fewer are tried where that is less than a step each.
N_TRIES = len(LEARNING_RATES) + 1


class Slack(NamedTuple):
    """What a higher learning rate may cost the held-out labels on average, in nats.

    As much as may be chance, within these bounds.
    """

    least: float
    most: float

    def exceeded(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Return whether the log-likelihoods ``a`` are better than ``b`` by more.

        Both are of the same held-out labels, in the shape (n_held_out,).
        """
        difference = a - b
        chance = CERTAINTY * difference.std() / np.sqrt(len(difference))
        return bool(difference.mean() > np.clip(chance, self.least, self.most))


class LearningRateChoice(NamedTuple):
    """The chosen learning rate, and what its short ensemble says of held-out samples.

    Attributes
    ----------
    lr : float
    codes : ndarray of shape (n_held_out, ...)
        Their labels as given; targets of a Dataset.
    outputs : ndarray of shape (n_held_out, ...)
        Predictions, averaged over the members.
    settled : bool
        Whether the trial net alone predicts labels about as well.
    """

    lr: float
    codes: np.ndarray
    outputs: np.ndarray
    settled: bool

    def held_out_loss(self, coding: Coding) -> float:
        """Return the median loss of the held-out labels, in nats.

        Minus infinity where they are not classes.
        """
        if not isinstance(coding, ClassLabels):
            return -np.inf
        unused = np.empty((len(self.codes), 0))  # of classes, outputs say all
        found = log_likelihoods(coding, self.codes, self.outputs, unused)
        return -float(np.median(found))


def choose_learning_rate(
    trial: Trial,
    X: Any,
    y: Any,
    codes: np.ndarray | None,
    coding: Coding,
    tuning: FineTuning,
    seed: int,
    n_jobs: int | None = None,
) -> LearningRateChoice:
    """Choose the highest learning rate whose short ensemble predicts held-out labels.

    Their log-likelihood is to be within a slack of the best of all rates that are
    tried. Rates fall by quarters until the likelihood rises by less than that, once it
    has come up to the trial net's own; then twice the chosen one is tried. If even the
    highest rate is better than all lower ones by more than the slack, the net has
    memorised its labels, and higher ones are tried for as long as that helps. All short
    ensembles together take no more steps than the trial's training, unless members
    diverge at all of these rates; then still lower ones are tried.

    Parameters
    ----------
    trial : Trial
        Where the short ensembles start.
    X : ndarray of shape (n_samples, ...) or Dataset
        All rows.
    y : ndarray of shape (n_samples, ...) or None
        Targets of all rows.
    codes : ndarray of shape (n_samples, ...) or None
        Codes of all labels; None for a Dataset, whose targets are read from it.
    coding : Coding
        What the codes mean.
    tuning : FineTuning
        Of the ensemble that the rate is for; its own rate is ignored.
    seed : int
        The members have the same seeds at every rate.
    n_jobs : int or None
        Members side by side.

    Returns
    -------
    choice : LearningRateChoice

    Raises
    ------
    ValueError
        If members diverge at all rates.
    """
    n_runs = N_MEMBERS * N_TRIES
    budget = n_training_steps(trial.trained) or n_runs * tuning.n_steps
    n_steps = int(np.clip(budget // n_runs, 1, tuning.n_steps))
    seeds = draw_seeds(np.random.RandomState(seed), N_MEMBERS)
    held_out = take(X, y, trial.held_out)
    alone = evaluate_trained(trial.trained, *held_out)
    given = codes[trial.held_out] if codes is not None else alone.targets
    place = current_place()
    outputs: dict[float, np.ndarray] = {}
    tried: dict[float, np.ndarray] = {}

    def likelihood(
        evaluations: Sequence[Evaluation | Member], mean: np.ndarray
    ) -> np.ndarray:
        losses = np.stack([e.losses for e in evaluations], axis=1)
        return log_likelihoods(coding, given, mean, losses)

    def likelihood_at(lr: float) -> np.ndarray:
        short = tuning._replace(lr=lr, n_steps=n_steps)
        plans = [(Plan(trial.seen, m), place.draft("tried", lr, m)) for m in seeds]
        jobs = [
            (net, X, y, short, plan, held_out, False, draft)
            for net, (plan, draft) in spread_over_devices(trial.trained, plans)
        ]
        members = list(run(grow_member, jobs, n_jobs=n_jobs))
        outputs[lr] = np.mean([member.outputs for member in members], axis=0)
        tried[lr] = likelihood(members, outputs[lr])
        reach(len(tried))
        return tried[lr]

    n_tries = int(np.clip(budget // N_MEMBERS, 1, N_TRIES))
    start = likelihood([alone], alone.outputs)
    slack = _slack(given, start, coding)
    unsound = _unsound(given, start, coding)
    with steps("learning rates", n_tries) as reach:
        chosen = _search(likelihood_at, start, slack, n_tries)
        if _best(tried).mean() < unsound:
            chosen = _search_below(likelihood_at, tried, start, slack, unsound)
        elif _may_climb(chosen, tried, start, slack, given, coding):
            chosen = _climb(likelihood_at, tried, slack, chosen, n_tries - len(tried))
    settled = _has_settled(given, start, tried[chosen], coding)
    return LearningRateChoice(chosen, given, outputs[chosen], settled)


def _learnt(codes: np.ndarray, start: np.ndarray) -> float:
    """Return the nats by which labels are likelier than by the class frequencies."""
    _, counts = np.unique(codes, return_counts=True)
    return float(entropy(counts) + start.mean())


def _has_settled(
    codes: np.ndarray, start: np.ndarray, found: np.ndarray, coding: Coding
) -> bool:
    """Return whether fine-tuning adds little to what the trial net has learnt.

    ``start`` and ``found`` are the log-likelihoods of the held-out labels before and
    after it. What has no classes is not asked.
    """
    if coding.classes is None:
        return True
    gain = float((found - start).mean())
    return gain <= UNSETTLED * max(0.0, _learnt(codes, start))


def _slack(codes: np.ndarray, start: np.ndarray, coding: Coding) -> Slack:
    """Return the slack where the trial net's own log-likelihoods are ``start``."""
    if coding.classes is None:
        return Slack(SLACK * abs(start.mean()), SLACK * abs(start.mean()))
    learnt = _learnt(codes, start)
    return Slack(float(np.clip(SHARE * learnt, 0.0, SLACK)), SLACK)


def _unsound(codes: np.ndarray, start: np.ndarray, coding: Coding) -> float:
    """Return the mean log-likelihood below which members have diverged.

    It is as far below that of the trial net, or of guessing if that is lower, as
    guessing is below certainty. There is no guessing of regression targets: their mean
    loss may be twice that of the trial net, and a standard deviation.
    """
    if not isinstance(coding, ClassLabels):
        return float(start.mean() - abs(start.mean()) - start.std())
    _, counts = np.unique(codes, return_counts=True)
    return float(min(start.mean(), -entropy(counts)) - np.log(len(coding.classes)))


def _search(
    likelihood_at: Callable[[float], np.ndarray],
    start: np.ndarray,
    slack: Slack,
    n_tries: int,
) -> float:
    """Return the highest learning rate that is nearly as good as the best.

    ``start`` and what ``likelihood_at`` returns have the shape (n_held_out,).
    """
    tried: dict[float, np.ndarray] = {}
    before = None
    for lr in LEARNING_RATES[:n_tries]:
        tried[lr] = likelihood_at(lr)
        rises = before is None or slack.exceeded(tried[lr], before)
        if not rises and not slack.exceeded(start, _best(tried)):
            break
        before = tried[lr]
    between = 2 * _highest(tried, slack)
    if between < LEARNING_RATES[0] and len(tried) < n_tries:
        tried[between] = likelihood_at(between)
    return _highest(tried, slack)


def _search_below(
    likelihood_at: Callable[[float], np.ndarray],
    tried: dict[float, np.ndarray],
    start: np.ndarray,
    slack: Slack,
    unsound: float,
) -> float:
    """Go on to lower rates where members diverge at all that were tried.

    Parameters
    ----------
    likelihood_at, start, slack
        As for :func:`_search`.
    tried : dict
        The log-likelihoods by rate; ``likelihood_at`` adds to it.
    unsound : float
        The mean log-likelihood below which members have diverged.

    Raises
    ------
    ValueError
        If they diverge at all rates.
    """
    for lr in (*LEARNING_RATES, *STEEP_RATES):
        if lr in tried:
            continue
        before = _best(tried)
        rises = slack.exceeded(likelihood_at(lr), before)
        sound = _best(tried).mean() >= unsound
        if sound and not (rises and slack.exceeded(start, _best(tried))):
            return _highest(tried, slack)
    raise ValueError(
        "lr='auto': members diverge at every learning rate down to "
        f"{STEEP_RATES[-1]:.0e}: the mean log-likelihood of held-out rows falls "
        f"from {start.mean():.3g} to {_best(tried).mean():.3g} nats. Scale the inputs, "
        "and targets of a regression, to a standard deviation of about 1 "
        "(sklearn.preprocessing.StandardScaler), or pass lr."
    )


def _may_climb(
    chosen: float,
    tried: dict[float, np.ndarray],
    start: np.ndarray,
    slack: Slack,
    codes: np.ndarray,
    coding: Coding,
) -> bool:
    """Return whether rates above the usual ones may be better still.

    Either the highest is better than all lower ones by more than the slack, or nothing
    moves a net that has memorised its labels: it says less of held-out labels than
    guessing does, at all rates.
    """
    if not isinstance(coding, ClassLabels):
        return False
    lower = [found for lr, found in tried.items() if lr != LEARNING_RATES[0]]
    highest = tried.get(LEARNING_RATES[0])
    if highest is None or not lower:
        return False
    if chosen == LEARNING_RATES[0] and all(slack.exceeded(highest, a) for a in lower):
        return True
    _, counts = np.unique(codes, return_counts=True)
    moves = max(abs(found.mean() - start.mean()) for found in tried.values())
    return bool(start.mean() < -entropy(counts) and moves < slack.most)


def _climb(
    likelihood_at: Callable[[float], np.ndarray],
    tried: dict[float, np.ndarray],
    slack: Slack,
    chosen: float,
    n_tries: int,
) -> float:
    """Return the rate above the usual ones at which the likelihood is best.

    Rates rise fourfold until the likelihood falls; then twice the best is tried. Unlike
    below, a rate that is only as good as a lower one is not taken: rankings suffer.
    """
    lr, reached = LEARNING_RATES[0], _best(tried)
    for _ in range(n_tries - 1):  # one is left for the rate between
        lr *= 4
        found = likelihood_at(lr)
        if slack.exceeded(found, reached):
            chosen, reached = lr, found
        elif slack.exceeded(reached, found):
            break
    if chosen < LEARNING_RATES[0] or n_tries < 1:
        return chosen
    between = 2 * chosen
    return between if slack.exceeded(likelihood_at(between), reached) else chosen


def _best(tried: dict[float, np.ndarray]) -> np.ndarray:
    """Return the log-likelihoods at the best rate."""
    return max(tried.values(), key=np.mean)


def _highest(tried: dict[float, np.ndarray], slack: Slack) -> float:
    """Return the highest rate that is nearly as good as the best."""
    best = _best(tried)
    return max(lr for lr in tried if not slack.exceeded(best, tried[lr]))
