"""A net as one module that ``torch.func`` can call with other parameters."""

from collections.abc import Callable
from typing import Any

from skorch import NeuralNet
from torch import Tensor, nn
from torch.func import functional_call

from skgex._nets.skorch_adapter import named_modules


class NetModule(nn.Module):
    """All modules and criteria of a net as one module, whose forward calls a function.

    Parameters
    ----------
    net : NeuralNet
        Initialised.
    """

    def __init__(self, net: NeuralNet):
        super().__init__()
        for name, module in named_modules(net):
            self.add_module(name + "_", module)

    def forward(self, function: Callable, *arguments: Any) -> Any:
        """Return ``function(*arguments)``."""
        return function(*arguments)

    def trainable(self) -> dict[str, nn.Parameter]:
        """Return the parameters that are trained, by name."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    def at(
        self, parameters: dict[str, Tensor], function: Callable, *arguments: Any
    ) -> Any:
        """Return ``function(*arguments)`` with other parameters in the net.

        Parameters
        ----------
        parameters : dict of Tensor
            By the names of :meth:`trainable`.
        function : callable
            Uses the net.
        *arguments
            Of the function.
        """
        return functional_call(self, parameters, (function, *arguments))
