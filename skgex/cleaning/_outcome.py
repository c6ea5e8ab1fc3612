"""From the rows that may be acted on to what is done with them."""

from functools import partial
from typing import Any

import numpy as np

from skgex._utils.warnings import warn_caller
from skgex.cleaning._guards import (
    Decision,
    Limits,
    dispensability,
    last_step,
    needed,
)
from skgex.cleaning._judge import Judge, Verdict
from skgex.cleaning._plans import (
    Plan,
    as_they_are,
    dropped,
    parts,
    relabelled,
    weighted,
)
from skgex.exceptions import SparedRowsWarning


def outcome(
    action: str,
    y: np.ndarray,
    selector: Any,
    decision: Decision,
    limits: Limits,
    judge: Judge | None,
) -> Verdict:
    """Return the plan to go by, and warn if the judge spares rows.

    Parameters
    ----------
    action : {"drop", "relabel", "weight"}
    y : ndarray of shape (n_samples,)
        Labels as given.
    selector : estimator
        Fitted.
    decision : Decision
        Which rows may be acted on.
    limits : Limits
    judge : Judge or None
        None acts on all of these rows.

    Returns
    -------
    verdict : Verdict
    """
    if not decision.acted.any():
        return Verdict(as_they_are(y), np.nan, np.nan, np.nan)
    plans = plans_of(action, y, selector, decision)
    if judge is None:
        return Verdict(plans[-1], np.nan, np.nan, np.nan)
    refine = partial(by_posterior, y, limits) if action == "weight" else None
    verdict = judge.verdict(plans, refine)
    _warn(decision.acted, verdict)
    return verdict


def plans_of(
    action: str, y: np.ndarray, selector: Any, decision: Decision
) -> list[Plan]:
    """Return plans that act on a growing share of the rows; on all in the last."""
    masks = parts(decision.acted, dispensability(selector))
    if action == "drop":
        return [dropped(y, mask) for mask in masks]
    if action == "relabel":
        suggested = last_step(selector).relabel()
        return [relabelled(y, mask, suggested) for mask in masks]
    weights = 1 - last_step(selector).noise_proba_
    # Rows that their class needs count in full, as if they were not flagged.
    weights[decision.flagged & ~decision.acted] = 1
    plans = [weighted(y, mask, np.ones(len(y))) for mask in masks[:-1]]
    return [*plans, weighted(y, decision.acted, weights)]


def by_posterior(y: np.ndarray, limits: Limits, right: np.ndarray) -> Plan:
    """Return the plan that weights each row by the probability that its label is right.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels as given.
    limits : Limits
        Rows that weigh less than one half count as acted on.
    right : ndarray of shape (n_samples,)
        The probabilities.

    Returns
    -------
    plan : Plan
    """
    weights = np.where(needed(right < 0.5, y, 1 - right, limits), 1.0, right)
    return Plan(weights < 0.5, y, weights, np.ones(len(y), dtype=bool))


def _warn(allowed: np.ndarray, verdict: Verdict) -> None:
    n_spared = (allowed & ~verdict.plan.acted).sum()
    if not n_spared:
        return
    reason = f"the best gain for them is {verdict.gain:.2g} ± {verdict.gain_std:.2g}"
    if np.isnan(verdict.gain):
        reason = "there are too few rows to tell"
    warn_caller(
        f"{n_spared} of {allowed.sum()} flagged rows stay as they are, since held-out "
        f"rows do not bear more: {reason}. Pass n_folds=None to act on all of them.",
        SparedRowsWarning,
    )
