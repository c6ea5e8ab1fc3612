"""How far the training of a net is, for whoever listens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from typing import Any

from skorch import NeuralNet
from skorch.callbacks import Callback, EarlyStopping
from skorch.dataset import get_len

from skgex._nets.fit_loop import looping_by
from skgex._utils.progress import Reach, anyone_listens, steps

# A training that stops early is expected to take as many epochs as this at first, and
# then half as many again as it has taken.
TYPICAL_EPOCHS = 16
MORE = 0.5


@contextmanager
def announcing_epochs(net: NeuralNet) -> Iterator[None]:
    """Let a training inside this context say how far it is.

    Parameters
    ----------
    net : NeuralNet
        About to be trained.
    """
    if not anyone_listens():
        yield
        return

    def around(fit_loop: Callable, *args: Any, **kwargs: Any) -> Any:
        reach(0, expected_epochs(net))
        net.callbacks_.append(("progress", _EpochProgress(reach)))
        try:
            return fit_loop(*args, **kwargs)
        finally:
            net.callbacks_.pop()

    # The stage is around skorch's ``fit``, in which the end of a training that stops
    # early is no error any more.
    with steps("epochs", net.max_epochs) as reach, looping_by(net, around):
        yield


def expected_epochs(net: NeuralNet, n_done: int = 0) -> float:
    """Return for how many epochs a net is likely to be trained.

    Parameters
    ----------
    net : NeuralNet
        Initialised.
    n_done : int, default=0
        For how many it has been trained.
    """
    callbacks = (callback for _, callback in net.callbacks_)
    if not any(isinstance(callback, EarlyStopping) for callback in callbacks):
        return net.max_epochs
    likely = max(TYPICAL_EPOCHS, (1 + MORE) * n_done)
    return max(min(net.max_epochs, likely), n_done)


class _EpochProgress(Callback):
    """Says how many epochs are done, with a fraction for that under way.

    It is no part of a pickled net, and no part of the state of a training.
    """

    _reach: Reach | None = None

    def __init__(self, reach: Reach):
        self._reach = reach

    def __getstate__(self) -> dict:
        return {}

    def on_epoch_begin(
        self, net: NeuralNet, dataset_train: Any = None, **kwargs: Any
    ) -> None:
        """Count the batches of an epoch."""
        self._n_batches, self._n_done = _n_batches(net, dataset_train), 0

    def on_batch_end(
        self, net: NeuralNet, batch: Any = None, training: bool = False, **kwargs: Any
    ) -> None:
        """Say that one more batch is done."""
        if training and self._reach is not None:
            self._n_done += 1
            part = min(self._n_done / self._n_batches, 1.0)
            self._say(net, len(net.history) - 1 + part)

    def on_epoch_end(self, net: NeuralNet, *args: Any, **kwargs: Any) -> None:
        """Say that one more epoch is done."""
        self._say(net, len(net.history))

    def _say(self, net: NeuralNet, done: float) -> None:
        if self._reach is not None:
            self._reach(done, expected_epochs(net, len(net.history)))


def _n_batches(net: NeuralNet, dataset: Any) -> int:
    """Return about how many batches the training iterator gives."""
    try:
        n_rows = get_len(dataset)
    except TypeError:  # of an iterable dataset it is unknown
        return 1
    size = getattr(net, "iterator_train__batch_size", net.batch_size)
    return max(1, ceil(n_rows / size)) if size > 0 else 1
