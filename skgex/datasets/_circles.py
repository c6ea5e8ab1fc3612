"""Three noisy circles, the toy problem in the figures of the GEX paper."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state


def make_three_circles(
    n_samples: int = 300, noise: float = 0.1, random_state: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Make points on three concentric circles, one circle per class.

    Parameters
    ----------
    n_samples : int, default=300
        Number of samples, divided as evenly as possible among the circles.
    noise : float, default=0.1
        Standard deviation of the Gaussian noise added to both coordinates. The radii
        of the circles are 1, 2 and 3.
    random_state : int, RandomState or None, default=None
        Seed of the angles and the noise. Pass an int for the same points every time.

    Returns
    -------
    X : ndarray of shape (n_samples, 2), dtype=float64
        The points.
    y : ndarray of shape (n_samples,), dtype=int64
        The circle of each point: 0, 1 or 2.

    Raises
    ------
    ValueError
        If ``n_samples`` is no positive int, or ``noise`` is negative.
    """
    if not isinstance(n_samples, Integral) or n_samples < 1:
        raise ValueError(f"n_samples: must be an int above 0, got {n_samples!r}.")
    if not isinstance(noise, Real) or not 0 <= noise < np.inf:
        raise ValueError(f"noise: must be a finite number from 0, got {noise!r}.")
    rng = check_random_state(random_state)
    y = np.arange(n_samples, dtype=np.int64) % 3
    angles = rng.uniform(0, 2 * np.pi, n_samples)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    return (y + 1)[:, None] * circle + noise * rng.standard_normal((n_samples, 2)), y
