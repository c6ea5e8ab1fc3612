"""ForgettingScore: how often a row that was learnt was forgotten again."""

from typing import Any

import numpy as np

from skgex._base.parameters import NetNeed
from skgex._data.records import Data
from skgex._nets.predictions import margins, probabilities
from skgex._utils.random import Seeds
from skgex.hardness._hardness import Hardness, after_epochs


class ForgettingScore(Hardness):
    """Number of forgetting events during training (Toneva et al. 2019).

    A row is forgotten when the net classified it by its label after one epoch and no
    longer does after the next. Rows that were never learnt count as the most
    forgettable.

    Parameters
    ----------
    net : skorch.NeuralNet or None, default=None
        The net whose training is watched: a clone of it is trained. None makes a small
        MLP, trained for as long as the loss of held-out rows falls.
    memory : str, joblib.Memory or None, default=None
        Caches the training and its record, so that all estimators that watch equal
        nets, data and seeds share one training.
    random_state : int, RandomState or None, default=None
        All that is random follows from it. Global generators are left as they were.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    learned_ : ndarray of shape (n_samples,), dtype=bool
        True where the label was the likeliest class after one epoch at least.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        Forgetting events, a whole number; the number of epochs, which no count of
        events reaches, where the row was never learnt. Higher = more suspicious.

    Notes
    -----
    Events are counted between the ends of epochs, in evaluation mode, for all rows
    under the same weights; the paper counts them between the batches that hold the
    row.

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
