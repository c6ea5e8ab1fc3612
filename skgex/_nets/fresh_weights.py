"""A net as it may have been before its training, for a trial of its own."""

import torch
from sklearn.base import clone
from skorch import NeuralNet
from torch import nn

from skgex._utils.random import seeded

# torch's own layers draw new weights by one of these.
RESETS = ("reset_parameters", "_reset_parameters")


def untrained(net: NeuralNet, seed: int) -> NeuralNet:
    """Return an unfitted clone of a net that knows nothing of its training.

    A clone of a skorch net builds its module anew from a class. If the module was given
    as an instance, the clone keeps the instance's weights, which have seen all labels;
    these are drawn anew.

    Parameters
    ----------
    net : NeuralNet
        Stays as it is.
    seed : int
        Of the weights.

    Returns
    -------
    fresh : NeuralNet
    """
    fresh = clone(net)
    with seeded(seed):
        for value in fresh.get_params(deep=False).values():
            if isinstance(value, nn.Module):
                value.apply(_redraw)
    return fresh


@torch.no_grad()
def _redraw(layer: nn.Module) -> None:
    """Draw the parameters of one layer anew, but not those of the layers in it."""
    for name in RESETS:
        if hasattr(layer, name):
            getattr(layer, name)()
            return
    # A layer of the user's own: in another order, its numbers keep their scale alone.
    for parameter in layer.parameters(recurse=False):
        order = torch.randperm(parameter.numel(), device=parameter.device)
        parameter.copy_(parameter.flatten()[order].view_as(parameter))
