"""The losses of samples as a function of a net's parameters, and their derivatives."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import unpack_data
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

from skgex._net import (
    TrainedNet,
    Weights,
    batches,
    modules,
    per_sample_criterion,
    revive,
    sample_losses,
    weights_of,
)
from skgex._random import seeded
from skgex.curvature import (
    Operator,
    gauss_newton_products,
    hessian_products,
    jacobian_products,
)

# What the gradients of samples may take that are held at once; one always fits.
MAX_BYTES = 2**26
# Vectors that go through the net side by side, each with activations of its own.
MAX_VECTORS = 64

Form = Callable[[Tensor], Tensor]


def identity(gradients: Tensor) -> Tensor:
    """Return gradients as they are."""
    return gradients


class SampleLosses:
    """The losses of samples under a trained net, as a function of its parameters.

    Losses are the net's own, by its ``infer`` and ``get_loss`` in evaluation mode, with
    the criterion's reduction at "none"; a loss over several outputs is their mean.
    Only parameters that are trained count, those of the criterion too.

    Samples are pairs ``X, y`` as :func:`skgex._net.evaluate` takes them, or batches of
    them as tensors. All that is returned as an array is in the dtype of the net,
    except for sums over parameters, which are float64.

    Parameters
    ----------
    trained : TrainedNet
    weights : dict of dict of ndarray, default=None
        Those of a checkpoint, in the place of the net's own.

    Attributes
    ----------
    theta : Tensor of shape (n_parameters,)
        The parameters, one after the other.
    """

    def __init__(self, trained: TrainedNet, weights: Weights | None = None):
        if weights is not None:
            trained = trained._replace(weights=weights)
        self._net = revive(trained)
        self._whole = _Whole(self._net).eval()
        self._parameters = {
            name: parameter
            for name, parameter in self._whole.named_parameters()
            if parameter.requires_grad
        }
        if not self._parameters:
            raise ValueError("net: none of its parameters is trainable.")
        self._can_batch = True
        self.theta = _flat(self._parameters.values()).detach()

    def __call__(self, theta: Tensor, X: Any, y: Any) -> Tensor:
        """Return the losses of a batch, shape (n_samples,)."""
        with per_sample_criterion(self._net):
            return self._at(theta, self._losses, X, y)

    def weights_at(self, theta: Tensor) -> Weights:
        """Return the net's weights with other parameters."""
        with torch.no_grad():
            self._write(theta)
            weights = weights_of(self._net)
            self._write(self.theta)
        return weights

    def theta_of(self, weights: Weights) -> Tensor:
        """Return the parameters among weights of the same net."""
        names = [name.split(".", 1) for name in self._parameters]
        parts = [torch.as_tensor(weights[root[:-1]][key]) for root, key in names]
        return _flat(parts).to(self.theta)

    def gradients(self, X: Any, y: Any, max_bytes: int = MAX_BYTES) -> Iterator[Tensor]:
        """Yield the gradients of samples in order, some rows at a time.

        Parameters
        ----------
        X, y
            Samples.
        max_bytes : int
            What the rows given at once may take.

        Yields
        ------
        gradients : Tensor of shape (n_rows, n_parameters)
        """
        size = max(1, max_bytes // (self.theta.nbytes))
        for Xi, yi in self._batches(X, y):
            for start in range(0, len(yi), size):
                rows = slice(start, start + size)
                yield self._gradients(_take(Xi, rows), _take(yi, rows))

    def all_gradients(self, X: Any, y: Any) -> np.ndarray:
        """Return the gradients of samples, (n_samples, n_parameters), all at once."""
        with seeded(0):
            return _stack(self.gradients(X, y))

    def projections(self, X: Any, y: Any, directions: Tensor) -> np.ndarray:
        """Return g·d for each sample and direction, through the samples' gradients.

        What it costs hardly depends on the number of directions.

        Parameters
        ----------
        X, y
            Samples.
        directions : Tensor of shape (n_directions, n_parameters)

        Returns
        -------
        projections : ndarray of shape (n_samples, n_directions)
        """
        with seeded(0):
            return _stack(g @ directions.T for g in self.gradients(X, y))

    def derivatives(self, X: Any, y: Any, directions: Tensor) -> np.ndarray:
        """Return g·d for each sample and direction, by forward-mode products.

        No gradient of a sample is ever held.

        Parameters
        ----------
        X, y
            Samples.
        directions : Tensor of shape (n_directions, n_parameters)

        Returns
        -------
        derivatives : ndarray of shape (n_samples, n_directions)
        """

        def of_batch(Xi: Any, yi: Any) -> Tensor:
            losses = lambda theta: self(theta, Xi, yi)  # noqa: E731
            blocks = directions.split(MAX_VECTORS)
            return torch.cat(
                [jacobian_products(losses, self.theta, block) for block in blocks]
            ).T

        with seeded(0):
            return _stack(of_batch(*batch) for batch in self._batches(X, y))

    def quadratic_forms(self, X: Any, y: Any, form: Form = identity) -> np.ndarray:
        """Return g·A g for each sample, of shape (n_samples,), dtype=float64.

        ``form`` multiplies rows of gradients by the symmetric matrix A.
        """
        with seeded(0):
            return _stack(
                torch.linalg.vecdot(g, form(g)).double() for g in self.gradients(X, y)
            )

    def inner_products(
        self, samples: tuple, others: tuple, form: Form = identity
    ) -> np.ndarray:
        """Return g·A g' for each sample and each of others, dtype=float64.

        Their gradients are taken anew for every block of samples, and never all held.

        Parameters
        ----------
        samples, others : tuple of X and y
        form : callable
            Multiplies rows of gradients by the symmetric matrix A.

        Returns
        -------
        products : ndarray of shape (n_samples, n_others)
        """
        with seeded(0):
            blocks = []
            for mine in self.gradients(*samples, max_bytes=4 * MAX_BYTES):
                formed = form(mine)
                theirs = self.gradients(*others)
                blocks.append(_stack((g @ formed.T).double() for g in theirs).T)
            return np.concatenate(blocks)

    def curvature(self, X: Any, y: Any, kind: str) -> Operator:
        """Return the Hessian of the mean loss of samples, or its likeness.

        Parameters
        ----------
        X, y
            Samples.
        kind : str
            One of ``CURVATURES``.

        Returns
        -------
        operator : callable
        """

        def operator(vectors: Tensor) -> Tensor:
            total, n_samples = torch.zeros_like(vectors), 0
            with seeded(0):
                for product, size in self.batch_curvatures(X, y, kind):
                    total += size * product(vectors)
                    n_samples += size
            return total / n_samples

        return operator

    def batch_curvatures(
        self, X: Any, y: Any, kind: str
    ) -> Iterator[tuple[Operator, int]]:
        """Yield for each batch the Hessian of its mean loss, and its size."""
        products = CURVATURES[kind]
        for Xi, yi in self._batches(X, y):

            def operator(vectors: Tensor, Xi: Any = Xi, yi: Any = yi) -> Tensor:
                blocks = vectors.split(MAX_VECTORS)
                return torch.cat([products(self, Xi, yi, v) for v in blocks])

            yield operator, len(yi)

    def _hessian_products(self, X: Any, y: Any, vectors: Tensor) -> Tensor:
        return hessian_products(lambda t: self(t, X, y).mean(), self.theta, vectors)

    def _gauss_newton_products(self, X: Any, y: Any, vectors: Tensor) -> Tensor:
        with torch.no_grad():
            leaves, structure = tree_flatten(self._net.infer(X))

        def outputs(theta: Tensor) -> Tensor:
            return _flat(tree_flatten(self._at(theta, self._net.infer, X))[0])

        def loss(values: Tensor) -> Tensor:
            parts = values.split([leaf.numel() for leaf in leaves])
            shaped = [
                part.view_as(leaf) for part, leaf in zip(parts, leaves, strict=True)
            ]
            output = tree_unflatten(shaped, structure)
            with per_sample_criterion(self._net):
                return sample_losses(self._net, output, y, X).mean()

        return gauss_newton_products(outputs, loss, self.theta, vectors)

    def _gradients(self, X: Any, y: Any) -> Tensor:
        """Differentiate the losses of a batch all at once, or else row by row."""
        if self._can_batch:
            try:
                rows = vmap(grad(self._loss), (None, 0, 0), randomness="different")
                return rows(self.theta, X, y)
            except RuntimeError:  # an operation that cannot be batched
                self._can_batch = False
        theta = self.theta.detach().requires_grad_()
        gradients = []
        for i in range(len(y)):
            with torch.enable_grad():
                loss = self._loss(theta, _take(X, i), _take(y, i))
            gradients += torch.autograd.grad(loss, theta, materialize_grads=True)
        return torch.stack(gradients)

    def _loss(self, theta: Tensor, x: Any, y: Any) -> Tensor:
        """Return the loss of one sample, a scalar."""
        row = tree_map(lambda part: part[None], (x, y))
        return self(theta, *row)[0]

    def _losses(self, X: Any, y: Any) -> Tensor:
        return sample_losses(self._net, self._net.infer(X), y, X)

    def _at(self, theta: Tensor, function: Callable, *arguments: Any) -> Any:
        """Call a function of the net while its parameters are others."""
        named = dict(zip(self._parameters, self._split(theta), strict=True))
        return functional_call(self._whole, named, (function, *arguments))

    def _split(self, theta: Tensor) -> list[Tensor]:
        parameters = self._parameters.values()
        parts = theta.split([parameter.numel() for parameter in parameters])
        pairs = zip(parts, parameters, strict=True)
        return [part.view_as(p).to(p.dtype) for part, p in pairs]

    def _write(self, theta: Tensor) -> None:
        parts = self._split(theta)
        for parameter, part in zip(self._parameters.values(), parts, strict=True):
            parameter.copy_(part)

    def _batches(self, X: Any, y: Any) -> Iterator[tuple[Any, Any]]:
        dataset = self._net.get_dataset(X, y)
        for batch in batches(self._net, dataset, training=False):
            Xi, yi = unpack_data(batch)
            yield _to(Xi, self.theta), _to(yi, self.theta)


# How a batch's mean loss bends: products with it, by the name that estimators take.
CURVATURES: dict[str, Callable] = {
    "hessian": SampleLosses._hessian_products,
    "gauss_newton": SampleLosses._gauss_newton_products,
}


class _Whole(nn.Module):
    """All modules and criteria of a net as one, which calls any function."""

    def __init__(self, net: NeuralNet):
        super().__init__()
        for name, module in modules(net):
            self.add_module(name + "_", module)

    def forward(self, function: Callable, *arguments: Any) -> Any:
        """Return ``function(*arguments)``."""
        return function(*arguments)


def _flat(tensors: Any) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _take(values: Any, rows: slice | int) -> Any:
    return tree_map(lambda part: part[rows], values)


def _to(values: Any, theta: Tensor) -> Any:
    return tree_map(lambda part: part.to(theta.device), values)


def _stack(parts: Iterator[Tensor]) -> np.ndarray:
    return np.concatenate([part.detach().cpu().numpy() for part in parts])
