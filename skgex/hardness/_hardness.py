"""What the hardness estimators share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from skorch import NeuralNet

from skgex._base.net_estimator import NetEstimator, validate
from skgex._base.net_training import record_training
from skgex._base.parameters import fit_context
from skgex._data.records import Data, take
from skgex._nets.evaluation import evaluate
from skgex._nets.predictions import as_probabilities
from skgex._nets.snapshot import revive
from skgex._nets.training import train
from skgex._nets.trajectory import Trajectory
from skgex._utils.random import Seeds, seeded


class Hardness(NetEstimator, ABC):
    """Base of the estimators that score how hard the rows of their fit are.

    A subclass gives ``_score``. Methods with equal nets, data, ``memory`` and
    ``random_state`` draw the same seed for the net, and so share its training.
    """

    _parameter_constraints: dict = NetEstimator._net_constraints

    # Whether labels must be classes.
    _needs_classes = True

    scores_: np.ndarray

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> Self:
        """Train what needs training, and score the samples.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or \
                (n_samples, ...), dict of array-like, or Dataset
            Samples, of any shape that the net takes; a dict of arrays for a module that
            takes them by these names; or a torch Dataset of pairs (sample, target).
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Labels or regression targets, as given, noise and all. None with a Dataset.
        groups : array-like of shape (n_samples,), default=None
            Which rows belong together, such as near-copies of one subject. Wherever
            the fit holds rows out of a training, it holds out whole groups, so that
            no net is tested on near-copies of what it was trained on, and
            folds are made of whole groups.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If X, y or groups are unfit for the net or for each other, a parameter is
            impossible, or the net's training diverged.
        TypeError
            If ``net`` is a FrozenEstimator that holds no skorch net.
        """
        data, rows = validate(self, X, y, groups)
        if self._needs_classes and not data.has_classes:
            raise ValueError(
                f"y: {type(self).__name__} scores class labels, but to the net "
                "these are regression targets."
            )
        scores, others = self._score(data, self._draw_seeds())
        scores = np.asarray(scores, dtype=np.float64)
        if not np.isfinite(scores).all():
            raise ValueError(
                "net: its training diverged; the scores are not finite. Lower its lr."
            )
        self._keep(rows, {**others, "scores_": scores})
        return self

    @abstractmethod
    def _score(self, data: Data, seeds: Seeds) -> tuple[np.ndarray, dict[str, Any]]:
        """Return the scores of the rows, and what else is to be set.

        Scores have the shape (n_samples,); higher = more suspicious. Nothing is
        written to the estimator.
        """

    def _record(self, data: Data, seeds: Seeds) -> Trajectory:
        """Train the net, and record its training."""
        return record_training(self.net, data, self._needs, seeds, self.memory)


def after_epochs(
    trajectory: Trajectory, read: Callable[[NeuralNet, np.ndarray], np.ndarray]
) -> Iterator[np.ndarray]:
    """Yield what a function of a net and its outputs makes of them, epoch by epoch."""
    net = revive(trajectory.trained)
    assert trajectory.outputs is not None  # kept wherever labels are classes
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
    trained = train(net, X, y, seed, rows)
    with seeded(0):
        evaluation = evaluate(revive(trained), *take(X, y, asked))
    return as_probabilities(evaluation.outputs)
