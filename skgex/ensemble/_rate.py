"""The learning rate, chosen without ground truth.

No fixed rate serves: too low a one leaves memorised labels where they are, too high a
one forgets what was learnt. The held-out log-likelihood of short ensembles, on labels
as noisy as they come, picks a good one. A trial net that never saw the held-out rows
is needed for it, since the net itself remembers the labels of all it was trained on.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from skgex._evaluation import Evaluation, evaluate
from skgex._labels import Coding
from skgex._net import Trial, deal, n_training_steps, revive, take
from skgex._parallel import run
from skgex._random import draw_seeds
from skgex.ensemble._grow import Member, grow_member
from skgex.ensemble._member import FineTuning
from skgex.ensemble._statistics import finite_losses, log_likelihood

# Tried from the highest down: beyond it nets diverge, below it nothing moves.
RATES = tuple(1.6 / 4**k for k in range(7))
# Two members: one alone says nothing of what averaging gains.
N_MEMBERS = 2
# At most so many rates are tried; the budget is dealt to as many. Fewer where that is
# less than a step for each.
N_RATES = 6


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
    rates: Sequence[float] | None = None,
    n_jobs: int | None = None,
) -> Choice:
    """Choose the rate whose short ensemble best predicts the held-out labels.

    Without given rates, they fall by quarters until the likelihood falls too, once it
    has come up to the trial net's own; then both neighbours of the best are tried, at
    twice and half of it. All runs together take no more steps than the trial's
    training.

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
    rates : sequence of float or None
        Try just these.
    n_jobs : int or None
        Members side by side.

    Returns
    -------
    choice : Choice
    """
    n_runs = N_MEMBERS * (len(rates) if rates else N_RATES)
    budget = n_training_steps(trial.trained) or n_runs * tuning.n_steps
    n_steps = int(np.clip(budget // n_runs, 1, tuning.n_steps))
    seeds = draw_seeds(np.random.RandomState(seed), N_MEMBERS)
    held_out = take(X, y, trial.held_out)
    alone = evaluate(revive(trial.trained), *held_out)
    known = codes[trial.held_out] if codes is not None else alone.targets

    outputs: dict[float, np.ndarray] = {}

    def likelihood(evaluations: list[Evaluation | Member], mean: np.ndarray) -> float:
        losses = np.stack([finite_losses(e.losses) for e in evaluations], axis=1)
        each = coding.likelihood(known, mean, losses)
        return float(log_likelihood(np.nan_to_num(each)).mean())

    def reached(rate: float) -> float:
        short = tuning._replace(lr=rate, n_steps=n_steps)
        jobs = [
            (net, X, y, trial.seen, trial.held_out, short, seed, False)
            for net, seed in deal(trial.trained, seeds)
        ]
        members = list(run(grow_member, jobs, n_jobs=n_jobs))
        outputs[rate] = np.mean([member.outputs for member in members], axis=0)
        return likelihood(members, outputs[rate])

    if rates:
        best = max(rates, key=reached)
    else:
        n_looks = int(np.clip(budget // N_MEMBERS, 1, N_RATES))
        best = _peak(reached, likelihood([alone], alone.outputs), n_looks)
    return Choice(best, known, outputs[best])


def _peak(height: Callable[[float], float], floor: float, n_looks: int) -> float:
    """Search the rate of the largest height, from above, in so many looks."""
    heights: dict[float, float] = {}
    best = RATES[0]
    for rate in RATES[:n_looks]:
        heights[rate] = height(rate)
        if heights[rate] > heights[best]:
            best = rate
        elif rate != best and heights[best] >= floor:
            break
    for rate in (2 * best, best / 2):
        if len(heights) < n_looks:
            heights[rate] = height(rate)
    return max(heights, key=heights.get)
