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

from skgex._data.label_coding import Coding
from skgex._data.records import take
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.member import Member, Plan, grow_member
from skgex._ensemble.statistics import finite_losses, log_likelihood
from skgex._nets.devices import spread_over_devices
from skgex._nets.evaluation import Evaluation, evaluate
from skgex._nets.snapshot import n_training_steps, revive
from skgex._nets.training import Trial
from skgex._utils.parallel import run
from skgex._utils.random import draw_seeds

# Tried from the highest down. Above it rankings suffer, though predictions may not;
# below the lowest nothing moves.
LEARNING_RATES = tuple(0.2 / 4**k for k in range(5))
# What a higher rate may cost, in nats: classes become less probable by a twentieth. Of
# regression targets, whose loss has units of its own, it is the share of the trial
# net's loss.
SLACK = 0.05
# It is less for nets that know less: this share of the nats by which they make labels
# more probable than the class frequencies do.
SHARE = 0.03
# Up to `SLACK` a difference counts only from this number of its standard errors.
CERTAINTY = 3
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
    """

    lr: float
    codes: np.ndarray
    outputs: np.ndarray


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
    has come up to the trial net's own; then twice the chosen one is tried. All short
    ensembles together take no more steps than the trial's training.

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
    """
    n_runs = N_MEMBERS * N_TRIES
    budget = n_training_steps(trial.trained) or n_runs * tuning.n_steps
    n_steps = int(np.clip(budget // n_runs, 1, tuning.n_steps))
    seeds = draw_seeds(np.random.RandomState(seed), N_MEMBERS)
    held_out = take(X, y, trial.held_out)
    alone = evaluate(revive(trial.trained), *held_out)
    given = codes[trial.held_out] if codes is not None else alone.targets
    outputs: dict[float, np.ndarray] = {}

    def likelihood(
        evaluations: Sequence[Evaluation | Member], mean: np.ndarray
    ) -> np.ndarray:
        losses = np.stack([finite_losses(e.losses) for e in evaluations], axis=1)
        return log_likelihood(np.nan_to_num(coding.likelihood(given, mean, losses)))

    def likelihood_at(lr: float) -> np.ndarray:
        short = tuning._replace(lr=lr, n_steps=n_steps)
        jobs = [
            (net, X, y, short, Plan(trial.seen, member_seed), held_out, False)
            for net, member_seed in spread_over_devices(trial.trained, seeds)
        ]
        members = list(run(grow_member, jobs, n_jobs=n_jobs))
        outputs[lr] = np.mean([member.outputs for member in members], axis=0)
        return likelihood(members, outputs[lr])

    n_tries = int(np.clip(budget // N_MEMBERS, 1, N_TRIES))
    start = likelihood([alone], alone.outputs)
    chosen = _search(likelihood_at, start, _slack(given, start, coding), n_tries)
    return LearningRateChoice(chosen, given, outputs[chosen])


def _slack(codes: np.ndarray, start: np.ndarray, coding: Coding) -> Slack:
    """Return the slack where the trial net's own log-likelihoods are ``start``."""
    if coding.classes is None:
        return Slack(SLACK * abs(start.mean()), SLACK * abs(start.mean()))
    _, counts = np.unique(codes, return_counts=True)
    learnt = entropy(counts) + start.mean()
    return Slack(float(np.clip(SHARE * learnt, 0.0, SLACK)), SLACK)


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

    def best() -> np.ndarray:
        return max(tried.values(), key=np.mean)

    def chosen() -> float:
        return max(lr for lr in tried if not slack.exceeded(best(), tried[lr]))

    before = None
    for lr in LEARNING_RATES[:n_tries]:
        tried[lr] = likelihood_at(lr)
        rises = before is None or slack.exceeded(tried[lr], before)
        if not rises and not slack.exceeded(start, best()):
            break
        before = tried[lr]
    between = 2 * chosen()
    if between < LEARNING_RATES[0] and len(tried) < n_tries:
        tried[between] = likelihood_at(between)
    return chosen()
