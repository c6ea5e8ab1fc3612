"""A net's batches: those of its own iterator, cut from arrays where that can be."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import Dataset, unpack_data
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    default_collate,
)

from skgex._nets.batch_norm import has_batch_norm
from skgex._nets.snapshot import to_array
from skgex._utils.random import seeded

# Samplers that draw a whole pass when its first row is asked for.
_AT_ONCE = (RandomSampler, SequentialSampler)


def batches(net: NeuralNet, dataset: Any, *, training: bool) -> Iterator[Any]:
    """Yield the batches of the net's own iterator.

    Arrays in skorch's own dataset are cut to whole batches at once, which gives the
    very batches that the loader would put together row by row.
    """
    loader = net.get_iterator(dataset, training=training)
    if not can_slice(loader, dataset):
        yield from loader
        return
    for rows in _rows_by_batch(loader):
        yield _rows_of(dataset.X, rows), _rows_of(dataset.y, rows)


def endless_rows(net: NeuralNet, dataset: Any) -> Iterator[np.ndarray]:
    """Yield the rows of training batches, epoch after epoch.

    For a net whose loader :func:`can_slice`.
    """
    loader = net.get_iterator(dataset, training=True)
    return _endless(lambda: _rows_by_batch(loader))


def can_slice(loader: Any, dataset: Any) -> bool:
    """Return whether a loader does no more than put rows of arrays together."""
    return type(loader) is SliceLoader or (
        type(loader) is DataLoader
        and loader.batch_sampler is not None
        and loader.collate_fn is default_collate
        and loader.num_workers == 0
        and loader.dataset is dataset
        and type(dataset) is Dataset
        and isinstance(dataset.X, (np.ndarray, torch.Tensor))
        and (dataset.y is None or isinstance(dataset.y, (np.ndarray, torch.Tensor)))
    )


def endless_batches(net: NeuralNet, X: Any, y: Any) -> Iterator[Any]:
    """Yield training batches, epoch after epoch."""
    dataset = net.get_dataset(X, y)
    alone = has_batch_norm(net)  # which cannot learn from one row

    def one_pass() -> Iterator[Any]:
        for batch in batches(net, dataset, training=True):
            if not (alone and len(unpack_data(batch)[1]) == 1):
                yield batch

    return _endless(one_pass)


def _endless(one_pass: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """Yield what one pass gives, pass after pass."""
    while True:
        n_batches = 0
        for batch in one_pass():
            n_batches += 1
            yield batch
        if n_batches == 0:
            raise ValueError(
                "net: its training iterator gives no batch that can be trained on; "
                "lower its batch size or set iterator_train__drop_last=False."
            )


def steps_per_epoch(net: NeuralNet, X: Any, y: Any) -> int:
    """Return how many batches an initialised net's training iterator gives."""
    return len(net.get_iterator(net.get_dataset(X, y), training=True))


def targets_of(net: NeuralNet, dataset: Any) -> np.ndarray:
    """Read all targets that a Dataset holds, in order."""
    with seeded(0):
        parts = [to_array(yi) for _, yi in batches(net, dataset, training=False)]
    return np.concatenate(parts)


class SliceLoader:
    """Cut arrays in skorch's dataset to whole batches: no Python call a row.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Holds an array X, and an array y or None.
    batch_size : int
        Rows a batch; the last one may have fewer.
    shuffle : bool, default=False
        Draw a new order for each pass.
    """

    def __init__(self, dataset: Dataset, batch_size: int, shuffle: bool = False):
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for rows in self.rows():
            yield _rows_of(self.dataset.X, rows), _rows_of(self.dataset.y, rows)

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the rows of each batch of a pass."""
        n_rows = len(self.dataset)
        order = torch.randperm(n_rows) if self.shuffle else torch.arange(n_rows)
        yield from _cut(order.numpy(), self.batch_size)


def _rows_by_batch(loader: DataLoader | SliceLoader) -> Iterator[np.ndarray]:
    """Draw the rows of each batch as the loader's own iterator draws them."""
    if type(loader) is SliceLoader:
        yield from loader.rows()
        return
    # It begins with this draw, which the order depends on.
    torch.empty((), dtype=torch.int64).random_(generator=loader.generator)
    batches = loader.batch_sampler
    if type(batches) is not BatchSampler or type(batches.sampler) not in _AT_ONCE:
        yield from map(np.asarray, batches)
        return
    rows, size = _order(batches.sampler), batches.batch_size
    end = len(rows) - len(rows) % size if batches.drop_last else len(rows)
    yield from _cut(rows[:end], size)


def _order(sampler: RandomSampler | SequentialSampler) -> np.ndarray:
    """Draw a whole pass, a plain permutation without a Python object a row."""
    n_rows = len(sampler.data_source)
    if type(sampler) is SequentialSampler:
        return np.arange(n_rows)
    whole = not sampler.replacement and sampler.num_samples == n_rows
    if not whole or sampler.generator is not None:
        return np.fromiter(sampler, np.int64)
    seed = int(torch.empty((), dtype=torch.int64).random_())
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(n_rows, generator=generator).numpy()


def _cut(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Cut rows to batches of a size, the last one maybe smaller."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _rows_of(data: Any, rows: np.ndarray) -> torch.Tensor:
    if data is None:  # what skorch's dataset says in the place of a target
        return torch.zeros(len(rows), 1)
    return torch.as_tensor(data[rows])
