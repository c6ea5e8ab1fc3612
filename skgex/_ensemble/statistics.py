"""Statistics of samples from the losses of an ensemble, as functions of arrays.

A higher statistic always means a more suspicious label. ``losses`` has the shape
(n_samples, n_members). ``reference``, the loss under the trained net, has the shape
(n_samples,). ``counted`` is None or a mask of the shape of ``losses``: which members
count for which sample.
"""

import numpy as np
from scipy.special import entr, logsumexp

from skgex._data.label_coding import ClassLabels, Coding

# Log-likelihood of regression targets under members that all diverged; the square of it
# is still a number.
LOWEST = -1e100

# Loss of a probability of zero, which counts as the smallest normal float32: 87.3 nats.
MAX_LOSS = float(-np.log(np.finfo(np.float32).tiny))


def loss_deviations(
    losses: np.ndarray, reference: np.ndarray, loss_floor: float = 0.0
) -> np.ndarray:
    """Δℓ(z, θ_m) = ℓ(z, θ_m) − max(ℓ(z, θ*), loss_floor), in nats (paper, eq. 12).

    0 is no floor, since losses that are minus the log of a density may be negative.
    """
    if loss_floor:
        reference = np.maximum(reference, loss_floor)
    return losses - reference[:, None]


def mean_over_members(values: np.ndarray, counted: np.ndarray | None) -> np.ndarray:
    """Average over the members that count for each sample, in float64."""
    where = True if counted is None else counted
    return values.mean(axis=1, dtype=np.float64, where=where)


def standard_error(values: np.ndarray, counted: np.ndarray | None) -> np.ndarray:
    """Return the standard error of :func:`mean_over_members`, in float64.

    Members count as independent draws. NaN for a sample for which fewer than two count.
    """
    where = np.ones((1, 1), dtype=bool) if counted is None else counted
    n_counted = np.broadcast_to(where, values.shape).sum(axis=1)
    mean = mean_over_members(values, counted)
    squares = np.square(values - mean[:, None]).sum(axis=1, where=where)
    several = np.where(n_counted < 2, np.nan, n_counted)
    return np.sqrt(squares / (several * (several - 1)))


def squares(deviations: np.ndarray) -> np.ndarray:
    """Δℓ(z, θ_m)², the part of each member in the self-influence, in nats²."""
    return np.square(deviations, dtype=np.float64)


def self_influence(
    deviations: np.ndarray, counted: np.ndarray | None = None
) -> np.ndarray:
    """I(z, z) = 1/M Σ_m Δℓ(z, θ_m)², in nats²."""
    return mean_over_members(squares(deviations), counted)


def relative_losses(losses: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Divide losses by one plus the entropy, in bits, of the ensemble's prediction.

    If the ensemble is uncertain about a sample, any label of it has a high loss, right
    or wrong. If the ensemble is certain, this is the loss in nats.

    Parameters
    ----------
    losses : ndarray of shape (n_samples, n_members)
    probabilities : ndarray of shape (n_samples, n_classes)
        Averaged over the members.
    """
    probabilities = np.clip(probabilities, 0.0, 1.0, dtype=np.float64)
    bits = entr(probabilities).sum(axis=1, keepdims=True) / np.log(2)
    return losses / (1 + bits)


def influence(deviations: np.ndarray, others: np.ndarray) -> np.ndarray:
    """I(z, z') = 1/M Σ_m Δℓ(z, θ_m) Δℓ(z', θ_m), shape (n_samples, n_others)."""
    products = deviations.astype(np.float64) @ others.astype(np.float64).T
    return products / deviations.shape[1]


def log_likelihood(likelihood: np.ndarray) -> np.ndarray:
    """Return logarithms of probabilities, the least of which is that of MAX_LOSS."""
    return np.log(np.maximum(likelihood, np.exp(-MAX_LOSS)))


def log_likelihoods(
    coding: Coding, codes: np.ndarray, outputs: np.ndarray, losses: np.ndarray
) -> np.ndarray:
    """Return the log-likelihood of each label under an ensemble, in nats.

    Parameters
    ----------
    coding : Coding
    codes : ndarray of shape (n_samples, ...)
        Of the given labels.
    outputs : ndarray of shape (n_samples, ...)
        Predictions, averaged over the members.
    losses : ndarray of shape (n_samples, n_members)
        May be not finite.

    Returns
    -------
    log_likelihoods : ndarray of shape (n_samples,), dtype=float64
        Of classes: of the averaged probability, at least -MAX_LOSS. Without classes:
        the log of the mean of exp(-loss), which is a density up to a constant.
    """
    if isinstance(coding, ClassLabels):
        return log_likelihood(np.nan_to_num(coding.likelihood(codes, outputs)))
    # Losses of regression targets may be in the thousands, where a sum underflows.
    heights = np.where(np.isfinite(losses), -losses.astype(np.float64), -np.inf)
    return np.maximum(logsumexp(heights, axis=1) - np.log(losses.shape[1]), LOWEST)


def finite_losses(losses: np.ndarray) -> np.ndarray:
    """Replace losses that overflowed, by the largest of their row, at least MAX_LOSS.

    Rows are the first axis. The losses of regression targets may be above MAX_LOSS, and
    a member that diverged must not look better than the others.
    """
    finite = np.isfinite(losses)
    if finite.all():
        return losses
    within = tuple(range(1, losses.ndim))
    largest = losses.max(axis=within, keepdims=True, initial=MAX_LOSS, where=finite)
    return np.where(finite, losses, largest)
