"""What an ensemble's losses say of a sample: functions on arrays.

Every statistic is oriented alike, higher = more suspicious. ``losses`` has the shape
(n_samples, n_members), ``reference`` (the loss under the trained net) the shape
(n_samples,), and ``counted`` is None or a mask of the shape of ``losses`` that says
which members count for which sample.
"""

import numpy as np
from scipy.special import entr

# A probability of zero is taken for the smallest normal float32: 87.3 nats.
MAX_LOSS = float(-np.log(np.finfo(np.float32).tiny))


def loss_deviations(
    losses: np.ndarray, reference: np.ndarray, loss_floor: float = 0.0
) -> np.ndarray:
    """Δℓ(z, θ_m) = ℓ(z, θ_m) − max(ℓ(z, θ*), loss_floor), in nats (paper, eq. 12)."""
    return losses - np.maximum(reference, loss_floor)[:, None]


def mean_over_members(values: np.ndarray, counted: np.ndarray | None) -> np.ndarray:
    """Average each sample's values over the members that count for it, in float64."""
    return np.mean(
        values, axis=1, dtype=np.float64, where=True if counted is None else counted
    )


def standard_error(values: np.ndarray, counted: np.ndarray | None) -> np.ndarray:
    """Return the standard error of :func:`mean_over_members`, in float64.

    The members that count are taken for independent draws. NaN where fewer than two
    do.
    """
    where = np.ones((1, 1), dtype=bool) if counted is None else counted
    n_counted = np.broadcast_to(where, values.shape).sum(axis=1)
    mean = mean_over_members(values, counted)
    squares = np.square(values - mean[:, None]).sum(axis=1, where=where)
    several = np.where(n_counted < 2, np.nan, n_counted)
    return np.sqrt(squares / (several * (several - 1)))


def squares(deviations: np.ndarray) -> np.ndarray:
    """Δℓ(z, θ_m)², what each member adds to the self-influence, in nats²."""
    return np.square(deviations, dtype=np.float64)


def self_influence(
    deviations: np.ndarray, counted: np.ndarray | None = None
) -> np.ndarray:
    """I(z, z) = 1/M Σ_m Δℓ(z, θ_m)², in nats²."""
    return mean_over_members(squares(deviations), counted)


def relative_losses(losses: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Divide losses by one plus the bits of entropy of the ensemble's prediction.

    A label of a sample that the ensemble is unsure of has a high loss, right or wrong.
    Where it is sure, this is the loss in nats.

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
    """Return logarithms, with a probability of zero taken for a small one."""
    return np.log(np.maximum(likelihood, np.exp(-MAX_LOSS)))


def finite_losses(losses: np.ndarray) -> np.ndarray:
    """Put the largest loss in the place of those that overflowed."""
    return np.where(np.isfinite(losses), losses, losses.dtype.type(MAX_LOSS))
