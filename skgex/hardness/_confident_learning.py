"""ConfidentLearning: label quality and the confident joint, through cleanlab."""

import warnings
from importlib import import_module
from typing import Any

import numpy as np
from sklearn import config_context

from skgex._base.parameters import NetNeed, StrOptions
from skgex._data.records import Data
from skgex._utils.random import Seeds
from skgex.hardness._folded import (
    FOLD_CONSTRAINTS,
    choose_for_folds,
    out_of_fold_probabilities,
)
from skgex.hardness._hardness import Hardness


class ConfidentLearning(Hardness):
    """Confident learning (Northcutt et al. 2021) on out-of-fold probabilities.

    The rows are split into folds. The class probabilities of each row come from a net
    that was trained on the other folds. From them cleanlab computes the scores; it must
    be installed (``pip install skgex[cleanlab]``).

    Parameters
    ----------
    net : skorch.NeuralNet or None, default=None
        The net of which clones are trained. None trains a small MLP, for class labels
        only, until its loss on held-out rows stops falling; on wide data, such as
        texts, a linear net unless an MLP predicts held-out labels better.
    method : {"self_confidence", "normalized_margin", \
            "confidence_weighted_entropy"}, default="self_confidence"
        How cleanlab measures the quality of a label: by its probability
        ("self_confidence"), by how much this exceeds the largest probability of the
        other classes ("normalized_margin"), or by the entropy of the prediction divided
        by this probability ("confidence_weighted_entropy").
    n_folds : int, default=2
        Number of folds, and of nets to train. With more folds each net is trained on
        more of the rows (official code of GEX: 2).
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
    confident_joint_ : ndarray of shape (n_classes, n_classes), dtype=int
        cleanlab's estimate of how many rows have the given label i (row) and the true
        label j (column).
    probabilities_ : ndarray of shape (n_samples, n_classes), dtype=float64
        Class probabilities of each row by the net that was not trained on it.
    scores_ : ndarray of shape (n_samples,), dtype=float64
        One minus cleanlab's label quality, in [0, 1]. Higher = more suspicious.

    See Also
    --------
    OutOfFold : Similar scores, without cleanlab.

    References
    ----------
    Northcutt, C., Jiang, L. and Chuang, I. "Confident learning: estimating uncertainty
    in dataset labels." Journal of Artificial Intelligence Research 70 (2021).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.hardness import ConfidentLearning
    >>> X, y = load_iris(return_X_y=True)
    >>> ConfidentLearning(random_state=0).fit(X, y).confident_joint_.shape
    (3, 3)
    """

    _needs = NetNeed.UNTRAINED

    _parameter_constraints: dict = {  # noqa: RUF012
        **Hardness._parameter_constraints,
        **FOLD_CONSTRAINTS,
        "method": [
            StrOptions(
                {"self_confidence", "normalized_margin", "confidence_weighted_entropy"}
            )
        ],
    }

    def __init__(
        self,
        net=None,
        *,
        method="self_confidence",
        n_folds=2,
        memory=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.net = net
        self.method = method
        self.n_folds = n_folds
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def _score(self, data: Data, seeds: Seeds) -> tuple[np.ndarray, dict[str, Any]]:
        count, rank = _cleanlab("count"), _cleanlab("rank")  # before the training
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
        given = data.codes, probabilities
        # cleanlab hands scikit-learn lists among its arrays, which dispatch refuses.
        with config_context(array_api_dispatch=False):
            joint = count.compute_confident_joint(*given)
            quality = rank.get_label_quality_scores(*given, method=self.method)
        others = {"confident_joint_": joint, "probabilities_": probabilities}
        return 1 - quality, others


def _cleanlab(name: str) -> Any:
    """Import a module of cleanlab.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        with warnings.catch_warnings():  # cleanlab turns all of them off for good
            return import_module(f"cleanlab.{name}")
    except ImportError as error:
        raise ImportError(
            "ConfidentLearning needs cleanlab: pip install 'skgex[cleanlab]'. "
            "OutOfFold does without."
        ) from error
