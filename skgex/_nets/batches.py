"""A net's batches: those of its own iterator, read a whole batch at a time if possible.

A plain ``DataLoader`` reads one row after the other and then puts them together, which
takes longer than a step of a small net. Rows of arrays can be read at once. The batches
are equal to the loader's bit for bit, and the random generators end in the same state.

torch offers ``Dataset.__getitems__`` to read whole batches. It would make the order
torch's own by construction, but the loader still makes a Python integer per row. With
batches of 128 of 20,000 rows, the row numbers took 16 times as long (23 instead of
1.4 µs per batch); for the 1,202 batches of a fit of GEXDetector on 2,000 rows, 26.5
instead of 1.8 ms, 5.2 % of the fit, which took 4 to 9 % longer as a whole. So the
loader's draws are repeated here, and tests/nets/test_batches.py compares them with the
loader.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cache
from typing import Any, TypeVar

import numpy as np
import torch
from skorch import NeuralNet
from skorch.dataset import Dataset
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    Subset,
    default_collate,
)

from skgex._data.sparse_rows import SparseRows, read
from skgex._nets.batch_norm import has_batch_norm
from skgex._nets.skorch_adapter import is_single, takes_single_row
from skgex._nets.snapshot import to_array
from skgex._utils.random import seeded

Batch = TypeVar("Batch")

# These samplers draw the order of a whole pass when its first row is requested. Another
# one may draw row by row, between other draws such as those of dropout.
_DRAWN_AT_ONCE = (RandomSampler, SequentialSampler)


def batches(net: NeuralNet, dataset: Any, *, training: bool) -> Iterator[Any]:
    """Yield the batches of the net's own iterator.

    If the iterator is a loader that :func:`can_slice` accepts, the batches are read at
    once, and are equal to the loader's bit for bit.
    """
    loader = net.get_iterator(dataset, training=training)
    if not can_slice(loader, dataset):
        yield from loader
        return
    for rows in _rows_by_batch(loader):
        yield _read(dataset, rows)


def endless_rows(net: NeuralNet, dataset: Any) -> Iterator[np.ndarray]:
    """Yield the row numbers of training batches, epoch after epoch.

    For a net whose training iterator :func:`can_slice` accepts.
    """
    loader = net.get_iterator(dataset, training=True)
    return _endless(lambda: _rows_by_batch(loader))


def can_slice(loader: Any, dataset: Any) -> bool:
    """Return whether a batch of a loader is no more than some rows of two arrays."""
    return type(loader) is SliceLoader or (
        # A subclass may override the iteration.
        type(loader) is DataLoader
        # None: the dataset itself gives batches, or the user wants single rows.
        and loader.batch_sampler is not None
        # Another function may pad, augment or rearrange the rows of a batch.
        and loader.collate_fn is default_collate
        # Workers draw random numbers from generators of their own.
        and loader.num_workers == 0
        # The net's ``get_iterator`` may wrap the dataset.
        and loader.dataset is dataset
        and _holds_arrays(dataset)
    )


def endless_batches(
    net: NeuralNet, X: Any, y: Any, begin_pass: Callable[[], None] | None = None
) -> Iterator[Any]:
    """Yield training batches, epoch after epoch, without those the net cannot take.

    ``begin_pass`` is called before each epoch.
    """
    dataset = net.get_dataset(X, y)

    @cache
    def takes_single() -> bool:
        """Return whether single rows are trained on; most nets never give one."""
        return not has_batch_norm(net) and _takes_single_row(net, dataset)

    def one_pass() -> Iterator[Any]:
        if begin_pass is not None:
            begin_pass()
        for batch in batches(net, dataset, training=True):
            if not is_single(batch) or takes_single():
                yield batch

    return _endless(one_pass)


def _takes_single_row(net: NeuralNet, dataset: Any) -> bool:
    """Try a copy of a net in training on a single row of its dataset."""
    try:
        probe = deepcopy(net)
    except Exception:  # the state of a user's module may be of any kind
        return True
    return takes_single_row(probe, Subset(dataset, [0, min(1, len(dataset) - 1)]))


def _endless(one_pass: Callable[[], Iterator[Batch]]) -> Iterator[Batch]:
    """Yield what one pass over the data gives, pass after pass."""
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
    loader = net.get_iterator(net.get_dataset(X, y), training=True)
    try:
        return len(loader)
    except TypeError:  # it does not say
        with seeded(0):
            return sum(1 for _ in loader)


def targets_of(net: NeuralNet, dataset: Any) -> np.ndarray:
    """Read all targets that a Dataset holds, in order."""
    with seeded(0):
        parts = [to_array(yi) for _, yi in batches(net, dataset, training=False)]
    return np.concatenate(parts)


class SliceLoader:
    """Iterator of the default net: cuts arrays into batches, without a call per row.

    Parameters
    ----------
    dataset : skorch.dataset.Dataset
        Holds an array X, and an array y or None.
    batch_size : int
        Rows per batch; the last batch may have fewer.
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
            yield _read(self.dataset, rows)

    def rows(self) -> Iterator[np.ndarray]:
        """Yield the row numbers of each batch of a pass."""
        n_rows = len(self.dataset)
        order = torch.randperm(n_rows) if self.shuffle else torch.arange(n_rows)
        yield from _cut(order.numpy(), self.batch_size)


