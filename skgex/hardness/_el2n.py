"""EL2N: the error of several nets early in their training."""

from numbers import Integral
from typing import Any

import numpy as np

from skgex._base.net_training import unfitted_net
from skgex._base.parameters import N_JOBS, Interval, NetNeed
from skgex._data.records import Data
from skgex._utils.memory import check_memory
from skgex._utils.parallel import run
from skgex._utils.progress import expect, phase
from skgex._utils.random import Seeds, draw_seeds
from skgex.hardness._hardness import Hardness, train_and_predict

SEVERAL = "training several nets"


class EL2N(Hardness):
    """Error L2-norm of nets early in their training (Paul et al. 2021).

    Several nets are trained for a few epochs. The score of a row is the Euclidean
    distance between the probabilities that a net predicts and the one-hot vector of the
    label, averaged over the nets.

    Parameters
    ----------
    net : skorch.NeuralNet or None, default=None
        The net of which clones are trained. None trains a small MLP, on wide data a
        linear net, for class labels only.
    n_nets : int, default=5
        Number of nets, each with its own initial weights and order of batches. More
        nets make the scores less random, at a proportional cost.
    n_epochs : int, default=10
        Number of epochs for which each net is trained, instead of the net's
        ``max_epochs``. It should be well below a full training: after too many epochs
        the nets have memorised wrong labels.
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
    scores_ : ndarray of shape (n_samples,), dtype=float64
        Mean distance, in [0, √2]. Higher = more suspicious.

    References
    ----------
    Paul, M., Ganguli, S. and Dziugaite, G. K. "Deep learning on a data diet: finding
    important examples early in training." NeurIPS 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skgex.hardness import EL2N
    >>> X, y = load_iris(return_X_y=True)
    >>> EL2N(n_nets=2, random_state=0).fit(X, y).scores_.shape
    (150,)
    """

    _needs = NetNeed.UNTRAINED

    _parameter_constraints: dict = {  # noqa: RUF012
        **Hardness._parameter_constraints,
        "n_nets": [Interval(Integral, 1, None, closed="left")],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": N_JOBS,
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        net=None,
        *,
        n_nets=5,
        n_epochs=10,
        memory=None,
        n_jobs=None,
        verbose=0,
        random_state=None,
    ):
        self.net = net
        self.n_nets = n_nets
        self.n_epochs = n_epochs
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def _score(self, data: Data, seeds: Seeds) -> tuple[np.ndarray, dict[str, Any]]:
        net = unfitted_net(self.net, data, self._needs)
        net.set_params(max_epochs=int(self.n_epochs))
        random_state = np.random.RandomState(seeds.method)
        expect({SEVERAL: 1})
        probabilities = run(
            check_memory(self.memory).cache(train_and_predict),
            [
                (net, data.X, data.targets, None, None, seed)
                for seed in draw_seeds(random_state, int(self.n_nets))
            ],
            n_jobs=self.n_jobs,
        )
        with phase(SEVERAL):
            norms = [error_norms(each, data.codes) for each in probabilities]
        return np.mean(norms, axis=0), {}


def error_norms(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the distance of each row's probabilities from its one-hot label."""
    errors = probabilities.copy()
    errors[np.arange(len(codes)), codes] -= 1
    return np.linalg.norm(errors, axis=1)
