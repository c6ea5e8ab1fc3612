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
    """Loss of each row under the trained net, the simplest of all scores.

    It is useful as long as the net has not memorised its training labels. Once it has,
    it fits wrong labels like right ones, and their losses no longer differ. ``y`` may
    be regression targets, too.

    Parameters
    ----------
    net : skorch.NeuralNet, FrozenEstimator or None, default=None
        The net whose loss is used. A skorch net is cloned and the clone is trained.
        ``FrozenEstimator(net)`` is used with its present weights. None trains a small
        MLP, for class labels only, until its loss on held-out rows stops falling; on
        wide data, such as texts, a linear net unless an MLP predicts held-out labels
        better.
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
        Class labels, in the order of the net's outputs. Only if labels are classes.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    scores_ : ndarray of shape (n_samples,), dtype=float64
        The loss of each row, in nats if the criterion is a negative log-likelihood.
        Higher = more suspicious.

    References
    ----------
    Arpit, D. et al. "A closer look at memorization in deep networks." ICML 2017.

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
