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

    The map of a data set describes each row by the probability that the net gives to
    its label after each epoch: the mean over the epochs is the confidence, the standard
    deviation the variability. Rows of low confidence and low variability are hard to
    learn, and wrong labels are among them. The score is minus the confidence, or minus
    the mean margin.

    Parameters
    ----------
    net : skorch.NeuralNet or None, default=None
        The net whose training is observed. It is cloned and the clone is trained. None
        trains a small MLP, for class labels only, until its loss on held-out rows stops
        falling; on wide data, such as texts, a linear net unless an MLP predicts
        held-out labels better.
    statistic : {"confidence", "margin"}, default="confidence"
        What is averaged over the epochs: the probability of the label ("confidence"),
        or by how much it exceeds the largest probability of the other classes
        ("margin").
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
    confidence_ : ndarray of shape (n_samples,), dtype=float64
        Mean probability of the label over the epochs.
    variability_ : ndarray of shape (n_samples,), dtype=float64
        Standard deviation of this probability over the epochs.
    correctness_ : ndarray of shape (n_samples,), dtype=float64
        Share of the epochs after which the label was the most probable class.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        Minus the mean of the statistic, in [-1, 0] for "confidence" and [-1, 1] for
        "margin". Higher = more suspicious.

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
