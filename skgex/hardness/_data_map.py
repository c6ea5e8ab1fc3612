"""DataMap: the mean confidence in a row's label over the epochs of training."""

from typing import Any

import numpy as np

from skgex._base.parameters import NetNeed, StrOptions
from skgex._data.records import Data
from skgex._nets.predictions import margins, probabilities
from skgex._utils.random import Seeds
from skgex.hardness._hardness import Hardness, after_epochs


class DataMap(Hardness):
    """Mean confidence or margin over the epochs (Swayamdipta et al. 2020), negated.

    The map of a data set places each row by the mean and the standard deviation, over
    the epochs of training, of the probability that the net gives to its label. Rows of
    low confidence and low variability are the hard ones, wrong labels among them.

    Parameters
    ----------
    net : skorch.NeuralNet or None, default=None
        The net whose training is watched: a clone of it is trained. None makes a small
        MLP, trained for as long as the loss of held-out rows falls.
    statistic : {"confidence", "margin"}, default="confidence"
        What is averaged over the epochs: the probability of the label, or by how much
        it exceeds the largest of the others.
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
    confidence_ : ndarray of shape (n_samples,), dtype=float64
        Mean probability of the label.
    variability_ : ndarray of shape (n_samples,), dtype=float64
        Standard deviation of that probability.
    correctness_ : ndarray of shape (n_samples,), dtype=float64
        Share of the epochs after which the label was the likeliest class.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        Minus the mean of the statistic, in [-1, 0] or [-1, 1]. Higher = more
        suspicious.

    References
    ----------
    Swayamdipta, S. et al. "Dataset cartography: mapping and diagnosing datasets with
    training dynamics." EMNLP 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.hardness import DataMap
    >>> X, y = load_iris(return_X_y=True)
    >>> DataMap(random_state=0).fit(X, y).scores_.shape
    (150,)
    """

    _needs = NetNeed.TRAJECTORY

    _parameter_constraints: dict = {  # noqa: RUF012
        **Hardness._parameter_constraints,
        "statistic": [StrOptions({"confidence", "margin"})],
    }

    def __init__(
        self, net=None, *, statistic="confidence", memory=None, random_state=None
    ):
        self.net = net
        self.statistic = statistic
        self.memory = memory
        self.random_state = random_state

    def _score(self, data: Data, seeds: Seeds) -> tuple[np.ndarray, dict[str, Any]]:
        rows = np.arange(len(data.codes))
        trajectory = self._record(data, seeds)
        given, ahead = [], []
        for each in after_epochs(trajectory, probabilities):
            given.append(each[rows, data.codes])
            ahead.append(margins(each, data.codes))
        others = {
            "confidence_": np.mean(given, axis=0),
            "variability_": np.std(given, axis=0),
            "correctness_": np.mean(np.greater(ahead, 0), axis=0),
        }
        statistic = given if self.statistic == "confidence" else ahead
        return -np.mean(statistic, axis=0), others
