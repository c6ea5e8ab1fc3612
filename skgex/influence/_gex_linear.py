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

    The ensemble is that of :class:`GEX`: from the weights θ* of a trained net, SGD
    gives M nearby nets θ_1, ..., θ_M. A sample z is mapped to g(z)·(θ_m − θ*), where g
    is the gradient of its loss at θ*. This is the loss deviation of GEX to first order.
    Influence is the mean product over the members.

    Nearly all other estimators of influence linearise the loss, too. The comparison
    with :class:`GEX` shows what is lost by it (Kim et al. 2023).

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is used. A skorch net is cloned and the clone is trained.
        ``FrozenEstimator(net)`` is used with its present weights. None trains a small
        MLP, for class labels only, until its loss on held-out rows stops falling; on
        wide data, such as texts, a linear net unless an MLP predicts held-out labels
        better.
    n_members : int, default=16
        M, the number of members. More members make the ranking of rows less random, at
        a proportional cost.
    n_steps : int or "auto", default="auto"
        T, the number of mini-batch steps for which each member is fine-tuned. More
        steps move members further from the trained net. "auto" is one pass over the
        data, but at least 64 steps.
    lr : float or "auto", default="auto"
        Learning rate of the fine-tuning. A higher rate moves members further from the
        trained net. "auto" takes the highest rate at which a short trial
        ensemble predicts held-out labels about as well as at the best rate tried; rates
        above 0.2 only if these labels become clearly more probable there. The choice
        takes about as many steps as one more training of the net.
    momentum : float, default=0.9
        Momentum of the SGD steps, in [0, 1). A larger value moves members further.
    schedule : {"cosine", "constant"}, default="cosine"
        How the learning rate changes over the steps. "cosine" lets it fall to zero as
        half a cosine wave. "constant" keeps it and clips the norm of the gradient at 1.
    chain : bool, default=False
        If True, start each member from the one before it instead of from the trained
        net, as the official code does. Members of a chain cannot be made in parallel.
    memory : str, joblib.Memory or None, default=None
        Directory or ``joblib.Memory`` that caches the trained net, the chosen learning
        rate and the members, for a later fit with the same net, data and seed. A search
        over the other parameters trains one net per fold; a larger ``n_members`` reuses
        the members already cached. ``joblib.Memory(path, mmap_mode="r")`` leaves the
        members on disk if there are too many for memory. A training that was
        interrupted goes on after its last epochs. None caches nothing.
    n_jobs : int or None, default=None
        Number of members that joblib fine-tunes in parallel; -1 uses all processors,
        None means 1 outside of ``joblib.parallel_config``. Results do not depend on it.
    verbose : int, default=0
        If above 0, show on stderr how far ``fit`` is, and the time left: as a bar in a
        terminal or notebook, elsewhere as a line every ten seconds. If above 1, also
        print how many seconds each phase took.
    random_state : int, RandomState or None, default=None
        Seed of all that is random, such as initial weights and the order of batches.
        Pass an int for the same results every time. The global random states of
        Python, NumPy and PyTorch are left as they were.

    Attributes
    ----------
    ensemble_ : GeometricEnsemble
        The trained net and its members.
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only if labels are classes.
    lr_ : float
        The learning rate of the members.
    n_steps_ : int
        Number of mini-batch steps of each member.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Self-influence of the fitted rows, in nats², higher = more suspicious.

    See Also
    --------
    GEX : The same ensemble with the losses themselves.

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
        assert members is not None  # fit_ensemble keeps them by default
        return members
