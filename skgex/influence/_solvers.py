"""Ways to solve (C + αI) x = g, with C the curvature of the mean loss of some rows.

Each is made from the fitted rows, keeps what can be pickled, and gives the solution
for rows of gradients.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import chain, islice, repeat
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from skgex._data.records import Data, take
from skgex._nets.curvature import batch_curvatures, mean_curvature
from skgex._nets.operators import (
    Operator,
    conjugate_gradients,
    dense,
    lissa,
    top_eigenpairs,
)
from skgex._nets.sample_losses import Form, SampleLosses
from skgex._utils.warnings import warn_caller
from skgex.exceptions import ConvergenceWarning

# Products that the largest eigenvalue of a batch's curvature is found by.
N_PROBES = 10


class Settings(NamedTuple):
    """What is solved, and how well.

    Attributes
    ----------
    curvature : str
        One of :data:`skgex._nets.curvature.CURVATURES`.
    damping : float
        α.
    tol : float
        Share of the norm of a gradient that a residual may keep.
    n_iterations : int
        Products with the curvature at most.
    """

    curvature: str
    damping: float
    tol: float
    n_iterations: int


class Solver(ABC):
    """Made from the fitted rows; solves for the gradients of any."""

    @abstractmethod
    def __init__(self, losses: SampleLosses, data: Data, settings: Settings, seed: int):
        """Prepare what the fitted rows decide."""

    @abstractmethod
    def solution(self, losses: SampleLosses, data: Data) -> Form:
        """Return what solves the equation for rows of gradients."""


class Dense(Solver):
    """Writes the matrix out and inverts it."""

    def __init__(self, losses: SampleLosses, data: Data, settings: Settings, seed: int):
        curvature = mean_curvature(losses, data.X, data.targets, settings.curvature)
        values, vectors = torch.linalg.eigh(dense(curvature, losses.theta))
        values = values + settings.damping
        smallest, largest = values.abs().min(), values.abs().max()
        if smallest <= len(values) * torch.finfo(losses.theta.dtype).eps * largest:
            raise ValueError(
                f"damping: with {settings.damping:g} the matrix is singular; raise it."
            )
        self.inverse = ((vectors / values) @ vectors.T).cpu().numpy()

    def solution(self, losses: SampleLosses, data: Data) -> Form:
        """Return what solves the equation for rows of gradients."""
        inverse = torch.as_tensor(self.inverse).to(losses.theta)
        return lambda gradients: gradients @ inverse


class ConjugateGradients(Solver):
    """Solves for each gradient by conjugate gradients on all rows."""

    def __init__(self, losses: SampleLosses, data: Data, settings: Settings, seed: int):
        self.settings = settings

    def solution(self, losses: SampleLosses, data: Data) -> Form:
        """Return what solves the equation for rows of gradients."""
        kind, damping, tol, n_iterations = self.settings
        curvature = mean_curvature(losses, data.X, data.targets, kind)
        operator = _damped(curvature, damping)

        def solve(gradients: Tensor) -> Tensor:
            try:
                solutions, solved = conjugate_gradients(
                    operator, gradients, tol=tol, max_iter=n_iterations
                )
            except ValueError as error:
                raise ValueError(
                    f"damping: with {damping:g} {error} Raise it, or pass "
                    "curvature='gauss_newton'."
                ) from error
            if not solved.all():
                warn_caller(
                    f"{(~solved).sum()} of {len(solved)} equations were not solved in "
                    f"{n_iterations} iterations; raise n_iterations, damping or tol.",
                    ConvergenceWarning,
                )
            return solutions

        return solve


class LiSSA(Solver):
    """Sums the Neumann series, each step with the curvature of one batch."""

    def __init__(self, losses: SampleLosses, data: Data, settings: Settings, seed: int):
        self.settings = settings
        self.order = np.random.RandomState(seed).permutation(len(data.X))
        self.scale = settings.damping + max(
            top_eigenpairs(operator, losses.theta, 1, N_PROBES, seed)[0].abs().max()
            for operator in self._one_pass(losses, data)
        )

    def solution(self, losses: SampleLosses, data: Data) -> Form:
        """Return what solves the equation for rows of gradients."""
        _, damping, _, n_iterations = self.settings

        def solve(gradients: Tensor) -> Tensor:
            passes = (self._one_pass(losses, data) for _ in repeat(None))
            curvatures = islice(chain.from_iterable(passes), n_iterations)
            operators = (_damped(operator, damping) for operator in curvatures)
            return lissa(operators, gradients, float(self.scale))

        return solve

    def _one_pass(self, losses: SampleLosses, data: Data) -> Iterator[Operator]:
        rows = take(data.X, data.targets, self.order)
        for operator, _ in batch_curvatures(losses, *rows, self.settings.curvature):
            yield operator


def _damped(operator: Operator, damping: float) -> Operator:
    return lambda vectors: operator(vectors) + damping * vectors


# By the name that estimators take.
SOLVERS: dict[str, type[Solver]] = {
    "cg": ConjugateGradients,
    "dense": Dense,
    "lissa": LiSSA,
}
