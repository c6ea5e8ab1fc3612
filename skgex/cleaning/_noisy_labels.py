"""Held-out labels, explained as true ones of which a share was changed at random.

One label per row cannot say whether it is wrong or its class overlaps with another. But
labels that are changed at random are changed among the rows that a classifier is surest
of as well, where overlap changes none. So a classifier that saw none of the labels can
tell from them which share was changed so. To which classes labels go, a detector says;
if it does not, they go to all others alike.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skgex._data.groups import Fold

# Powers of the probabilities that are tried, since forests are too timid (above 1) and
# nets are too sure (below 1).
SHARPNESS = (0.5, 0.7, 1.0, 1.4, 2.0, 3.0)

# Added to the probabilities before: those of forests may be 0, which no power changes.
SMOOTHING = 1e-3

# How finely the rate of noise is searched: steps from 0 to its bound.
N_STEPS = 40

# The rows that a classifier is surest of, as shares of all rows.
SUREST = (0.1, 0.2, 0.5)


class Explanation(NamedTuple):
    """What probabilities say of labels, with the noise and sharpness that fit best.

    Attributes
    ----------
    log_likelihoods : ndarray of shape (n_samples,), dtype=float64
        Of each given label, in nats.
    posterior : ndarray of shape (n_samples, n_classes), dtype=float64
        Probability of each class to be the true one, given the label.
    noise_rate : float
        Share of labels that were changed, mean over the folds.
    """

    log_likelihoods: np.ndarray
    posterior: np.ndarray
    noise_rate: float


def explain(
    probabilities: np.ndarray,
    codes: np.ndarray,
    folds: Sequence[Fold],
    highest_rate: float,
    flow: np.ndarray,
) -> Explanation:
    """Explain labels by probabilities and noise, fitted on the other folds.

    With noise of rate e, the label y of a row that belongs to class c with probability
    p_c has the probability (1 - e) p_y + e Σ_c p_c S_cy to be the given one, where S is
    the flow.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Of each class, by a classifier that did not see the row.
    codes : ndarray of shape (n_samples,), dtype=int
        Given labels, as positions among the classes.
    folds : sequence of (seen, left_out)
        Rate and sharpness are fitted on the seen rows, for those left out.
    highest_rate : float
        Bound of the rate; with 0, all labels count as true.
    flow : ndarray of shape (n_classes, n_classes)
        Probability that a wrong label of a row of one class (row) is another (column);
        0 on the diagonal, rows sum to 1.

    Returns
    -------
    explanation : Explanation
    """
    n_classes = probabilities.shape[1]
    rates = np.linspace(0, min(highest_rate, 1 - 1 / n_classes), N_STEPS + 1)
    if not highest_rate:
        rates = rates[:1]
    sharpened = [sharpen(probabilities, power) for power in SHARPNESS]
    own = np.arange(len(codes)), codes
    # Probabilities of the given labels if they are right, and if they are wrong.
    ways = [(p[own], (p @ flow)[own]) for p in sharpened]
    log_likelihoods = np.empty(len(codes))
    posterior = np.empty(probabilities.shape)
    chosen = []
    for seen, left_out in folds:
        fits = [best_rate(r[seen], w[seen], rates) for r, w in ways]
        best = int(np.argmax([mean for _, mean in fits]))
        rate = fits[best][0]
        joint = rate * sharpened[best][left_out] * flow.T[codes[left_out]]
        rows, labels = np.arange(len(left_out)), codes[left_out]
        joint[rows, labels] = (1 - rate) * sharpened[best][left_out, labels]
        total = joint.sum(axis=1)
        log_likelihoods[left_out] = np.log(total)
        posterior[left_out] = joint / total[:, None]
        chosen.append(rate)
    return Explanation(log_likelihoods, posterior, float(np.mean(chosen)))


def best_rate(
    right: np.ndarray, wrong: np.ndarray, rates: np.ndarray
) -> tuple[float, float]:
    """Return the rate of noise of the highest mean log-likelihood, and that in nats.

    Parameters
    ----------
    right, wrong : ndarray of shape (n_samples,)
        Probabilities of the given labels if labels are right, and if they are wrong.
        The first are above 0.
    rates : ndarray of shape (n_rates,)
        The rates to choose from, below 1.
    """
    means = [np.log((1 - rate) * right + rate * wrong).mean() for rate in rates]
    best = int(np.argmax(means))
    return float(rates[best]), float(means[best])


def sharpen(probabilities: np.ndarray, power: float) -> np.ndarray:
    """Return smoothed probabilities to a power, with rows that sum to one."""
    powers = (probabilities + SMOOTHING) ** power
    return powers / powers.sum(axis=1, keepdims=True)


def highest_noise_rate(probabilities: np.ndarray, codes: np.ndarray) -> float:
    """Return the highest rate of noise that the surest rows allow.

    Among any rows, noise that falls on all rows alike changes its share of labels. So
    the share of labels that disagree among the rows that a classifier is surest of
    bounds it. One standard error is added, of the share by Laplace's rule.

    Parameters
    ----------
    probabilities : ndarray of shape (n_samples, n_classes)
        Of each class, by a classifier that did not see the row.
    codes : ndarray of shape (n_samples,), dtype=int
        Given labels, as positions among the classes.

    Returns
    -------
    highest_rate : float
    """
    surest = np.argsort(-probabilities.max(axis=1), kind="stable")
    disagree = probabilities.argmax(axis=1)[surest] != codes[surest]
    bounds = []
    for share in SUREST:
        n_rows = max(1, round(share * len(codes)))
        rate = (disagree[:n_rows].sum() + 1) / (n_rows + 2)
        bounds.append(rate + np.sqrt(rate * (1 - rate) / n_rows))
    return float(min(bounds))
