"""How many labels are wrong, by labels that no net was trained on.

An ensemble disagrees with many labels where classes overlap, whether or not a label is
wrong. Held-out labels tell the two apart if wrong labels fall on all rows of a class
alike. Then no label can be more certain than the noise allows: a net that predicts
held-out labels with 99% where it is sure leaves no room for 10% of wrong ones.

The likelihood of a rate e comes from the trial net's predictions q of labels as given.
Let T = (1 - e) I + e S, where S says which labels wrong ones are. Then the classes of a
row have the probabilities p = q T⁻¹, which must not be negative, and the given labels
have the probabilities p T. How sure the net is, is fitted before and after, since nets
are too sure or too timid. (T is the noise transition matrix of Patrini et al., "Making
deep neural networks robust to label noise", CVPR 2017.)
"""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import softmax

# The powers of the predicted probabilities that are tried, before T⁻¹ and after it. A
# power of one is among both.
BEFORE = np.exp(np.linspace(-1.0, 1.0, 11))
AFTER = np.exp(np.linspace(0.0, 1.8, 5))

# The powers of S that are tried: where classes overlap, it is blurred by rows whose
# label is right.
SHARPNESS = (1, 2)

# How many rates are tried, and how many the posterior is averaged over.
N_RATES = 25
N_POINTS = 501

# The highest rate is this share of that at which labels say nothing, but no higher than
# the other number.
MOST_OF_CHANCE = 0.9
MOST = 0.6

# The ensemble's own rate is about right, or too high where classes overlap.
ABOUT = (0.8, 1.1)

# Probabilities below this count as this.
LEAST = 1e-4

# No more held-out rows are looked at than have this number of probabilities.
MAX_PROBABILITIES = 100_000


class NoiseRate(NamedTuple):
    """An estimated share of wrong labels.

    Attributes
    ----------
    mean : float
        In [0, 1].
    std : float
        Its standard error.
    """

    mean: float
    std: float


def estimate_noise_rate(
    codes: np.ndarray, probabilities: np.ndarray, flow: np.ndarray, own_rate: float
) -> NoiseRate:
    """Estimate the share of wrong labels, if they fall on all rows of a class alike.

    It is the mean of a posterior. Up to half of the prior probability is spread evenly
    over all rates, and less if wrong labels go one way, see :func:`one_way`. The rest
    says that the ensemble's own rate is about right.

    Parameters
    ----------
    codes : ndarray of shape (n_held_out,), dtype=int
        Given labels, as positions among the classes.
    probabilities : ndarray of shape (n_held_out, n_classes)
        By a net that was not trained on these rows.
    flow : ndarray of shape (n_classes, n_classes)
        S, the probability that a wrong label of a row of one class (row) is another
        (column); 0 on the diagonal, rows sum to 1.
    own_rate : float
        The share of wrong labels that the ensemble finds among those it was trained on.

    Returns
    -------
    noise_rate : NoiseRate
    """
    tried = rates(len(flow))
    likelihoods = log_likelihoods(codes, probabilities, flow, tried)
    points = np.linspace(0.0, tried[-1], N_POINTS)
    likely = np.exp(np.interp(points, tried, likelihoods) - likelihoods.max())
    lower, upper = (factor * own_rate for factor in ABOUT)
    about = (points >= lower) & (points <= max(upper, lower + points[1]))
    prior = (1 + one_way(flow)) / 2 if about.any() else 0.0
    posterior = (1 - prior) * likely / N_POINTS
    posterior += prior * np.where(about, likely, 0.0) / max(about.sum(), 1)
    posterior /= posterior.sum()
    mean = float(posterior @ points)
    return NoiseRate(mean, float(np.sqrt(posterior @ (points - mean) ** 2)))


def rates(n_classes: int) -> np.ndarray:
    """Return the rates that are tried, from 0 up; close to each other where small."""
    most = min(MOST, MOST_OF_CHANCE * (n_classes - 1) / n_classes)
    return most * np.linspace(0, 1, N_RATES) ** 2


