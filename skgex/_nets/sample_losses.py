"""Losses of samples as a function of a net's parameters, and their derivatives."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from skorch.dataset import unpack_data
from torch import Tensor
from torch.func import grad, vmap
from torch.linalg import vecdot, vector_norm
from torch.utils._pytree import tree_map

from skgex._nets.batches import batches
from skgex._nets.evaluation import per_sample_criterion, sample_losses
from skgex._nets.functional import NetModule
from skgex._nets.operators import jacobian_products
from skgex._nets.snapshot import TrainedNet, Weights, revive, weights_of
from skgex._utils.random import seeded

# Memory for the gradients that are held at once; one gradient may take more than that.
MAX_BYTES = 2**24
# Vectors that go through the net at the same time, each with activations of its own.
MAX_VECTORS = 64

# Multiplies rows of gradients by a symmetric matrix.
Form = Callable[[Tensor], Tensor]


class SampleLosses:
    """The losses of samples under a trained net, as a function of its parameters.

    Losses come from the net's own ``infer`` and ``get_loss`` in evaluation mode, with
    the criterion's reduction at "none". A loss over several outputs is their mean.
    Parameters that are not trained are constants; trained parameters of the criterion
    count.

    Samples are ``X`` and ``y`` as :func:`skgex._nets.evaluation.evaluate` takes them,
    or batches of them as tensors. Arrays are returned in the dtype of the net, except
    for sums over parameters, which are float64.

    Parameters
    ----------
    trained : TrainedNet
    weights : dict of dict of ndarray, default=None
        Those of a checkpoint; None for the net's own.

    Attributes
    ----------
    theta : Tensor of shape (n_parameters,)
        The parameters, flattened one after the other.

    Raises
    ------
    ValueError
        If no parameter of the net is trainable.
    """

    def __init__(self, trained: TrainedNet, weights: Weights | None = None):
        if weights is not None:
            trained = trained._replace(weights=weights)
        self._net = revive(trained)
        self._module = NetModule(self._net).eval()
        self._parameters = self._module.trainable()
        if not self._parameters:
            raise ValueError("net: none of its parameters is trainable.")
        self._can_batch = True
        self.theta = _flat(self._parameters.values()).detach()

    def __call__(self, theta: Tensor, X: Any, y: Any) -> Tensor:
        """Return the losses of a batch, shape (n_samples,)."""
        with per_sample_criterion(self._net):
            return self._at(theta, self._losses, X, y)

    def weights_at(self, theta: Tensor) -> Weights:
        """Return the net's weights with these parameters instead of its own."""
        return self._at(theta, weights_of, self._net)

    def theta_of(self, weights: Weights) -> Tensor:
        """Return the trained parameters among weights of the same net."""
        names = [name.split(".", 1) for name in self._parameters]
        parts = [torch.as_tensor(weights[root[:-1]][key]) for root, key in names]
        return _flat(parts).to(self.theta)

    def gradients(self, X: Any, y: Any) -> Iterator[Tensor]:
        """Yield the gradients of samples in order, some rows at a time.

        Rows that are yielded together are of one batch, and take ``MAX_BYTES`` at most.

        Parameters
        ----------
        X, y
            Samples.

        Yields
        ------
        gradients : Tensor of shape (n_rows, n_parameters)
        """
        for parts in self._gradient_parts(X, y):
            yield torch.cat(parts, dim=1)

    @seeded(0)
    def all_gradients(self, X: Any, y: Any) -> np.ndarray:
        """Return all gradients in one array of shape (n_samples, n_parameters)."""
        return _stack(self.gradients(X, y))

    @seeded(0)
    def projections(self, X: Any, y: Any, directions: Tensor) -> np.ndarray:
        """Return g·d for each sample and direction, through the samples' gradients.

        The cost hardly depends on the number of directions.

        Parameters
        ----------
        X, y
            Samples.
        directions : Tensor of shape (n_directions, n_parameters)

        Returns
        -------
        projections : ndarray of shape (n_samples, n_directions)
        """
        return _stack(g @ directions.T for g in self.gradients(X, y))

    @seeded(0)
    def derivatives(self, X: Any, y: Any, directions: Tensor) -> np.ndarray:
        """Return g·d for each sample and direction, by forward-mode products.

        It needs no memory for gradients of samples.

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

        return _stack(of_batch(*batch) for batch in self.batches(X, y))

    @seeded(0)
    def quadratic_forms(self, X: Any, y: Any, form: Form | None = None) -> np.ndarray:
        """Return g·A g for the gradient g of each sample.

        Parameters
        ----------
        X, y
            Samples.
        form : callable or None
            Multiplies rows of gradients by the symmetric matrix A; it gets as many rows
            at once as ``MAX_BYTES`` holds. None stands for the identity.

        Returns
        -------
        forms : ndarray of shape (n_samples,), dtype=float64
        """
        if form is None:
            squares = _stack(
                sum(vector_norm(part, dim=1).square() for part in parts)
                for parts in self._gradient_parts(X, y)
            )
            return squares.astype(np.float64)
        blocks = _blocks(self.gradients(X, y), MAX_BYTES)
        return _stack(vecdot(g, form(g)) for g in blocks).astype(np.float64)

    @seeded(0)
    def inner_products(
        self, samples: tuple, others: tuple, form: Form | None = None
    ) -> np.ndarray:
        """Return g·A g' for each sample and each of the other samples.

        To save memory, the gradients of the others are computed anew for every block of
        samples.

        Parameters
        ----------
        samples, others : tuple of X and y
        form : callable or None
            As for :meth:`quadratic_forms`.

        Returns
        -------
        products : ndarray of shape (n_samples, n_others), dtype=float64
        """
        products = []
        for block in _blocks(self.gradients(*samples), 4 * MAX_BYTES):
            mine = block if form is None else form(block)
            theirs = self.gradients(*others)
            products.append(_stack(g @ mine.T for g in theirs).T)
        return np.concatenate(products).astype(np.float64)

    def outputs(self, theta: Tensor, X: Any) -> Any:
        """Return what the module returns for a batch, one tensor or several."""
        return self._at(theta, self._net.infer, X)

    def of_outputs(self, outputs: Any, X: Any, y: Any) -> Tensor:
        """Return the losses of a batch from its outputs, shape (n_samples,)."""
        with per_sample_criterion(self._net):
            return sample_losses(self._net, outputs, y, X)

    def batches(self, X: Any, y: Any) -> Iterator[tuple[Any, Any]]:
        """Yield samples as the net takes them, in order, on its device."""
        dataset = self._net.get_dataset(X, y)
        for batch in batches(self._net, dataset, training=False):
            Xi, yi = unpack_data(batch)
            yield _to(Xi, self.theta), _to(yi, self.theta)

    def _gradient_parts(self, X: Any, y: Any) -> Iterator[list[Tensor]]:
        """Yield the gradients of some samples, an (n_rows, size) tensor per parameter.

        They are not joined here, because that takes as long as computing them.
        """
        size = max(1, MAX_BYTES // self.theta.nbytes)
        for Xi, yi in self.batches(X, y):
            for start in range(0, len(yi), size):
                rows = slice(start, start + size)
                parts = self._gradients(_take(Xi, rows), _take(yi, rows))
                yield [part.reshape(len(part), -1) for part in parts]

    def _gradients(self, X: Any, y: Any) -> tuple[Tensor, ...]:
        """Differentiate the losses of a batch all at once, or row by row if need be."""
        parts = tuple(self._split(self.theta))
        if self._can_batch:
            try:
                rows = vmap(grad(self._loss), (None, 0, 0), randomness="different")
                return rows(parts, X, y)
            except RuntimeError:  # some operation cannot be batched
                self._can_batch = False
        parts = tuple(part.clone().requires_grad_() for part in parts)
        gradients = []
        for i in range(len(y)):
            with torch.enable_grad():
                loss = self._loss(parts, _take(X, i), _take(y, i))
            gradients.append(torch.autograd.grad(loss, parts, materialize_grads=True))
        return tuple(torch.stack(rows) for rows in zip(*gradients, strict=True))

    def _loss(self, parts: tuple[Tensor, ...], x: Any, y: Any) -> Tensor:
        """Return the loss of one sample, a scalar."""
        row = tree_map(lambda part: part[None], (x, y))
        with per_sample_criterion(self._net):
            return self._with(parts, self._losses, *row)[0]

    def _losses(self, X: Any, y: Any) -> Tensor:
        return sample_losses(self._net, self._net.infer(X), y, X)

    def _at(self, theta: Tensor, function: Callable, *arguments: Any) -> Any:
        """Call a function of the net with ``theta`` instead of its own parameters."""
        return self._with(self._split(theta), function, *arguments)

    def _with(self, parts: Any, function: Callable, *arguments: Any) -> Any:
        named = dict(zip(self._parameters, parts, strict=True))
        return self._module.at(named, function, *arguments)

    def _split(self, theta: Tensor) -> list[Tensor]:
        parameters = self._parameters.values()
        parts = theta.split([parameter.numel() for parameter in parameters])
        pairs = zip(parts, parameters, strict=True)
        return [part.view_as(p).to(p.dtype) for part, p in pairs]


def _flat(tensors: Any) -> Tensor:
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _blocks(parts: Iterator[Tensor], max_bytes: int) -> Iterator[Tensor]:
    """Join tensors to as few as possible of ``max_bytes`` at most."""
    held: list[Tensor] = []
    for part in parts:
        if held and sum(tensor.nbytes for tensor in held) + part.nbytes > max_bytes:
            yield torch.cat(held)
            held = []
        held.append(part)
    yield torch.cat(held)


def _take(values: Any, rows: slice | int) -> Any:
    return tree_map(lambda part: part[rows], values)


def _to(values: Any, theta: Tensor) -> Any:
    return tree_map(lambda part: part.to(theta.device), values)


def _stack(parts: Iterator[Tensor]) -> np.ndarray:
    return np.concatenate([part.detach().cpu().numpy() for part in parts])
