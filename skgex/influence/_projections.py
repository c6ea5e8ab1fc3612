"""Random directions among a net's parameters."""

import torch
from torch import Tensor


def random_directions(seed: int, n_directions: int, theta: Tensor) -> Tensor:
    """Draw directions that keep inner products on average.

    Parameters
    ----------
    seed : int
    n_directions : int
    theta : Tensor of shape (n_parameters,)
        Gives size, dtype and device.

    Returns
    -------
    directions : Tensor of shape (n_directions, n_parameters)
        Drawn from N(0, 1 / n_directions).
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (n_directions, len(theta))
    return torch.randn(shape, generator=generator).to(theta).div_(n_directions**0.5)
