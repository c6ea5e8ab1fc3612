"""OutOfFold: the confidence in a label of a net that was not trained on it."""

from typing import Any

import numpy as np

from skgex._base.net_training import choose_epochs
from skgex._base.parameters import NetNeed, StrOptions
from skgex._data.records import Data
from skgex._nets.predictions import margins
from skgex._utils.random import Seeds
from skgex.hardness._folded import FOLD_CONSTRAINTS, out_of_fold_probabilities
from skgex.hardness._hardness import Hardness


class OutOfFold(Hardness):
    """Out-of-fold confidence in each label, or its margin, negated.

    Rows are dealt to folds, by class; a net is trained on all folds but one and judges
    the one left out, so that no label was memorised by its judge.

    Parameters
    ----------
    net : skorch.NeuralNet or None, default=None
        The net to train clones of. None makes a small MLP,
        trained for as long as the loss of held-out rows falls.
    statistic : {"self_confidence", "margin"}, default="self_confidence"
        The probability of the label, or by how much it exceeds the largest of the
        others.
    n_folds : int, default=5
        Number of folds, and of nets.
    memory : str, joblib.Memory or None, default=None
        Caches each net's training, by parameters, data and seed.
    n_jobs : int or None, default=None
        Nets trained side by side through joblib. Answers do not depend on it.
    verbose : int, default=0
        From 1, a progress bar over the nets.
    random_state : int, RandomState or None, default=None
        All that is random follows from it. Global generators are left as they were.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, in the order of the net's outputs.
    n_features_in_ : int
        Number of features (the length of the second axis of X).
    probabilities_ : ndarray of shape (n_samples, n_classes), dtype=float64
        Class probabilities of each row under the net that was not trained on it.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        Minus the statistic, in [-1, 0] or [-1, 1]. Higher = more suspicious.

    See Also
    --------
    ConfidentLearning : The same through cleanlab, which weighs classes.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.hardness import OutOfFold
    >>> X, y = load_iris(return_X_y=True)
    >>> OutOfFold(random_state=0).fit(X, y).scores_.shape
    (150,)
    """

    _needs = NetNeed.UNTRAINED

    _parameter_constraints: dict = {  # noqa: RUF012
        **Hardness._parameter_constraints,
        **FOLD_CONSTRAINTS,
        "statistic": [StrOptions({"self_confidence", "margin"})],
    }

    def __init__(
        self,
        net=None,
        *,
        statistic="self_confidence",
        n_folds=5,
        memory=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.net = net
        self.statistic = statistic
        self.n_folds = n_folds
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def _score(self, data: Data, seeds: Seeds) -> tuple[np.ndarray, dict[str, Any]]:
        recipe, _ = choose_epochs(self.net, data, self._needs, seeds.trial, self.memory)
        probabilities = out_of_fold_probabilities(
            recipe,
            data,
            int(self.n_folds),
            seeds.method,
            memory=self.memory,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        if self.statistic == "margin":
            confidence = margins(probabilities, data.codes)
        else:
            confidence = probabilities[np.arange(len(data.codes)), data.codes]
        return -confidence, {"probabilities_": probabilities}