def one_way(flow: np.ndarray) -> float:
    """Return how surely wrong labels are more than the overlap of classes, in [0, 1].

    Where two classes overlap, each has labels of the other. Labels of one class that
    are given to rows of another, but not the other way round, are wrong ones. Up to
    half of all may go one way by chance.

    Parameters
    ----------
    flow : ndarray of shape (n_classes, n_classes)
        As for :func:`estimate_noise_rate`.
    """
    share = np.abs(flow - flow.T).sum() / (2 * len(flow))
    return float(max(0.0, 2 * share - 1))


def even_flow(n_classes: int) -> np.ndarray:
    """Return S where wrong labels go to all other classes alike."""
    return (1 - np.eye(n_classes)) / max(n_classes - 1, 1)


def flow_of(matrix: np.ndarray | None, n_classes: int) -> np.ndarray:
    """Return S by how often each class is labelled as each other.

    Parameters
    ----------
    matrix : ndarray of shape (n_classes, n_classes) or None
        In any unit, by true (row) and given class (column); its diagonal does not
        matter. None, or a matrix of other classes, tells nothing.
    n_classes : int

    Returns
    -------
    flow : ndarray of shape (n_classes, n_classes)
        As for :func:`estimate_noise_rate`. Wrong labels of a class of which nothing is
        known go to all others alike.
    """
    even = even_flow(n_classes)
    if matrix is None or matrix.shape != even.shape:
        return even
    wrong = matrix * (1 - np.eye(n_classes))
    totals = wrong.sum(axis=1, keepdims=True)
    return np.where(totals > 0, wrong / np.where(totals > 0, totals, 1.0), even)


def log_likelihoods(
    codes: np.ndarray, probabilities: np.ndarray, flow: np.ndarray, tried: np.ndarray
) -> np.ndarray:
    """Return the log-likelihood of held-out labels at each rate, in nats.

    Parameters
    ----------
    codes, probabilities, flow
        As for :func:`estimate_noise_rate`.
    tried : ndarray of shape (n_rates,)

    Returns
    -------
    log_likelihoods : ndarray of shape (n_rates,)
        At the sureness, and the sharpness of S, that suit each rate best.
    """
    n_most = MAX_PROBABILITIES // len(flow)
    if len(codes) > n_most:
        some = np.linspace(0, len(codes) - 1, n_most).astype(int)
        codes, probabilities = codes[some], probabilities[some]
    logits = np.log(np.maximum(probabilities, LEAST**2))
    best = np.full(len(tried), -np.inf)
    for sharpness in SHARPNESS if len(flow) > 2 else (1,):
        sharp = flow**sharpness
        sharp /= sharp.sum(axis=1, keepdims=True)
        place = (len(BEFORE) // 2, 0)
        for r, rate in enumerate(tried):
            mixing = (1 - rate) * np.eye(len(flow)) + rate * sharp
            reached, place = _climb(logits, mixing, codes, place)
            best[r] = max(best[r], reached)
    return best


def _climb(
    logits: np.ndarray, mixing: np.ndarray, codes: np.ndarray, start: tuple[int, int]
) -> tuple[float, tuple[int, int]]:
    """Return the best log-likelihood that is found from some powers, and the powers."""
    inverse = np.linalg.pinv(mixing)

    @cache
    def reached(before: int, after: int) -> float:
        if not (0 <= before < len(BEFORE) and 0 <= after < len(AFTER)):
            return -np.inf
        classes = softmax(BEFORE[before] * logits, axis=1) @ inverse
        return _log_likelihood(classes, AFTER[after], mixing, codes)

    here, last = start, None
    while here != last:
        last = here
        around = [(here[0] + i, here[1] + j) for i, j in product((0, -1, 1), repeat=2)]
        here = max(around, key=lambda place: reached(*place))
    return reached(*here), here


def _log_likelihood(
    classes: np.ndarray, power: float, mixing: np.ndarray, codes: np.ndarray
) -> float:
    """Return the log-likelihood of labels, given what the classes of rows may be."""
    classes = np.maximum(classes, LEAST)
    if power != 1:
        classes = classes**power
    classes /= classes.sum(axis=1, keepdims=True)
    likelihood = np.einsum("nc,nc->n", classes, mixing.T[codes])
    return float(np.log(np.maximum(likelihood, np.finfo(float).tiny)).sum())
