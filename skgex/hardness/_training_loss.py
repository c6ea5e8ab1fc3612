"""TrainingLoss: the loss of a row under the trained net."""

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator

from skgex._base.net_training import train_net
from skgex._data.records import Data
from skgex._nets.evaluation import evaluate
from skgex._nets.snapshot import TrainedNet, revive
from skgex._utils.random import Seeds, seeded
from skgex.hardness._hardness import Hardness


class TrainingLoss(Hardness):
    """Loss of each row under the trained net: the plainest of all scores.

    It serves where the net has not memorised its training set; where it has, wrong
    labels are fitted like right ones and the loss tells them apart no longer. The
    targets may be values too.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is meant. A skorch net is cloned and trained;
        ``FrozenEstimator(net)`` is taken as it was trained. None makes a small MLP,
        for classes, trained for as long as the loss of held-out rows falls.
    memory : str, joblib.Memory or None, default=None
        Caches the training and its record, so that all estimators that watch equal
        nets, data and seeds share one training.
    random_state : int, RandomState or None, default=None
        All that is random follows from it. Global generators are left as they were.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs. Only for classes.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    scores_ : ndarray of shape (n_samples,), dtype=float64
        The loss, in nats for a likelihood's criterion. Higher = more suspicious.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.hardness import TrainingLoss
    >>> X, y = load_iris(return_X_y=True)
    >>> TrainingLoss(random_state=0).fit(X, y).scores_.shape
    (150,)
    """

    _needs_classes = False

    def __init__(self, net=None, *, memory=None, random_state=None):
        self.net = net
        self.memory = memory
        self.random_state = random_state

    def _score(self, data: Data, seeds: Seeds) -> tuple[np.ndarray, dict[str, Any]]:
        trained = self._train(data, seeds)
        with seeded(0):
            return evaluate(revive(trained), data.X, data.targets).losses, {}

    def _train(self, data: Data, seeds: Seeds) -> TrainedNet:
        """Train the net, recorded if others may share the training by the memory."""
        if self.memory is None or isinstance(self.net, FrozenEstimator):
            return train_net(self.net, data, self._needs, seeds, self.memory)[0]
        return self._record(data, seeds).trained
