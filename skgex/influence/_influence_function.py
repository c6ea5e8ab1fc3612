"""InfluenceFunction: the first-order effect of leaving a row out of the training."""

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

# The influences among the N fitted rows are N² numbers. They are kept if they take no
# more than this, and otherwise computed again for each query.
MAX_BYTES = 2**28


class InfluenceFunction(InfluenceEstimator):
    """The influence function with damping (Koh and Liang 2017).

    Influence is I(z, z') = g(z)·(H + αI)⁻¹ g(z') / N, where g is the gradient of a
    sample's loss under the trained net, H the curvature (matrix of second derivatives)
    of the mean loss of the N fitted rows, and α the damping. To first order it is the
    rise of the loss of z' if z is left out of the training, which
    :class:`LeaveOneOut` computes exactly. If the net is trained with a weight decay,
    add the decay to ``damping``, since H does not contain it.

    A sample z' is mapped to N features: the influence of each fitted row on it.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is used. A skorch net is cloned and the clone is trained.
        ``FrozenEstimator(net)`` is used with its present weights. None trains a small
        MLP, for class labels only, until its loss on held-out rows stops falling; on
        wide data, such as texts, a linear net unless an MLP predicts held-out labels
        better.
    solver : {"cg", "dense", "lissa"}, default="cg"
        How gradients are multiplied by the inverse. "cg": by conjugate gradients.
        "dense": by the inverted matrix itself, which is exact but feasible only up to
        some thousand parameters. "lissa": by LiSSA, a series each of whose steps uses
        one batch, which is cheaper and less accurate.
    curvature : {"gauss_newton", "hessian"}, default="gauss_newton"
        What H is. "gauss_newton", the generalised Gauss-Newton matrix, neglects the
        second derivatives of the net's outputs. It has no negative eigenvalue if the
        loss is convex in the outputs. "hessian" is exact, but the Hessian of a net can
        have negative eigenvalues. Unless the solver is "dense", ``damping`` must then
        exceed their magnitude.
    damping : float, default=0.01
        The α that is added to the diagonal of the mean curvature before it is inverted.
        A larger value makes the inverse more stable, but the influences smaller and
        less exact.
    tol : float, default=0.001
        Conjugate gradients stop when the norm of the residual is at most this share of
        the norm of the gradient. A smaller value is more accurate and takes longer.
    n_iterations : int, default=200
        Largest number of steps of conjugate gradients, or the number of steps of LiSSA.
        A larger value is more accurate and takes longer.
    memory : str, joblib.Memory or None, default=None
        Directory or ``joblib.Memory`` that caches the result of each training, so that
        a later fit with the same net, data and seed does not train again. A training
        that was interrupted goes on after its last epochs. None caches nothing.
    random_state : int, RandomState or None, default=None
        Seed of all that is random, such as initial weights and the order of batches.
        Pass an int for the same results every time. The global random states of
        Python, NumPy and PyTorch are left as they were.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only if labels are classes.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Influence I(z, z) of each fitted row on itself, higher = more suspicious.

    Notes
    -----
    The fitted rows are kept, since features of new samples are computed from them.

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
