"""GEXLinear: the geometric ensemble with linearised losses."""

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import torch

from skgex._base.parameters import Interval
from skgex._data.records import Data
from skgex._nets.sample_losses import SampleLosses
from skgex._nets.snapshot import Weights
from skgex._utils.random import Seeds
from skgex.influence._ensemble_map import (
    ENSEMBLE_CONSTRAINTS,
    FittedEnsemble,
    fit_ensemble,
)
from skgex.influence._feature_map import InfluenceEstimator
from skgex.influence._mapping import FeatureProducts


class GEXLinear(InfluenceEstimator):
    """Influence through a geometric ensemble, with linearised losses.

    The ensemble is that of :class:`GEX`: a trained net θ* is fine-tuned by SGD into M
    nearby checkpoints θ_1, ..., θ_M. A sample z is mapped to g(z)·(θ_m − θ*), with g
    the gradient of its loss under θ*, which is its loss deviation to first order, and
    influence is the mean product over the members. It shows what the linearisation,
    common to all other estimators of influence, takes away (Kim et al. 2023).

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is meant. A skorch net is cloned and trained;
        ``FrozenEstimator(net)`` is taken as it was trained. None makes a small MLP,
        for classes, trained for as long as the loss of held-out rows falls.
    n_members : int, default=16
        M, the number of checkpoints.
    n_steps : int or "auto", default="auto"
        T, the mini-batch steps that each member is fine-tuned for. "auto" makes one
        pass over the data, or 64 steps if these are more.
    lr : float or "auto", default="auto"
        Learning rate of the fine-tuning. "auto" takes the highest one, up to 0.2, that
        costs short ensembles little of the log-likelihood of held-out labels; the
        choice costs no more steps than one more training of the net.
    momentum : float, default=0.9
        Momentum of SGD.
    schedule : {"cosine", "constant"}, default="cosine"
        The rate falls to zero as a half cosine, or stays and the norm of the gradient
        is clipped at 1.
    chain : bool, default=False
        Start each member from the one before it, as the official code does, in the
        place of θ*. Members of a chain cannot be made side by side.
    memory : str, joblib.Memory or None, default=None
        Caches the trained net, the chosen rate and the members, by parameters, data
        and seed: a search over the other parameters trains one net a fold, and more
        members extend fewer. ``joblib.Memory(path, mmap_mode="r")`` leaves the members
        on disk, where there are too many for memory.
    n_jobs : int or None, default=None
        Members made side by side through joblib. Answers do not depend on it.
    verbose : int, default=0
        From 1, a progress bar over the members.
    random_state : int, RandomState or None, default=None
        All that is random follows from it. Global generators are left as they were.

    Attributes
    ----------
    ensemble_ : GeometricEnsemble
        The trained net and its members.
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only for classes.
    lr_ : float
        The learning rate of the members.
    n_steps_ : int
        The steps of each member.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Self-influence of the fitted rows, in nats².

    See Also
    --------
    GEX : The same ensemble with true losses.

    References
    ----------
    Kim, S., Kim, K. and Yang, E. "GEX: A flexible method for approximating influence
    via Geometric Ensemble." NeurIPS 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.influence import GEXLinear
    >>> X, y = load_iris(return_X_y=True)
    >>> GEXLinear(n_members=4, random_state=0).fit_transform(X, y).shape
    (150, 4)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **InfluenceEstimator._parameter_constraints,
        **ENSEMBLE_CONSTRAINTS,
        "n_members": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        net=None,
        *,
        n_members=16,
        n_steps="auto",
        lr="auto",
        momentum=0.9,
        schedule="cosine",
        chain=False,
        memory=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.net = net
        self.n_members = n_members
        self.n_steps = n_steps
        self.lr = lr
        self.momentum = momentum
        self.schedule = schedule
        self.chain = chain
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def _fit(self, data: Data, seeds: Seeds) -> "LinearisedDeviations":
        fitted = fit_ensemble(self, data, seeds)
        return LinearisedDeviations(fitted.ensemble.trained, fitted)


@dataclass(frozen=True, eq=False)
class LinearisedDeviations(FeatureProducts):
    """Loss deviations under the members, to first order in their distance.

    Attributes
    ----------
    trained : TrainedNet
    fitted : FittedEnsemble
        The ensemble, with the members' weights.
    """

    fitted: FittedEnsemble

    @property
    def n_features(self) -> int:
        """The number of members."""
        return len(self._members)

    @property
    def column_weights(self) -> float:
        """One over the number of members: influence is a mean."""
        return 1 / self.n_features

    def features(self, X: Any, targets: Any) -> np.ndarray:
        """Return g·(θ_m − θ*) for each sample and member."""
        losses = SampleLosses(self.trained)
        members = [losses.theta_of(weights) for weights in self._members]
        return losses.derivatives(X, targets, torch.stack(members) - losses.theta)

    def attributes(self) -> dict[str, Any]:
        """Return the ensemble and how its members were made."""
        return self.fitted.attributes()

    @property
    def _members(self) -> list[Weights]:
        members = self.fitted.ensemble.members
        assert members is not None  # fit_ensemble keeps them unless told otherwise
        return members
