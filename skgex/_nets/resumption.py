"""Trainings that go on where they were when they were interrupted.

Every few seconds, at the end of an epoch, the state of the training is kept beside what
``memory`` keeps. The same training, begun again, ends with the same bits. A net whose
rest does not follow from that state, such as one with a loop of its own, keeps nothing:
it is trained from the beginning.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.callbacks import Callback, Checkpoint
from skorch.dataset import Dataset
from torch.utils.data import DataLoader, Subset

from skgex._data.sparse_rows import SparseRows
from skgex._nets.batches import SliceLoader
from skgex._nets.fit_loop import before_iterators, is_stop, looping_by
from skgex._nets.parts import WithoutSingleRows
from skgex._nets.training_state import CapturedState, TrainingState
from skgex._utils.unfinished import Draft, current_place
from skgex._utils.value_hash import hash_of


def resuming(net: NeuralNet) -> AbstractContextManager:
    """Let the training of a net inside this context go on where it was interrupted.

    That is, if the current call is one whose result ``memory`` keeps.
    """
    place = current_place()
    if not place.keeps:
        return nullcontext()

    def around(fit_loop: Callable, *args: Any, **kwargs: Any) -> Any:
        if "epochs" in kwargs or len(args) > 2 or not _can_resume(net):
            return fit_loop(*args, **kwargs)
        return _Training(net, place.next_draft("training")).run(
            fit_loop, *args, **kwargs
        )

    return looping_by(net, around)


class _Training:
    """A training whose state is kept in a draft.

    Parameters
    ----------
    net : NeuralNet
        Initialised; its callbacks have been told that the training begins.
    draft : Draft
    """

    def __init__(self, net: NeuralNet, draft: Draft):
        self.net, self.draft = net, draft
        self.state = TrainingState(net)
        self.n_epochs = 0
        self.datasets: tuple = ()
        self.digest: str | None = None

    def run(self, fit_loop: Callable, *args: Any, **kwargs: Any) -> Any:
        """Run the loop for the epochs that are left."""
        net, left = self.net, self._find()
        net.callbacks_.append(("resumption", _EpochEnd(self)))
        try:
            trained = fit_loop(*args, epochs=left, **kwargs)
        except KeyboardInterrupt as interrupt:
            if is_stop(interrupt):
                self.keep(over=True)
            raise
        finally:
            net.callbacks_.pop()
        self.keep(over=True)
        return trained

    def keep(self, *, over: bool) -> None:
        """Keep the state, if it is due and exact.

        Parameters
        ----------
        over : bool
            Whether there is no further epoch.
        """
        if self.draft.is_due() and self._same_datasets():
            self.draft.write((self.n_epochs, over, CapturedState(self.state)))

    def end_epoch(self, datasets: tuple) -> None:
        """Count an epoch."""
        self.n_epochs += 1
        self.datasets = datasets
        self.keep(over=False)

    def _find(self) -> int:
        """Return how many epochs are left, and go on from the state that was kept."""
        n_epochs, over, content = self.draft.read() or (0, False, None)
        state = None if content is None else self.state.read(content)
        if state is None:
            return self.net.max_epochs
        self.n_epochs = n_epochs
        before_iterators(self.net, lambda: self.state.restore(state))
        return 0 if over else self.net.max_epochs - n_epochs

    def _same_datasets(self) -> bool:
        """Return whether the datasets are as they were, so that they have no state."""
        if all(_holds_rows(dataset) for dataset in self.datasets):
            return True
        before = self.digest
        try:
            self.digest = hash_of(self.datasets)
        except Exception:  # whatever a user's dataset raises
            self.digest = None
        return before is not None and before == self.digest


class _EpochEnd(Callback):
    """Tells a training of the end of an epoch. It is no part of a pickled net."""

    def __init__(self, training: _Training | None = None):
        self.training = training

    def on_epoch_end(
        self,
        net: NeuralNet,
        dataset_train: Any = None,
        dataset_valid: Any = None,
        **kwargs: Any,
    ) -> None:
        """Tell it, after all other callbacks."""
        if self.training is not None:
            self.training.end_epoch((dataset_train, dataset_valid))

    def __getstate__(self) -> dict:
        return {}

    def __setstate__(self, state: dict) -> None:
        self.training = None


def _can_resume(net: NeuralNet) -> bool:
    """Return whether the rest of a training follows from its state and the data."""
    own = type(net).fit_loop, type(net).get_iterator
    return (
        own == (NeuralNet.fit_loop, NeuralNet.get_iterator)
        and all(
            _begins_anew(net, name) for name in ("iterator_train", "iterator_valid")
        )
        and not any(_reads_files(callback) for _, callback in net.callbacks_)
    )


def _begins_anew(net: NeuralNet, name: str) -> bool:
    """Return whether an iterator has no state but that of its parameters."""
    iterator = getattr(net, name)
    if isinstance(iterator, WithoutSingleRows):
        iterator = iterator.iterator
    persistent = getattr(net, f"{name}__persistent_workers", False)
    return iterator in (DataLoader, SliceLoader) and not persistent


def _reads_files(callback: Callback) -> bool:
    """Return whether a callback loads a file in the end that it wrote on the way."""
    return isinstance(callback, Checkpoint) and callback.load_best


def _holds_rows(dataset: Any) -> bool:
    """Return whether a dataset holds arrays and nothing else."""
    if type(dataset) is Subset:
        return _holds_rows(dataset.dataset)
    arrays = (np.ndarray, SparseRows, torch.Tensor, type(None))
    return dataset is None or (
        type(dataset) is Dataset
        and isinstance(dataset.X, arrays)
        and isinstance(dataset.y, arrays)
    )
