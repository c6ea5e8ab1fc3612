"""DeepKNN: how many of a row's neighbours, in the net's features, disagree."""

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import gen_batches

from skgex._base.parameters import N_JOBS, Interval, StrOptions
from skgex._data.records import Data
from skgex._nets.predictions import logits, penultimate
from skgex._nets.snapshot import TrainedNet, revive, snapshot
from skgex._utils.random import Seeds
from skgex.hardness._hardness import Hardness

# Neighbours are found for this number of rows at a time, to limit the memory.
BATCH = 1024


class DeepKNN(Hardness):
    """Share of the nearest neighbours with another label (Bahri et al. 2020).

    Neighbours are rows with similar features, which the net computes at several
    checkpoints of its training.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose features are used. A skorch net is cloned and the clone is
        trained. ``FrozenEstimator(net)`` is used with its present weights, as the only
        checkpoint. None trains a small MLP, for class labels only, until its loss on
        held-out rows stops falling; on wide data, such as texts, a linear net unless an
        MLP predicts held-out labels better.
    features : {"logits", "penultimate"}, default="logits"
        The features in which neighbours are found, by their Euclidean distance: the
        outputs of the module ("logits"), or the inputs of its last layer
        ("penultimate").
    n_neighbors : int or None, default=None
        Number of neighbours of each row. A larger value makes the scores less random
        and less local. None means n_samples / n_classes, as in the official code of
        GEX.
    n_checkpoints : int, default=5
        Number of checkpoints, spread evenly over the second half of the training. A
        short training has fewer. The cost is proportional to it.
    n_jobs : int or None, default=None
        Number of parallel jobs in the search for neighbours; -1 uses all processors,
        None means 1 outside of ``joblib.parallel_config``.
    memory : str, joblib.Memory or None, default=None
        Directory or ``joblib.Memory`` that caches the training and its record, so that
        all estimators that observe the same net with the same data and seed share one
        training. A training that was interrupted goes on after its last epochs. None
        caches nothing.
    random_state : int, RandomState or None, default=None
        Seed of all that is random, such as initial weights and the order of batches.
        Pass an int for the same results every time. The global random states of
        Python, NumPy and PyTorch are left as they were.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    n_neighbors_ : int
        Number of neighbours of each row.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        Share of the neighbours that have another label, in [0, 1], averaged over the
        checkpoints. Higher = more suspicious.

    References
    ----------
    Bahri, D., Jiang, H. and Gupta, M. "Deep k-NN for noisy labels." ICML 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.hardness import DeepKNN
    >>> X, y = load_iris(return_X_y=True)
    >>> DeepKNN(random_state=0).fit(X, y).scores_.shape
    (150,)
    """

    _parameter_constraints: dict = {  # noqa: RUF012
        **Hardness._parameter_constraints,
        "features": [StrOptions({"logits", "penultimate"})],
        "n_neighbors": [Interval(Integral, 1, None, closed="left"), None],
        "n_checkpoints": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": N_JOBS,
    }

    def __init__(
        self,
        net=None,
        *,
        features="logits",
        n_neighbors=None,
        n_checkpoints=5,
        n_jobs=None,
        memory=None,
        random_state=None,
    ):
        self.net = net
        self.features = features
        self.n_neighbors = n_neighbors
        self.n_checkpoints = n_checkpoints
        self.n_jobs = n_jobs
        self.memory = memory
        self.random_state = random_state

    def _score(self, data: Data, seeds: Seeds) -> tuple[np.ndarray, dict[str, Any]]:
        n_samples = len(data.codes)
        n_neighbors = self.n_neighbors or max(1, n_samples // data.n_classes)
        if n_neighbors >= n_samples:
            raise ValueError(
                f"n_neighbors: must be less than the {n_samples} samples, got "
                f"{n_neighbors}."
            )
        look = logits if self.features == "logits" else penultimate
        shares = [
            self._disagreement(
                look(revive(net), data.X, data.targets), data.codes, n_neighbors
            )
            for net in self._checkpoints(data, seeds)
        ]
        return np.mean(shares, axis=0), {"n_neighbors_": n_neighbors}

    def _checkpoints(self, data: Data, seeds: Seeds) -> list[TrainedNet]:
        if isinstance(self.net, FrozenEstimator):
            return [snapshot(self.net.estimator)]
        trajectory = self._record(data, seeds)
        return [
            trajectory.trained._replace(weights=trajectory.checkpoints[i])
            for i in trajectory.late(self.n_checkpoints)
        ]

    def _disagreement(
        self, features: np.ndarray, codes: np.ndarray, k: int
    ) -> np.ndarray:
        """Return the share of each row's k neighbours that have another code."""
        n_samples = len(codes)
        search = NearestNeighbors(n_neighbors=k + 1, n_jobs=self.n_jobs).fit(features)
        shares = np.empty(n_samples)
        for batch in gen_batches(n_samples, BATCH):
            rows = np.arange(n_samples)[batch]
            found = search.kneighbors(features[batch], return_distance=False)
            own = found == rows[:, None]
            own[~own.any(axis=1), -1] = True  # crowded out by copies of the row
            neighbours = found[~own].reshape(len(rows), k)
            shares[batch] = (codes[neighbours] != codes[rows, None]).mean(axis=1)
        return shares
