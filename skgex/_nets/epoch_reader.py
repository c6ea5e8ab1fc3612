"""What a net in training says of samples after an epoch, without disturbing it."""

from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback

from skgex._nets.evaluation import Evaluation, evaluate
from skgex._nets.snapshot import Weights, load_weights, revive, snapshot, weights_of
from skgex._utils.random import seeded


class EpochReader:
    """Evaluate samples under the current weights of a net that is being trained.

    The weights are copied to a second net, so that neither the mode nor the random
    numbers of the training change. It is made once and kept for all epochs.

    Parameters
    ----------
    X : ndarray of shape (n_samples, ...) or Dataset
        Samples in the dtype of the net.
    y : ndarray of shape (n_samples, ...) or None
        Targets as the net takes them.
    raw : bool, default=False
        Read the module's outputs, before the nonlinearity of ``predict_proba``.
    """

    def __init__(self, X: Any, y: Any, *, raw: bool = False):
        self._samples = X, y
        self._raw = raw
        self._copy: NeuralNet | None = None

    def read(self, net: NeuralNet) -> tuple[Weights, Evaluation]:
        """Return the current weights, and what they say of the samples."""
        weights = weights_of(net)
        with seeded(0):
            return weights, evaluate(self._copy_with(net, weights), *self._samples)

    def _copy_with(self, net: NeuralNet, weights: Weights) -> NeuralNet:
        if self._copy is None:
            self._copy = revive(snapshot(net))
            if self._raw:
                self._copy.set_params(predict_nonlinearity=None)
        load_weights(self._copy, weights)
        return self._copy


class EpochWatch(Callback):
    """Base of callbacks that read samples after each epoch.

    The state of one is what it has found so far, and not what it reads with.
    """

    def __init__(self, reader: EpochReader):
        self.reader = reader

    def __getstate__(self) -> dict[str, Any]:
        return {name: each for name, each in vars(self).items() if name != "reader"}
