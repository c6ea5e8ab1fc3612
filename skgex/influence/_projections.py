"""Random directions among a net's parameters."""

import torch
from torch import Tensor


def random_directions(seed: int, n_directions: int, theta: Tensor) -> Tensor:
    """Draw directions such that projections keep inner products on average.

    Parameters
    ----------
    seed : int
        Equal seeds give equal directions.
    n_directions : int
        Number of directions.
    theta : Tensor of shape (n_parameters,)
        Parameters of a net. The directions have their size, dtype and device.

    Returns
    -------
    directions : Tensor of shape (n_directions, n_parameters)
        Each entry is drawn from the normal distribution N(0, 1 / n_directions).
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (n_directions, len(theta))
    return torch.randn(shape, generator=generator).to(theta).div_(n_directions**0.5)
