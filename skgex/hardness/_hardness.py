"""What the hardness estimators share."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.utils import check_random_state
from skorch import NeuralNet

from skgex._base.net_estimator import NetEstimator
from skgex._data.records import Data, take
from skgex._nets.evaluation import evaluate
from skgex._nets.predictions import as_probabilities
from skgex._nets.snapshot import revive
from skgex._nets.training import train
from skgex._nets.trajectory import Trajectory
from skgex._utils.random import draw_seeds, seeded


class Hardness(NetEstimator):
    """Base of the estimators that say how hard the rows of their fit are.

    A subclass gives ``_judge``. Methods that are given equal nets, data, ``memory``
    and ``random_state`` draw the same seed for the net, and so share its training.
    """

    _parameter_constraints: dict = NetEstimator._net_constraints

    # Whether labels must be classes.
    _judges_classes = True

    def _fit(self, data: Data) -> None:
        if self._judges_classes and not self._has_classes():
            raise ValueError(
                f"y: {type(self).__name__} judges class labels, but to the net "
                "these are values."
            )
        seeds = draw_seeds(check_random_state(self.random_state), 3)
        self.scores_ = np.asarray(self._judge(data, *seeds), dtype=np.float64)
        if not np.isfinite(self.scores_).all():
            raise ValueError(
                "net: its training diverged; the scores are not finite. Lower its lr."
            )

    def _judge(
        self, data: Data, net_seed: int, trial_seed: int, own_seed: int
    ) -> np.ndarray:
        """Return the scores of the rows, higher = more suspicious."""
        raise NotImplementedError


def after_epochs(
    trajectory: Trajectory, read: Callable[[NeuralNet, np.ndarray], np.ndarray]
) -> Iterator[np.ndarray]:
    """Yield what a function of a net and its outputs makes of them, epoch by epoch."""
    net = revive(trajectory.trained)
    for outputs in trajectory.outputs:
        yield read(net, outputs)


def train_and_predict(
    net: NeuralNet,
    X: Any,
    y: Any,
    rows: np.ndarray | None,
    asked: np.ndarray | None,
    seed: int,
) -> np.ndarray:
    """Train a clone on some rows, and return the class probabilities of others.

    None stands for all rows.
    """
    trained = train(net, *take(X, y, rows), seed)
    with seeded(0):
        evaluation = evaluate(revive(trained), *take(X, y, asked))
    return as_probabilities(evaluation.outputs)
