"""LaplaceInfluence: loss deviations under draws from a Laplace posterior."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from skgex._base.net_training import train_net
from skgex._base.parameters import N_JOBS, Interval, StrOptions
from skgex._data.records import Data
from skgex._ensemble.ensemble import GeometricEnsemble
from skgex._ensemble.statistics import loss_deviations
from skgex._nets.curvature import CURVATURES, mean_curvature
from skgex._nets.operators import Operator, dense, top_eigenpairs
from skgex._nets.sample_losses import SampleLosses
from skgex._utils.random import Seeds
from skgex.influence._feature_map import InfluenceEstimator
from skgex.influence._mapping import FeatureProducts

# Iterations beyond twice the rank, so that the last of its eigenvectors converge, too.
EXTRA_ITERATIONS = 10


class LaplaceInfluence(InfluenceEstimator):
    """Loss deviations under draws from a Laplace posterior (Kim et al. 2023).

    The ensemble is drawn at random around the weights θ* of the trained net, instead of
    being fine-tuned as in :class:`GEX`. Members θ_1, ..., θ_M come from the normal
    distribution N(θ*, (N (H + αI))⁻¹), where H is the curvature (matrix of second
    derivatives) of the mean loss of the N fitted rows and α the damping. This is
    Laplace's approximation of the posterior under a Gaussian prior of precision Nα.

    A sample z is mapped to its loss deviations φ_m(z) = ℓ(z, θ_m) − ℓ(z, θ*), or to
    their linearisation φ_m(z) = g(z)·(θ_m − θ*), where g is the gradient of the loss.
    Influence is the mean of φ_m(z) φ_m(z') over the members. If linearised, it equals
    :class:`InfluenceFunction` on average over the draws (Theorem 4.1).

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is used. A skorch net is cloned and the clone is trained.
        ``FrozenEstimator(net)`` is used with its present weights. None trains a small
        MLP, for class labels only, until its loss on held-out rows stops falling; on
        wide data, such as texts, a linear net unless an MLP predicts held-out labels
        better.
    n_members : int, default=64
        M, the number of draws. More draws make the influences less random, at a
        proportional cost.
    linear : bool, default=True
        If True, linearise the loss deviations. If False, evaluate the loss under each
        draw.
    rank : int or None, default=20
        Number of eigenvectors, those of the eigenvalues of largest magnitude, that
        stand for H. A larger value takes more of H into account, and more memory and
        time. None uses the whole matrix, which is feasible up to some thousand
        parameters.
    curvature : {"gauss_newton", "hessian"}, default="gauss_newton"
        What H is. "gauss_newton", the generalised Gauss-Newton matrix, neglects the
        second derivatives of the net's outputs. It has no negative eigenvalue if the
        loss is convex in the outputs. "hessian" is exact, but the Hessian of a net can
        have negative eigenvalues. ``damping`` must then exceed their magnitude.
    damping : float, default=0.01
        The α, above 0, that is added to the diagonal of the mean curvature before it is
        inverted. A larger value keeps the draws closer to θ*.
    memory : str, joblib.Memory or None, default=None
        Directory or ``joblib.Memory`` that caches the result of each training, so that
        a later fit with the same net, data and seed does not train again. A training
        that was interrupted goes on after its last epochs. None caches nothing.
    n_jobs : int or None, default=None
        Number of draws that joblib evaluates in parallel if ``linear=False``; -1 uses
        all processors, None means 1 outside of ``joblib.parallel_config``. Results do
        not depend on it.
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
    offsets_ : ndarray of shape (n_members, n_parameters)
        Offset θ_m − θ* of the weights of each draw.
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Mean squared loss deviation of the fitted rows, higher = more suspicious.

    References
    ----------
    Kim, S., Kim, K. and Yang, E. "GEX: A flexible method for approximating influence
    via Geometric Ensemble." NeurIPS 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.influence import LaplaceInfluence
    >>> X, y = load_iris(return_X_y=True)
    >>> LaplaceInfluence(rank=5, random_state=0).fit_transform(X, y).shape
    (150, 64)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **InfluenceEstimator._parameter_constraints,
        "n_members": [Interval(Integral, 1, None, closed="left")],
        "linear": ["boolean"],
        "rank": [Interval(Integral, 1, None, closed="left"), None],
        "curvature": [StrOptions(set(CURVATURES))],
        "damping": [Interval(Real, 0, None, closed="neither")],
        "n_jobs": N_JOBS,
    }

    def __init__(
        self,
        net=None,
        *,
        n_members=64,
        linear=True,
        rank=20,
        curvature="gauss_newton",
        damping=0.01,
        memory=None,
        n_jobs=None,
        random_state=None,
    ):
        self.net = net
        self.n_members = n_members
        self.linear = linear
        self.rank = rank
        self.curvature = curvature
        self.damping = damping
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, data: Data, seeds: Seeds) -> "LaplaceDeviations":
        trained, _ = train_net(self.net, data, self._needs, seeds, self.memory)
        losses = SampleLosses(trained)
        operator = mean_curvature(losses, data.X, data.targets, self.curvature)
        values, vectors = self._eigenpairs(operator, losses.theta, seeds.method)
        if (values <= -self.damping).any():
            raise ValueError(
                f"damping: {self.damping:g} does not outweigh the eigenvalue "
                f"{values.min():.3g}; raise it, or pass curvature='gauss_newton'."
            )
        draws = sample_normal(
            values, vectors, float(self.damping), int(self.n_members), seeds.method
        )
        offsets = (draws / len(data.X) ** 0.5).cpu().numpy()
        return LaplaceDeviations(trained, offsets, bool(self.linear), self.n_jobs)

    def _eigenpairs(
        self, operator: Operator, theta: Tensor, seed: int
    ) -> tuple[Tensor, Tensor]:
        if self.rank is None:
            values, vectors = torch.linalg.eigh(dense(operator, theta))
            return values, vectors.T.to(theta)
        rank = int(self.rank)
        return top_eigenpairs(operator, theta, rank, 2 * rank + EXTRA_ITERATIONS, seed)


