"""Three noisy circles, the toy problem in the figures of the GEX paper."""

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state


def make_three_circles(
    n_samples: int | Sequence[int] = 300,
    noise: float = 0.1,
    random_state: Any = None,
    *,
    radii: Sequence[float] = (1, 2, 3),
) -> tuple[np.ndarray, np.ndarray]:
    """Make points on three concentric circles, one circle per class.

    Parameters
    ----------
    n_samples : int or sequence of three ints, default=300
        Number of samples, divided as evenly as possible among the circles; or that of
        each circle, and the samples are in the order of the circles.
    noise : float, default=0.1
        Standard deviation of the Gaussian noise added to both coordinates.
    random_state : int, RandomState or None, default=None
        Seed of the angles and the noise. Pass an int for the same points every time.
    radii : sequence of three floats, default=(1, 2, 3)
        Radius of each circle. Zero makes it a cloud around the centre.

    Returns
    -------
    X : ndarray of shape (n_samples, 2), dtype=float64
        The points.
    y : ndarray of shape (n_samples,), dtype=int64
        The circle of each point: 0, 1 or 2.

    Raises
    ------
    ValueError
        If ``n_samples`` is neither a positive int nor three of them, ``noise`` is
        negative, or ``radii`` are not three finite numbers from 0.

    Examples
    --------
    >>> from skgex.datasets import make_three_circles
    >>> X, y = make_three_circles((10, 30, 30), radii=(0, 1, 2), random_state=0)
    >>> X.shape
    (70, 2)
    """
    y = _circle_of_each(n_samples)
    if not isinstance(noise, Real) or not 0 <= noise < np.inf:
        raise ValueError(f"noise: must be a finite number from 0, got {noise!r}.")
    if not _are_three(radii, Real, lambda radius: 0 <= radius < np.inf):
        raise ValueError(f"radii: must be three finite numbers from 0, got {radii!r}.")
    rng = check_random_state(random_state)
    angles = rng.uniform(0, 2 * np.pi, len(y))
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    radius = np.asarray(radii)[y]
    return radius[:, None] * circle + noise * rng.standard_normal((len(y), 2)), y


def _circle_of_each(n_samples: Any) -> np.ndarray:
    if isinstance(n_samples, Integral) and int(n_samples) >= 1:
        return np.arange(int(n_samples), dtype=np.int64) % 3
    if _are_three(n_samples, Integral, lambda number: number >= 1):
        return np.repeat(np.arange(3, dtype=np.int64), n_samples)
    raise ValueError(
        f"n_samples: must be an int above 0 or three of them, got {n_samples!r}."
    )


def _are_three(values: Any, kind: type, is_right: Callable[[Any], bool]) -> bool:
    return np.shape(values) == (3,) and all(
        isinstance(value, kind) and is_right(value) for value in values
    )
