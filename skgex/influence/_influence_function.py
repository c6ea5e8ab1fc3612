"""InfluenceFunction: the first-order effect of leaving a row out."""

from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from skgex._base.net_training import train_net
from skgex._base.parameters import Interval, StrOptions
from skgex._data.records import Data, Query
from skgex._nets.curvature import CURVATURES
from skgex._nets.sample_losses import Form, SampleLosses
from skgex._nets.snapshot import dtype_of, revive
from skgex._utils.random import Seeds
from skgex.influence._feature_map import InfluenceEstimator
from skgex.influence._mapping import GradientProducts, finite
from skgex.influence._solvers import SOLVERS, Settings, Solver

# The influences among fitted rows are kept if they take no more than this.
MAX_BYTES = 2**28


class InfluenceFunction(InfluenceEstimator):
    """The influence function with damping (Koh and Liang 2017).

    I(z, z') = g(z)·(H + αI)⁻¹ g(z') / N, with g the gradient of a sample's loss under
    the trained net, H the curvature of the mean loss of the N fitted rows, and α the
    damping: to first order the rise of the loss of z' if z is left out of the
    training, as :class:`LeaveOneOut` has it. A weight decay of the training belongs to
    H; damping that is raised by it takes it in.

    A sample z' is mapped to its influences by all fitted rows.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is meant. A skorch net is cloned and trained;
        ``FrozenEstimator(net)`` is taken as it was trained. None makes a small MLP,
        for classes, trained for as long as the loss of held-out rows falls.
    solver : {"cg", "dense", "lissa"}, default="cg"
        How gradients are multiplied by the inverse: by conjugate gradients; by the
        matrix itself, for some thousand parameters; or by LiSSA, a series whose steps
        take a batch each, which is cheaper and coarser.
    curvature : {"gauss_newton", "hessian"}, default="gauss_newton"
        What H is. The generalised Gauss-Newton matrix neglects how the outputs bend,
        and has no negative eigenvalue where the loss is convex in the outputs; the
        Hessian of a net can have some, and needs damping beyond them unless it is
        dense.
    damping : float, default=0.01
        α, which rows of the mean loss are weighed against.
    tol : float, default=0.001
        Conjugate gradients end when the residual is this share of the gradient.
    n_iterations : int, default=200
        Steps of conjugate gradients at most; steps of LiSSA.
    memory : str, joblib.Memory or None, default=None
        Caches the trained net, by parameters, data and seed.
    random_state : int, RandomState or None, default=None
        All that is random follows from it. Global generators are left as they were.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only for classes.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        I(z, z) of the fitted rows, higher = more suspicious.

    Notes
    -----
    The fitted rows are kept: further samples are asked about through them.

    References
    ----------
    Koh, P. W. and Liang, P. "Understanding black-box predictions via influence
    functions." ICML 2017.

    Agarwal, N., Bullins, B. and Hazan, E. "Second-order stochastic optimization for
    machine learning in linear time." JMLR 18 (2017).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.influence import InfluenceFunction
    >>> X, y = load_iris(return_X_y=True)
    >>> InfluenceFunction(random_state=0).fit_transform(X[::6], y[::6]).shape
    (25, 25)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **InfluenceEstimator._parameter_constraints,
        "solver": [StrOptions(set(SOLVERS))],
        "curvature": [StrOptions(set(CURVATURES))],
        "damping": [Interval(Real, 0, None, closed="left")],
        "tol": [Interval(Real, 0, 1, closed="left")],
        "n_iterations": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        net=None,
        *,
        solver="cg",
        curvature="gauss_newton",
        damping=0.01,
        tol=1e-3,
        n_iterations=200,
        memory=None,
        random_state=None,
    ):
        self.net = net
        self.solver = solver
        self.curvature = curvature
        self.damping = damping
        self.tol = tol
        self.n_iterations = n_iterations
        self.memory = memory
        self.random_state = random_state

    def _fit(self, data: Data, seeds: Seeds) -> "InverseCurvature":
        trained, _ = train_net(self.net, data, self._needs, seeds, self.memory)
        settings = Settings(
            self.curvature, float(self.damping), float(self.tol), int(self.n_iterations)
        )
        losses = SampleLosses(trained)
        solver = SOLVERS[self.solver](losses, data, settings, seeds.method)
        return InverseCurvature(trained, data, solver)


@dataclass(frozen=True, eq=False)
class InverseCurvature(GradientProducts):
    """Products of gradients by the inverse of the mean loss's curvature.

    Attributes
    ----------
    trained : TrainedNet
    data : Data
        The fitted rows: their curvature is meant, and they make the features.
    solver : Solver
        Multiplies gradients by the inverse.
    """

    data: Data
    solver: Solver

    @property
    def n_features(self) -> int:
        """The number of fitted rows."""
        return len(self.data.X)

    def forms(self) -> Iterator[tuple[float, SampleLosses, Form]]:
        """Yield the one bilinear form."""
        losses = SampleLosses(self.trained)
        yield 1 / len(self.data.X), losses, self.solver.solution(losses, self.data)

    def features(self, X: Any, targets: Any) -> np.ndarray:
        """Return the influence of samples on the fitted rows."""
        nowhere = np.full(len(X), -1)
        samples = Query(X, nowhere, targets, nowhere)
        products = self.influence(samples, self._fitted_rows(), _no_features)
        return products.astype(self._dtype)

    def of_fitted_rows(self, data: Data) -> tuple[np.ndarray | None, np.ndarray]:
        """Return the influence of fitted rows on each other, if it is not too large."""
        if len(data.X) ** 2 * self._dtype.itemsize > MAX_BYTES:
            return super().of_fitted_rows(data)
        rows = self._fitted_rows()
        products = finite(self.influence(rows, rows, _no_features))
        return products.astype(self._dtype), products.diagonal().copy()

    @property
    def _dtype(self) -> np.dtype:
        return dtype_of(revive(self.trained))

    def _fitted_rows(self) -> Query:
        data = self.data
        return Query(data.X, data.codes, data.targets, np.arange(len(data.X)))


def _no_features(query: Query) -> np.ndarray:
    raise AssertionError("Gradients are multiplied, not features.")
