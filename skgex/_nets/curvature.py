"""Curvature of the mean loss of samples by the parameters of a net, as products."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_leaves, tree_unflatten

from skgex._nets.operators import Operator, gauss_newton_products, hessian_products
from skgex._nets.sample_losses import MAX_VECTORS, SampleLosses
from skgex._utils.random import seeded


def mean_curvature(losses: SampleLosses, X: Any, y: Any, kind: str) -> Operator:
    """Return the Hessian of the mean loss of samples, or its Gauss-Newton matrix.

    Parameters
    ----------
    losses : SampleLosses
    X, y
        Samples.
    kind : str
        A key of ``CURVATURES``.

    Returns
    -------
    operator : callable
        Each product is one pass over all samples.
    """

    def operator(vectors: Tensor) -> Tensor:
        total, n_samples = torch.zeros_like(vectors), 0
        with seeded(0):
            for product, size in batch_curvatures(losses, X, y, kind):
                total += size * product(vectors)
                n_samples += size
        return total / n_samples

    return operator


def batch_curvatures(
    losses: SampleLosses, X: Any, y: Any, kind: str
) -> Iterator[tuple[Operator, int]]:
    """Yield the curvature of each batch's mean loss, and the size of the batch."""
    products = CURVATURES[kind]
    for Xi, yi in losses.batches(X, y):

        def operator(vectors: Tensor, Xi: Any = Xi, yi: Any = yi) -> Tensor:
            blocks = vectors.split(MAX_VECTORS)
            return torch.cat([products(losses, Xi, yi, block) for block in blocks])

        yield operator, len(yi)


def _hessian(losses: SampleLosses, X: Any, y: Any, vectors: Tensor) -> Tensor:
    def loss(theta: Tensor) -> Tensor:
        return losses(theta, X, y).mean()

    return hessian_products(loss, losses.theta, vectors)


def _gauss_newton(losses: SampleLosses, X: Any, y: Any, vectors: Tensor) -> Tensor:
    leaves, structure = tree_flatten(losses.outputs(losses.theta, X))

    def outputs(theta: Tensor) -> Tensor:
        parts = tree_leaves(losses.outputs(theta, X))
        return torch.cat([part.reshape(-1) for part in parts])

    def loss(values: Tensor) -> Tensor:
        parts = values.split([leaf.numel() for leaf in leaves])
        pairs = zip(parts, leaves, strict=True)
        shaped = [part.view_as(leaf) for part, leaf in pairs]
        return losses.of_outputs(tree_unflatten(shaped, structure), X, y).mean()

    return gauss_newton_products(outputs, loss, losses.theta, vectors)


# Products with the curvature of a batch, by the names that estimators accept.
CURVATURES: dict[str, Callable[[SampleLosses, Any, Any, Tensor], Tensor]] = {
    "hessian": _hessian,
    "gauss_newton": _gauss_newton,
}
