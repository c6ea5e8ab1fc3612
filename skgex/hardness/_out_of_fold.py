"""OutOfFold: the confidence in a label by a net that was not trained on it."""

from typing import Any

import numpy as np

from skgex._base.parameters import NetNeed, StrOptions
from skgex._data.records import Data
from skgex._nets.predictions import margins
from skgex._utils.random import Seeds
from skgex.hardness._folded import (
    FOLD_CONSTRAINTS,
    choose_for_folds,
    out_of_fold_probabilities,
)
from skgex.hardness._hardness import Hardness


class OutOfFold(Hardness):
    """Out-of-fold confidence in each label, or its margin, negated.

    Rows are split into folds, stratified by class. For each fold a net is trained on
    the other folds, and predicts the rows of this one. So no label is scored by a net
    that could have memorised it.

    Parameters
    ----------
    net : skorch.NeuralNet or None, default=None
        The net of which clones are trained. None trains a small MLP, for class labels
        only, until its loss on held-out rows stops falling; on wide data, such as
        texts, a linear net unless an MLP predicts held-out labels better.
    statistic : {"self_confidence", "margin"}, default="self_confidence"
        The probability of the label ("self_confidence"), or by how much it exceeds the
        largest probability of the other classes ("margin").
    n_folds : int, default=5
        Number of folds, and of nets to train. With more folds each net is trained on
        more of the rows.
    memory : str, joblib.Memory or None, default=None
        Directory or ``joblib.Memory`` that caches the result of each training, so that
        a later fit with the same net, data and seed does not train again. A training
        that was interrupted goes on after its last epochs. None caches nothing.
    n_jobs : int or None, default=None
        Number of nets that joblib trains in parallel; -1 uses all processors, None
        means 1 outside of ``joblib.parallel_config``. Results do not depend on it.
    verbose : int, default=0
        If above 0, show on stderr how far ``fit`` is, and the time left: as a bar in a
        terminal or notebook, elsewhere as a line every ten seconds. If above 1, also
        print how many seconds each phase took.
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
    probabilities_ : ndarray of shape (n_samples, n_classes), dtype=float64
        Class probabilities of each row by the net that was not trained on it.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        Minus the statistic, in [-1, 0] for "self_confidence" and [-1, 1] for "margin".
        Higher = more suspicious.

    See Also
    --------
    ConfidentLearning : Similar scores through cleanlab, and the confident joint.

    References
    ----------
    Northcutt, C., Jiang, L. and Chuang, I. "Confident learning: estimating uncertainty
    in dataset labels." Journal of Artificial Intelligence Research 70 (2021).

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
        n_folds = int(self.n_folds)
        recipe = choose_for_folds(self.net, data, n_folds, seeds.trial, self.memory)
        probabilities = out_of_fold_probabilities(
            recipe,
            data,
            n_folds,
            seeds.method,
            memory=self.memory,
            n_jobs=self.n_jobs,
        )
        if self.statistic == "margin":
            confidence = margins(probabilities, data.codes)
        else:
            confidence = probabilities[np.arange(len(data.codes)), data.codes]
        return -confidence, {"probabilities_": probabilities}
