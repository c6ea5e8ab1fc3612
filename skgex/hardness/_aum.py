"""AUM: the mean margin of a row's label during training."""

from typing import Any

import numpy as np

from skgex._base.parameters import NetNeed
from skgex._data.records import Data
from skgex._nets.predictions import class_logits, margins
from skgex._utils.random import Seeds
from skgex.hardness._hardness import Hardness, after_epochs


class AUM(Hardness):
    """Area under the margin (Pleiss et al. 2020), negated.

    The margin of a row is the logit of its label minus the largest logit of the other
    classes. A label that other rows support has a wide margin early in the training. A
    label that the net must memorise has a negative margin until late. The score is
    minus the mean of the margins after each epoch, in evaluation mode.

    Parameters
    ----------
    net : skorch.NeuralNet or None, default=None
        The net whose training is observed. It is cloned and the clone is trained. None
        trains a small MLP, for class labels only, until its loss on held-out rows stops
        falling; on wide data, such as texts, a linear net unless an MLP predicts
        held-out labels better.
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
    scores_ : ndarray of shape (n_samples,), dtype=float64
        Minus the mean margin, in nats: the log of how many times more probable the most
        probable other class is than the label. Higher = more suspicious.

    Notes
    -----
    Logits equal log-probabilities up to a constant per row. So the margin is defined,
    too, for nets whose outputs are probabilities; there it is at most 36 nats.

    References
    ----------
    Pleiss, G., Zhang, T., Elenberg, E. and Weinberger, K. "Identifying mislabeled data
    using the area under the margin ranking." NeurIPS 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.hardness import AUM
    >>> X, y = load_iris(return_X_y=True)
    >>> AUM(random_state=0).fit(X, y).scores_.shape
    (150,)
    """

    _needs = NetNeed.TRAJECTORY

    def __init__(self, net=None, *, memory=None, random_state=None):
        self.net = net
        self.memory = memory
        self.random_state = random_state

    def _score(self, data: Data, seeds: Seeds) -> tuple[np.ndarray, dict[str, Any]]:
        trajectory = self._record(data, seeds)
        logits = after_epochs(trajectory, class_logits)
        mean = np.mean([margins(each, data.codes) for each in logits], axis=0)
        return -mean, {}
