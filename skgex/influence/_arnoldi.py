"""Arnoldi: the influence function in the top eigenvectors of the Hessian."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch

from skgex._base.net_training import train_net
from skgex._base.parameters import Interval
from skgex._data.records import Data
from skgex._nets.curvature import mean_curvature
from skgex._nets.operators import top_eigenpairs
from skgex._nets.sample_losses import SampleLosses
from skgex._utils.random import Seeds
from skgex.influence._feature_map import InfluenceEstimator
from skgex.influence._mapping import FeatureProducts


class Arnoldi(InfluenceEstimator):
    """Influence function in the Hessian's top eigenvectors (Schioppa et al. 2022).

    The influence function needs the inverse of H, the Hessian (matrix of second
    derivatives) of the mean loss of the N fitted rows. It is too large to invert for
    most nets. So only its part in R eigenvectors v_r is inverted: those of the
    eigenvalues λ_r of largest magnitude, which Arnoldi's iteration finds.

    A sample z with the gradient g(z) of its loss is mapped to
    φ_r(z) = v_r·g(z) / √(N abs(λ_r)). Influence is Σ_r sign(λ_r) φ_r(z) φ_r(z'). With
    all eigenvectors this is g(z)·(N H)⁻¹ g(z'), as for :class:`InfluenceFunction`
    without damping.

    The Hessian of a net that is not at a minimum has negative eigenvalues, too. They
    keep their sign, since H would be another matrix without it.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is used. A skorch net is cloned and the clone is trained.
        ``FrozenEstimator(net)`` is used with its present weights. None trains a small
        MLP, for class labels only, until its loss on held-out rows stops falling; on
        wide data, such as texts, a linear net unless an MLP predicts held-out labels
        better.
    n_components : int, default=20
        R, the number of eigenvectors. A larger value takes more of the Hessian into
        account, and more memory. Eigenvalues that are zero up to rounding give no
        feature.
    n_iterations : int, default=50
        Number of products with the Hessian, at least ``n_components``. A larger value
        makes the eigenvectors more accurate. Each product takes a pass over the data
        and leaves a vector of the size of the net's parameters in memory.
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
    components_ : ndarray of shape (n_found, n_parameters)
        Eigenvectors of the Hessian, one per row.
    eigenvalues_ : ndarray of shape (n_found,), dtype=float64
        Their eigenvalues, by falling magnitude.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Influence I(z, z) of each fitted row on itself, higher = more suspicious. It is
        negative if the negative eigenvalues outweigh the others.

    References
    ----------
    Schioppa, A., Zablotskaia, P., Vilar, D. and Sokolov, A. "Scaling up influence
    functions." AAAI 2022.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.influence import Arnoldi
    >>> X, y = load_iris(return_X_y=True)
    >>> arnoldi = Arnoldi(n_components=5, n_iterations=20, random_state=0)
    >>> arnoldi.fit_transform(X, y).shape
    (150, 5)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **InfluenceEstimator._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "n_iterations": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        net=None,
        *,
        n_components=20,
        n_iterations=50,
        memory=None,
        random_state=None,
    ):
        self.net = net
        self.n_components = n_components
        self.n_iterations = n_iterations
        self.memory = memory
        self.random_state = random_state

    def _check_parameters(self) -> None:
        if self.n_iterations < self.n_components:
            raise ValueError(
                f"n_iterations: {self.n_iterations} iterations cannot give "
                f"n_components={self.n_components} eigenvectors."
            )

    def _fit(self, data: Data, seeds: Seeds) -> "EigenvectorProjections":
        trained, _ = train_net(self.net, data, self._needs, seeds, self.memory)
        losses = SampleLosses(trained)
        values, vectors = top_eigenpairs(
            mean_curvature(losses, data.X, data.targets, "hessian"),
            losses.theta,
            int(self.n_components),
            int(self.n_iterations),
            seeds.method,
        )
        return EigenvectorProjections(
            trained, values.cpu().numpy(), vectors.cpu().numpy(), len(data.X)
        )


@dataclass(frozen=True, eq=False)
class EigenvectorProjections(FeatureProducts):
    """Projections of gradients on eigenvectors of the Hessian.

    Attributes
    ----------
    trained : TrainedNet
    eigenvalues : ndarray of shape (n_components,)
    components : ndarray of shape (n_components, n_parameters)
        Orthonormal rows.
    n_fitted : int
        Number of fitted rows, whose mean loss the Hessian is of.
    """

    eigenvalues: np.ndarray
    components: np.ndarray
    n_fitted: int

    @property
    def n_features(self) -> int:
        """The number of eigenvectors that were found."""
        return len(self.eigenvalues)

    @property
    def column_weights(self) -> np.ndarray:
        """The eigenvalues' signs: features have the roots of their magnitudes."""
        return np.sign(self.eigenvalues)

    def features(self, X: Any, targets: Any) -> np.ndarray:
        """Return projections, each over the root of its eigenvalue."""
        losses = SampleLosses(self.trained)
        directions = torch.as_tensor(self.components).to(losses.theta)
        projections = losses.projections(X, targets, directions)
        scale = 1 / np.sqrt(self.n_fitted * np.abs(self.eigenvalues))
        return projections * scale.astype(projections.dtype)

    def attributes(self) -> dict[str, Any]:
        """Return eigenvalues and eigenvectors."""
        return {"eigenvalues_": self.eigenvalues, "components_": self.components}
