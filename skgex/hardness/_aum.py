"""AUM: the area under the margin of a row's label during training."""

import numpy as np

from skgex._base.parameters import NetNeed
from skgex._data.records import Data
from skgex._nets.predictions import class_logits, margins
from skgex.hardness._hardness import Hardness, after_epochs


class AUM(Hardness):
    """Area under the margin (Pleiss et al. 2020), negated.

    The margin of a row is its label's logit less the largest of the others. A label
    that other rows support has a wide margin early; one that the net must memorise
    has a negative margin until late. The score is minus the mean margin over the
    epochs, each taken in evaluation mode after the epoch.

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
    scores_ : ndarray of shape (n_samples,), dtype=float64
        Minus the mean margin, in nats: the logarithm of how many times as probable
        the net takes the likeliest other class. Higher = more suspicious.

    Notes
    -----
    Logits are log-probabilities up to a constant that all classes of a row share. So
    the margin is defined just as well for nets that return probabilities, where it is
    36 nats at most.

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

    def _judge(
        self, data: Data, net_seed: int, trial_seed: int, own_seed: int
    ) -> np.ndarray:
        trajectory = self._record(data, net_seed, trial_seed)
        logits = after_epochs(trajectory, class_logits)
        return -np.mean([margins(each, data.codes) for each in logits], axis=0)
