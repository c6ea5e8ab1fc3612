"""Refusals of what is no skorch net, and of nets that cannot be trained."""

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from skorch import NeuralNet
from torch import nn

from skgex._base.parameters import InvalidParameterError, NetNeed

WRAP = "skorch.NeuralNetClassifier({}, criterion=torch.nn.CrossEntropyLoss)"


def check_net(net: Any, need: NetNeed, owner: str) -> None:
    """Refuse a net that cannot serve an estimator.

    Parameters
    ----------
    net : NeuralNet, FrozenEstimator or None
    need : NetNeed
    owner : str
        Name of the estimator's class.

    Raises
    ------
    InvalidParameterError
        A ValueError and TypeError: if it is none of these.
    TypeError
        If a FrozenEstimator holds no skorch net.
    NotFittedError
        If the net in it is not fitted.
    ValueError
        If it came frozen, but the estimator must train it; or if it would be trained
        for no epoch or on empty batches.
    """
    if net is None:
        return
    if not isinstance(net, FrozenEstimator):
        if not isinstance(net, NeuralNet):
            raise InvalidParameterError(
                "net: must be a skorch net, a FrozenEstimator of one, or None for a "
                f"small MLP; {_cure(net)}"
            )
        _check_training(net)
        return
    inner = net.estimator
    if not isinstance(inner, NeuralNet):
        kind = type(inner).__name__
        raise TypeError(
            f"net: FrozenEstimator must hold a skorch net, not {kind}; {_cure(inner)}"
        )
    if not inner.initialized_:
        raise NotFittedError("net: FrozenEstimator holds a net that is not fitted.")
    _check_batches(inner)
    if need is not NetNeed.TRAINED:
        raise ValueError(
            f"net: {owner} needs {need.value}, which a FrozenEstimator does not allow; "
            "pass the net itself."
        )


def _cure(net: Any) -> str:
    """Return what came instead of a net, and what to do about it."""
    kind = net.__name__ if isinstance(net, type) else type(net).__name__
    if isinstance(net, type) and issubclass(net, nn.Module):
        return f"got the module class {kind}. Wrap it: net={WRAP.format(kind)}."
    if isinstance(net, nn.Module):
        return (
            f"got a torch module, {kind}. Wrap it: net={WRAP.format('module')} trains "
            "it; to use its weights as they are, "
            f"net=FrozenEstimator({WRAP.format('module')}.initialize())."
        )
    if isinstance(net, type) and issubclass(net, NeuralNet):
        return f"got the class {kind}. Pass an instance: net={kind}(module, ...)."
    if isinstance(net, Pipeline):
        return (
            "got a Pipeline. Put its first steps before this estimator: "
            "make_pipeline(..., estimator), and pass the skorch net alone."
        )
    if hasattr(net, "estimator"):
        return f"got a {kind}. Pass the skorch net that it holds."
    if isinstance(net, BaseEstimator):
        return (
            f"got {kind}, a scikit-learn estimator, whose losses have no gradients. "
            f"Wrap a torch module instead: net={WRAP.format('Module')}."
        )
    return f"got {kind}. Wrap a torch module: net={WRAP.format('Module')}."


def _check_training(net: NeuralNet) -> None:
    if not isinstance(net.max_epochs, Integral) or net.max_epochs < 1:
        raise ValueError(
            f"net: its max_epochs must be an int of at least 1, got {net.max_epochs!r};"
            " to use a net as it is, pass FrozenEstimator(net)."
        )
    _check_batches(net)


def _check_batches(net: NeuralNet) -> None:
    size = net.batch_size
    if not isinstance(size, Integral) or (size != -1 and int(size) < 1):
        raise ValueError(
            "net: its batch_size must be an int of at least 1, or -1 for all rows in "
            f"one batch, got {size!r}."
        )


@contextmanager
def blamed_on(argument: str, message: str) -> Iterator[None]:
    """Turn an error of torch or skorch into a ValueError that names an argument."""
    try:
        yield
    except (RuntimeError, TypeError, AttributeError, AssertionError, ValueError) as e:
        raise ValueError(f"{argument}: {message}: {e}") from e
