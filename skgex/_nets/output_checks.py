"""What torch's own criteria take: logits, probabilities, or their logarithms."""

import torch
from skorch import NeuralNet, NeuralNetClassifier
from torch import nn

from skgex._utils.warnings import warn_caller
from skgex.exceptions import SaturationWarning

# How far the sum of class probabilities may be from one, in half precision as well.
TOLERANCE = 1e-2


def check_outputs(net: NeuralNet, outputs: torch.Tensor) -> None:
    """Refuse outputs of another kind than torch's own criterion takes.

    Nothing is said of a loss of the user's own, and of outputs that are not finite.
    """
    if outputs.ndim < 2 or not torch.isfinite(outputs).all():
        return
    forward = getattr(type(net.criterion_), "forward", None)
    takes_logs = type(net).get_loss is NeuralNet.get_loss
    if not takes_logs and type(net).get_loss is not NeuralNetClassifier.get_loss:
        return
    if forward is nn.CrossEntropyLoss.forward and _are_probabilities(outputs):
        warn_caller(
            "net: its outputs are probabilities already, and CrossEntropyLoss takes "
            "their softmax again, so that no label is ever probable. Let the module "
            "return logits, or use criterion=nn.NLLLoss with skorch's "
            "NeuralNetClassifier.",
            SaturationWarning,
        )
    if forward is not nn.NLLLoss.forward:
        return
    if takes_logs and not _are_probabilities(outputs.exp()):
        raise ValueError(
            f"net: NLLLoss takes log-probabilities in {type(net).__name__}, but the "
            "exponentials of the module's outputs are no probabilities (they do not "
            "sum to one over the classes). Let it return logits and use "
            "criterion=nn.CrossEntropyLoss, or end with log_softmax."
        )
    if not takes_logs and not _are_probabilities(outputs):
        kind = "logits"
        if _are_probabilities(outputs.exp()):
            kind = "log-probabilities"
        raise ValueError(
            f"net: skorch takes the logarithm of outputs under NLLLoss, but the "
            f"module's outputs are no probabilities ({kind}?), so that the loss is "
            "not finite. Let it return logits and use criterion=nn.CrossEntropyLoss, "
            "or end with softmax."
        )


def _are_probabilities(outputs: torch.Tensor) -> bool:
    """Return whether entries are probabilities that sum to one over the classes."""
    sums = outputs.double().sum(dim=1)
    return bool((outputs >= 0).all() and ((sums - 1).abs() < TOLERANCE).all())
