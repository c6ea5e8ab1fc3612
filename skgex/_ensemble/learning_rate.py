"""The learning rate, chosen without ground truth: as high as predictions bear.

Rankings gain from members that move far, predictions do not: long before held-out
labels, as noisy as they come, become improbable, they say nothing more of the rate. So
the highest one is taken that costs them little. A trial net that never saw the held-out
rows is needed for it, since the net itself remembers the labels of all it was trained
on.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import entropy

from skgex._data.label_coding import Coding
from skgex._data.records import take
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.member import Member, grow_member
from skgex._ensemble.statistics import finite_losses, log_likelihood
from skgex._nets.devices import spread_over_devices
from skgex._nets.evaluation import Evaluation, evaluate
from skgex._nets.snapshot import n_training_steps, revive
from skgex._nets.training import Trial
from skgex._utils.parallel import run
from skgex._utils.random import draw_seeds

# Tried from the highest down. Beyond it rankings suffer, though predictions may not;
# below the lowest nothing moves.
RATES = tuple(0.2 / 4**k for k in range(5))
# What a higher rate may cost, in nats: classes become less probable by a twentieth. Of
# values, whose loss has units of its own, it is the share of the trial net's loss.
SLACK = 0.05
# It is less for nets that know less: this share of the nats by which they make labels
# more probable than their frequencies do.
SHARE = 0.03
# Up to `SLACK` a difference counts only from so many of its standard errors.
CERTAINTY = 3
# Two members: one alone says nothing of what averaging gains.
N_MEMBERS = 2
# At most so many rates are tried; the budget is dealt to as many. Fewer where that is
# less than a step for each.
N_RATES = len(RATES) + 1


class Slack(NamedTuple):
    """What a higher rate may cost the held-out labels in the mean, in nats.

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
        return difference.mean() > np.clip(chance, self.least, self.most)


class Choice(NamedTuple):
    """The chosen rate, and what its short ensemble says of the held-out samples.

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


def choose_rate(
    trial: Trial,
    X: Any,
    y: Any,
    codes: np.ndarray | None,
    coding: Coding,
    tuning: FineTuning,
    seed: int,
    n_jobs: int | None = None,
) -> Choice:
    """Choose the highest rate whose short ensemble predicts held-out labels well.

    Their log-likelihood is to be within a slack of the best of all rates that are
    tried. These fall by quarters until the likelihood rises by less than that, once it
    has come up to the trial net's own; then twice the chosen one is tried. All runs
    together take no more steps than the trial's training.

    Parameters
    ----------
    trial : Trial
        Where the short ensembles start.
    X : ndarray of shape (n_samples, ...) or torch Dataset
        All rows.
    y : ndarray of shape (n_samples, ...) or None
        Targets of all rows.
    codes : ndarray of shape (n_samples, ...) or None
        Codes of all labels; None for a Dataset, whose targets are read from it.
    coding : Coding
        What codes mean.
    tuning : FineTuning
        Of the ensemble that the rate is for; its rate is ignored.
    seed : int
        The members are those of this seed at every rate.
    n_jobs : int or None
        Members side by side.

    Returns
    -------
    choice : Choice
    """
    n_runs = N_MEMBERS * N_RATES
    budget = n_training_steps(trial.trained) or n_runs * tuning.n_steps
    n_steps = int(np.clip(budget // n_runs, 1, tuning.n_steps))
    seeds = draw_seeds(np.random.RandomState(seed), N_MEMBERS)
    held_out = take(X, y, trial.held_out)
    alone = evaluate(revive(trial.trained), *held_out)
    known = codes[trial.held_out] if codes is not None else alone.targets

    outputs: dict[float, np.ndarray] = {}

    def likelihood(
        evaluations: list[Evaluation | Member], mean: np.ndarray
    ) -> np.ndarray:
        losses = np.stack([finite_losses(e.losses) for e in evaluations], axis=1)
        each = coding.likelihood(known, mean, losses)
        return log_likelihood(np.nan_to_num(each))

    def reached(rate: float) -> np.ndarray:
        short = tuning._replace(lr=rate, n_steps=n_steps)
        jobs = [
            (net, X, y, trial.seen, trial.held_out, short, seed, False)
            for net, seed in spread_over_devices(trial.trained, seeds)
        ]
        members = list(run(grow_member, jobs, n_jobs=n_jobs))
        outputs[rate] = np.mean([member.outputs for member in members], axis=0)
        return likelihood(members, outputs[rate])

    n_looks = int(np.clip(budget // N_MEMBERS, 1, N_RATES))
    floor = likelihood([alone], alone.outputs)
    chosen = _search(reached, floor, _slack(known, floor, coding), n_looks)
    return Choice(chosen, known, outputs[chosen])


def _slack(codes: np.ndarray, floor: np.ndarray, coding: Coding) -> Slack:
    """Return the slack where the trial net's own log-likelihoods are ``floor``."""
    if coding.classes is None:
        return Slack(SLACK * abs(floor.mean()), SLACK * abs(floor.mean()))
    _, counts = np.unique(codes, return_counts=True)
    known = entropy(counts) + floor.mean()
    return Slack(np.clip(SHARE * known, 0.0, SLACK), SLACK)


def _search(
    height: Callable[[float], np.ndarray],
    floor: np.ndarray,
    slack: Slack,
    n_looks: int,
) -> float:
    """Return the highest rate that is nearly as good as the best, in so many looks.

    ``floor`` and what ``height`` returns have the shape (n_held_out,).
    """
    heights: dict[float, np.ndarray] = {}

    def best() -> np.ndarray:
        return max(heights.values(), key=np.mean)

    def chosen() -> float:
        return max(r for r in heights if not slack.exceeded(best(), heights[r]))

    before = None
    for rate in RATES[:n_looks]:
        heights[rate] = height(rate)
        rises = before is None or slack.exceeded(heights[rate], before)
        if not rises and not slack.exceeded(floor, best()):
            break
        before = heights[rate]
    between = 2 * chosen()
    if between < RATES[0] and len(heights) < n_looks:
        heights[between] = height(between)
    return chosen()