def _rows_by_batch(loader: DataLoader | SliceLoader) -> Iterator[np.ndarray]:
    """Yield the row numbers of each batch of a pass, drawn as the loader draws them."""
    if isinstance(loader, SliceLoader):
        yield from loader.rows()
        return
    # A pass of a DataLoader begins with a draw: the seed of workers, even without any.
    torch.empty((), dtype=torch.int64).random_(generator=loader.generator)
    batches: Any = loader.batch_sampler
    sampler: Any = getattr(batches, "sampler", None)
    if type(batches) is not BatchSampler or type(sampler) not in _DRAWN_AT_ONCE:
        yield from map(np.asarray, batches)
        return
    rows, size = _order(sampler), batches.batch_size
    end = len(rows) - len(rows) % size if batches.drop_last else len(rows)
    yield from _cut(rows[:end], size)


def _order(sampler: RandomSampler | SequentialSampler) -> np.ndarray:
    """Draw the order of a whole pass; a permutation without an integer per row."""
    n_rows = len(sampler.data_source)
    if isinstance(sampler, SequentialSampler):
        return np.arange(n_rows)
    whole = not sampler.replacement and sampler.num_samples == n_rows
    if not whole or sampler.generator is not None:
        return np.fromiter(sampler, np.int64)
    # RandomSampler draws a seed from the global generator, and the order from that.
    seed = int(torch.empty((), dtype=torch.int64).random_())
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(n_rows, generator=generator).numpy()


def _cut(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Cut row numbers into batches of a size, the last of which may be smaller."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _read(dataset: Dataset, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Read some rows of a dataset of arrays as the default collation returns them."""
    if dataset.y is None:
        y = torch.zeros(len(rows), 1)  # what skorch's dataset returns for no target
    else:
        y = torch.as_tensor(dataset.y[rows])
    return torch.as_tensor(read(dataset.X, rows)), y


def _holds_arrays(dataset: Any) -> bool:
    """Return whether a dataset does no more than index an array X, and an array y.

    X may be sparse; its rows become dense as they are indexed.
    """
    return (
        # A subclass may override ``transform``, and a user's dataset may do anything.
        type(dataset) is Dataset
        # Lists, dicts, sparse matrices and data frames are indexed by other rules.
        and (_is_array(dataset.X) or isinstance(dataset.X, SparseRows))
        and (dataset.y is None or _is_array(dataset.y))
    )


def _is_array(data: Any) -> bool:
    return isinstance(data, (np.ndarray, torch.Tensor))
