"""LeaveOneOut: influence by its definition, training again without each row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from skorch import NeuralNet

from skgex._base.fit_work import expect_chosen, expect_training
from skgex._base.net_training import choose_epochs, train_recipe, untrained_net
from skgex._base.parameters import N_JOBS
from skgex._data.records import Data, Query
from skgex._ensemble.ensemble import GeometricEnsemble
from skgex._ensemble.statistics import loss_deviations
from skgex._nets.parts import check_samplers
from skgex._nets.skorch_adapter import unwrap
from skgex._nets.snapshot import TrainedNet, Weights, snapshot
from skgex._nets.training import train, train_further
from skgex._utils.memory import check_memory
from skgex._utils.parallel import run
from skgex._utils.progress import phase
from skgex._utils.random import Seeds
from skgex._utils.warnings import warn_caller
from skgex.exceptions import UnseenRowsWarning
from skgex.influence._feature_map import InfluenceEstimator
from skgex.influence._mapping import Features, Mapping

REST = "training without each row"


class LeaveOneOut(InfluenceEstimator):
    """Influence by its definition: the net is trained again without each row.

    For every fitted row z, I(z, z') = ℓ(z', θ*_z) − ℓ(z', θ*), where the net θ*_z is
    trained like θ* but without z. This is by how much the loss ℓ of z' rises without z,
    in nats for a likelihood. A sample z' is mapped to N features: the influence of each
    of the N fitted rows on it.

    This takes N trainings, so it is for small data: as the ground truth that the other
    estimators approximate.

    A row that was not fitted cannot be left out. Its influence and self-influence are
    zero, with a warning.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net of which clones are trained. The present weights of
        ``FrozenEstimator(net)`` are used as θ*; a clone is still trained for each row.
        None trains a small MLP, for class labels only, until its loss on held-out rows
        stops falling; on wide data, such as texts, a linear net unless an MLP predicts
        held-out labels better.
    warm_start : bool, default=False
        If True, continue the training from θ* without the row, for the net's
        ``max_epochs``, instead of training from scratch. A net has many minima, and
        this compares nets near the same one.
    memory : str, joblib.Memory or None, default=None
        Directory or ``joblib.Memory`` that caches the result of each training, so that
        a later fit with the same net, data and seed does not train again. A training
        that was interrupted goes on after its last epochs. None caches nothing.
    n_jobs : int or None, default=None
        Number of nets that joblib trains in parallel; -1 uses all processors, None
        means 1 outside of ``joblib.parallel_config``. Results do not depend on it.
    verbose : int, default=0
        If above 0, show on stderr how far ``fit`` is, and the time left: as a bar in a
        terminal or notebook, elsewhere as a line every ten seconds. If above 1, also
        print how many seconds each phase took.
    random_state : int, RandomState or None, default=None
        Seed of all that is random, such as initial weights and the order of batches;
        every training has the same seed. Pass an int for the same results every time.
        The global random states of Python, NumPy and PyTorch are left as they were.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only if labels are classes.
    ensemble_ : GeometricEnsemble
        The net θ*, and as its members the nets that were trained without one row each,
        in the order of the rows.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    self_influence_ : ndarray of shape (n_samples,), dtype=float64
        Influence I(z, z) of each fitted row on itself, higher = more suspicious.

    References
    ----------
    Koh, P. W. and Liang, P. "Understanding black-box predictions via influence
    functions." ICML 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.influence import LeaveOneOut
    >>> X, y = load_iris(return_X_y=True)
    >>> LeaveOneOut(random_state=0).fit_transform(X[::15], y[::15]).shape
    (10, 10)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **InfluenceEstimator._parameter_constraints,
        "warm_start": ["boolean"],
        "n_jobs": N_JOBS,
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        net=None,
        *,
        warm_start=False,
        memory=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.net = net
        self.warm_start = warm_start
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def _fit(self, data: Data, seeds: Seeds) -> "RetrainedDeviations":
        if self.net is not None:
            check_samplers(unwrap(self.net)[0])
        expect_training(self.net, name=REST, n_times=len(data.X))
        recipe, trained = self._train_on_all(data, seeds)
        start = trained if self.warm_start else None
        members = run(
            check_memory(self.memory).cache(train_without),
            [
                (recipe, start, data.X, data.targets, row, seeds.net)
                for row in range(len(data.X))
            ],
            n_jobs=self.n_jobs,
        )
        with phase(REST):
            ensemble = GeometricEnsemble(trained, list(members))
        return RetrainedDeviations(trained, ensemble, self.n_jobs)

    def _train_on_all(self, data: Data, seeds: Seeds) -> tuple[NeuralNet, TrainedNet]:
        """Return the unfitted net, and θ*, which a frozen net is already."""
        if self.net is not None:
            net, frozen = unwrap(self.net)
            if frozen:
                return untrained_net(self.net, seeds.net), snapshot(net)
        expect_training(self.net)
        given = self.net, data, self._needs, seeds.trial, self.memory
        recipe, trial = choose_epochs(*given)
        expect_chosen(recipe, trial)
        expect_chosen(recipe, trial, name=REST, n_times=len(data.X))
        return recipe, train_recipe(recipe, data, seeds.net, self.memory)


@dataclass(frozen=True, eq=False)
class RetrainedDeviations(Mapping):
    """Loss deviations under nets that each miss a fitted row.

    Attributes
    ----------
    trained : TrainedNet
    ensemble : GeometricEnsemble
        One member per fitted row, in order.
    n_jobs : int or None
        Of the fit.
    """

    ensemble: GeometricEnsemble
    n_jobs: int | None

    @property
    def n_features(self) -> int:
        """The number of fitted rows."""
        return len(self.ensemble.members or ())

    def features(self, X: Any, targets: Any) -> np.ndarray:
        """Return the influence of each fitted row on samples."""
        evaluation = self.ensemble.evaluate(X, targets, n_jobs=self.n_jobs).finite()
        return loss_deviations(evaluation.losses, evaluation.reference)

    def self_influence(self, X: Any, targets: Any) -> np.ndarray:
        """Return zeros: no net misses a row that was not in the fit."""
        _warn_of_absent(len(X))
        return np.zeros(len(X))

    def influence(
        self, samples: Query, others: Query, features_of: Features
    ) -> np.ndarray:
        """Return the features of others, those of the samples' rows."""
        influence = features_of(others).astype(np.float64).T[samples.index]
        if samples.new.any():
            _warn_of_absent(samples.new.sum())
            influence[samples.new] = 0
        return influence

    def of_fitted_rows(self, data: Data) -> tuple[np.ndarray, np.ndarray]:
        """Return the features of the fitted rows, and each row's own."""
        features = self.features(data.X, data.targets)
        return features, features.diagonal().astype(np.float64)

    def attributes(self) -> dict[str, Any]:
        """Return the ensemble."""
        return {"ensemble_": self.ensemble}


def _warn_of_absent(n_rows: int) -> None:
    warn_caller(
        f"{n_rows} rows were not in the fit with these labels; leaving them out "
        "changes nothing.",
        UnseenRowsWarning,
    )


def train_without(
    net: NeuralNet, start: TrainedNet | None, X: Any, y: Any, row: int, seed: int
) -> Weights:
    """Train a clone of ``net`` on all rows but one, from its beginning or a start."""
    rest = np.delete(np.arange(len(X)), row)
    if start is None:
        return train(net, X, y, seed, rest).weights
    return train_further(net, start, X, y, seed, rest).weights