@dataclass(frozen=True, eq=False)
class LaplaceDeviations(FeatureProducts):
    """Loss deviations under nets drawn around θ*, true or to first order.

    Attributes
    ----------
    trained : TrainedNet
    offsets : ndarray of shape (n_members, n_parameters)
        θ_m − θ*.
    linear : bool
    n_jobs : int or None
        Of the fit.
    """

    offsets: np.ndarray
    linear: bool
    n_jobs: int | None

    @property
    def n_features(self) -> int:
        """The number of draws."""
        return len(self.offsets)

    @property
    def column_weights(self) -> float:
        """One over the number of draws: influence is a mean."""
        return 1 / self.n_features

    def features(self, X: Any, targets: Any) -> np.ndarray:
        """Return the loss deviations of samples."""
        losses = SampleLosses(self.trained)
        offsets = torch.as_tensor(self.offsets).to(losses.theta)
        if self.linear:
            return losses.derivatives(X, targets, offsets)
        members = [losses.weights_at(losses.theta + offset) for offset in offsets]
        ensemble = GeometricEnsemble(self.trained, members)
        evaluation = ensemble.evaluate(X, targets, n_jobs=self.n_jobs).finite()
        return loss_deviations(evaluation.losses, evaluation.reference)

    def attributes(self) -> dict[str, Any]:
        """Return the offsets."""
        return {"offsets_": self.offsets}


def sample_normal(
    values: Tensor, vectors: Tensor, damping: float, n_draws: int, seed: int
) -> Tensor:
    """Draw from N(0, (V' Λ V + αI)⁻¹).

    Parameters
    ----------
    values : Tensor of shape (rank,)
        Λ, each above -α.
    vectors : Tensor of shape (rank, n_parameters)
        V, orthonormal rows.
    damping : float
        α.
    n_draws : int
    seed : int

    Returns
    -------
    draws : Tensor of shape (n_draws, n_parameters)
    """
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(n_draws, vectors.shape[1], generator=generator).to(vectors)
    within = noise @ vectors.T
    # Outside of V the precision is α.
    scale = (values + damping).rsqrt() - damping**-0.5
    return damping**-0.5 * noise + (within * scale.to(vectors)) @ vectors
