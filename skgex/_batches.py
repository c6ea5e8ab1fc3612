"""A net's batches: those of its own iterator, cut from arrays where that can be."""

from collections.abc import Iterator
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

from skgex._net import has_batch_norm, to_array
from skgex._random import seeded

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


def can_slice(loader: Any, dataset: Any) -> bool:
    """Return whether a loader does no more than put rows of arrays together."""
    return (
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
    while True:
        n_batches = 0
        for batch in batches(net, dataset, training=True):
            if alone and len(unpack_data(batch)[1]) == 1:
                continue
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


def _rows_by_batch(loader: DataLoader) -> Iterator[np.ndarray]:
    """Draw the rows of each batch as the loader's own iterator draws them."""
    # It begins with this draw, which the order depends on.
    torch.empty((), dtype=torch.int64).random_(generator=loader.generator)
    batches = loader.batch_sampler
    if type(batches) is not BatchSampler or type(batches.sampler) not in _AT_ONCE:
        yield from map(np.asarray, batches)
        return
    rows = np.fromiter(batches.sampler, np.int64)
    size = batches.batch_size
    end = len(rows) - len(rows) % size if batches.drop_last else len(rows)
    for start in range(0, end, size):
        yield rows[start : min(start + size, end)]


def _rows_of(data: Any, rows: np.ndarray) -> torch.Tensor:
    if data is None:  # what skorch's dataset says in the place of a target
        return torch.zeros(len(rows), 1)
    return torch.as_tensor(data[rows])
