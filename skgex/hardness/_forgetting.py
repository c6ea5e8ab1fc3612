"""ForgettingScore: how often a row was forgotten after it had been learned."""

from typing import Any

import numpy as np

from skgex._base.parameters import NetNeed
from skgex._data.records import Data
from skgex._nets.predictions import margins, probabilities
from skgex._utils.random import Seeds
from skgex.hardness._hardness import Hardness, after_epochs


class ForgettingScore(Hardness):
    """Number of forgetting events during training (Toneva et al. 2019).

    A row is forgotten if the net predicts its label after one epoch and no longer after
    the next. Rows whose label the net never predicts count as the most forgettable.

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
    learned_ : ndarray of shape (n_samples,), dtype=bool
        True where the label was the most probable class after at least one epoch.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        Number of times that the row was forgotten. For a row that was never learned,
        the number of epochs, which is more than any row can be forgotten. Higher = more
        suspicious.

    See Also
    --------
    AUM : The mean margin over the same epochs.

    Notes
    -----
    Predictions are compared between the ends of epochs, in evaluation mode, for all
    rows under the same weights. The paper compares those at the batches that contain
    the row. A row that is never learned counts the number of epochs in both.

    Wrong labels are forgotten often only if the net learns right ones steadily. At a
    learning rate so high that its predictions fluctuate, right labels are forgotten
    from the first epochs on. Wrong ones are learned last, when the rate has fallen, and
    then stay. The ranking can be worse than chance. On digits with 10% of the labels
    flipped, an MLP trained by SGD with momentum 0.9 and a cosine schedule gives an area
    under the ROC curve of 0.95 from a rate of 0.1, 0.85 from 0.3 and 0.15 from 0.5.
    That of :class:`AUM` is at least 0.99 in the same trainings.

    References
    ----------
    Toneva, M. et al. "An empirical study of example forgetting during deep neural
    network learning." ICLR 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.hardness import ForgettingScore
    >>> X, y = load_iris(return_X_y=True)
    >>> ForgettingScore(random_state=0).fit(X, y).scores_.shape
    (150,)
    """

    _needs = NetNeed.TRAJECTORY

    def __init__(self, net=None, *, memory=None, random_state=None):
        self.net = net
        self.memory = memory
        self.random_state = random_state

    def _score(self, data: Data, seeds: Seeds) -> tuple[np.ndarray, dict[str, Any]]:
        trajectory = self._record(data, seeds)
        predicted = after_epochs(trajectory, probabilities)
        right = np.array([margins(each, data.codes) > 0 for each in predicted])
        n_forgotten = (right[:-1] & ~right[1:]).sum(axis=0)
        learned = right.any(axis=0)
        return np.where(learned, n_forgotten, len(right)), {"learned_": learned}
