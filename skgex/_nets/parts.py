"""Training on part of the rows by a net whose loader is made for all of them.

A net trains alone on all rows. On half of them, the last batch may be a single row,
which batch norm cannot take; one batch may be larger than the part; and a sampler may
draw rows that are not there. The loader is changed only where one of these happens.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from skorch import NeuralNet
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from skgex._data.records import take
from skgex._nets.batches import SliceLoader
from skgex._nets.skorch_adapter import is_single, takes_single_row
from skgex._nets.snapshot import initialised
from skgex._utils.random import seeded

# What a user may choose the rows of batches by.
_SAMPLERS = ("iterator_train__sampler", "iterator_train__batch_sampler")


@contextmanager
def loading(
    net: NeuralNet, X: Any, y: Any, rows: np.ndarray | None
) -> Iterator[tuple[Any, Any]]:
    """Let a net train on some rows as it trains on all, inside this context.

    Parameters
    ----------
    net : NeuralNet
        Afterwards its loader is as before.
    X, y
        All samples and targets.
    rows : ndarray of int or None
        Those to train on; None stands for all.

    Yields
    ------
    X, y
        The samples and targets to fit.

    Raises
    ------
    ValueError
        If a sampler or a ``train_split`` works on all rows only, or there is no batch.
    """
    part = take(X, y, rows)
    with bound(net, rows, len(X)), seeded(0):
        changes = _changes(net, *part, whole=rows is None)
    with bound(net, rows, len(X)), _changed(net, changes):
        if "iterator_train" in changes and _has_own_loader(net, *part):
            part = take(*part, np.arange(len(part[0]) - 1))
        yield part


@contextmanager
def bound(net: NeuralNet, rows: np.ndarray | None, n_rows: int) -> Iterator[None]:
    """Bind the samplers of a net, which are made for all rows, to some of them.

    A batch that is larger than those is not dropped.
    """
    changes = {} if rows is None else _bound_samplers(net, rows, n_rows)
    with _changed(net, changes):
        drops = rows is not None and _drops_all(net, len(rows))
        with _changed(net, {"iterator_train__drop_last": False} if drops else {}):
            yield


def check_samplers(net: NeuralNet | None) -> None:
    """Refuse a net whose sampler cannot be bound to part of the rows.

    Raises
    ------
    ValueError
        It names the parameter.
    """
    for name in _SAMPLERS:
        sampler = None if net is None else net.get_params(deep=False).get(name)
        inner = sampler.sampler if type(sampler) is BatchSampler else sampler
        if inner is not None and type(inner) not in _BINDINGS:
            raise ValueError(
                f"net: {name} holds a {type(inner).__name__}, which draws from all "
                "rows, but a part of them is trained on as well (to choose lr or the "
                "number of epochs, in folds, or without a row). Pass one of torch's "
                "RandomSampler, SubsetRandomSampler or WeightedRandomSampler, which "
                "can be bound to a part, or an iterator_train that makes its own "
                "sampler for the dataset it is given. GEX with a number as lr trains "
                "on all rows only."
            )


class WithoutSingleRows:
    """A training iterator of skorch that leaves out batches of one row.

    Parameters
    ----------
    iterator : callable
        The iterator to take batches from, as skorch's ``iterator_train``.
    """

    def __init__(self, iterator: Any):
        self.iterator = iterator

    def __call__(self, dataset: Any, **kwargs: Any) -> "_LongBatches":
        """Return the loader of a dataset."""
        return _LongBatches(self.iterator(dataset, **kwargs))


class _LongBatches:
    """The batches of a loader that have more than one row."""

    def __init__(self, loader: Any):
        self.loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["loader"], name)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            if not is_single(batch):
                yield batch


def _changes(net: NeuralNet, X: Any, y: Any, *, whole: bool) -> dict[str, Any]:
    """Return which parameters of the loader must change for these rows."""
    dataset = _training_dataset(net, X, y, whole=whole)
    loader = net.get_iterator(dataset, training=True)
    if _n_batches(loader) == 0:
        if whole or not getattr(net, "iterator_train__drop_last", False):
            raise ValueError(
                f"net: its training iterator gives no batch of {len(dataset)} rows; "
                "lower its batch_size or set iterator_train__drop_last=False."
            )
        return {"iterator_train__drop_last": False}
    if not _may_leave_one(loader) or takes_single_row(*_probe(net, X, y)):
        return {}
    if _n_batches(loader) == len(dataset):
        raise ValueError(
            "net: it cannot be trained on a single row, which is all that its batches "
            "have; batch norm needs a batch_size of at least 2."
        )
    return {"iterator_train": WithoutSingleRows(net.iterator_train)}


def _training_dataset(net: NeuralNet, X: Any, y: Any, *, whole: bool) -> Any:
    """Return what is left for the training after the net's own ``train_split``."""
    if whole:
        return net.get_split_datasets(X, y)[0]
    try:
        dataset = net.get_split_datasets(X, y)[0]
        if isinstance(dataset, Subset) and _reaches_beyond(dataset):
            raise IndexError(f"row {max(dataset.indices)} is not among them")
    except (ValueError, IndexError, TypeError) as error:
        raise ValueError(
            f"net: its train_split cannot split a part of {len(X)} rows: {error}. Pass "
            "train_split=None, or a skorch.dataset.ValidSplit of a number of folds."
        ) from error
    return dataset


def _reaches_beyond(subset: Subset) -> bool:
    """Return whether a subset names rows that are not there."""
    whole: Any = subset.dataset
    return max(subset.indices) >= len(whole)


def _drops_all(net: NeuralNet, n_rows: int) -> bool:
    """Return whether a net drops its only batch of some rows, as it is too small."""
    params = net.get_params(deep=False)
    size = params.get("iterator_train__batch_size", net.batch_size)
    sampler = params.get("iterator_train__sampler")
    n_drawn = n_rows if sampler is None else len(sampler)
    return bool(params.get("iterator_train__drop_last")) and size > n_drawn


def _n_batches(loader: Any) -> int | None:
    """Return how many batches a loader gives; None if it does not say."""
    try:
        return len(loader)
    except TypeError:
        return None


def _may_leave_one(loader: Any) -> bool:
    """Return whether a loader may give a batch of a single row among longer ones."""
    if type(loader) is SliceLoader or _n_batches(loader) == 1:
        return False  # the default net takes a single row
    batches = getattr(loader, "batch_sampler", None)
    if type(loader) is not DataLoader or type(batches) is not BatchSampler:
        return True
    if batches.batch_size == 1:
        return True
    left: int = len(batches.sampler) % batches.batch_size  # type: ignore[arg-type]
    return left == 1 and not batches.drop_last


def _has_own_loader(net: NeuralNet, X: Any, y: Any) -> bool:
    """Return whether a net makes loaders by itself, without ``iterator_train``."""
    with seeded(0):
        loader = net.get_iterator(net.get_dataset(X, y), training=True)
    return not isinstance(loader, _LongBatches)


def _probe(net: NeuralNet, X: Any, y: Any) -> tuple[NeuralNet, Any]:
    """Return an untrained clone of a net, and a dataset of two rows."""
    probe = initialised(net, X, y)
    return probe, probe.get_dataset(*take(X, y, np.arange(min(2, len(X)))))


@contextmanager
def _changed(net: NeuralNet, changes: dict[str, Any]) -> Iterator[None]:
    """Set some parameters that a net has, for a while."""
    before = {name: getattr(net, name) for name in changes}
    # Not by ``set_params``, which skorch refuses for a loader once it is initialised.
    vars(net).update(changes)
    try:
        yield
    finally:
        vars(net).update(before)


def _bound_samplers(net: NeuralNet, rows: np.ndarray, n_rows: int) -> dict[str, Any]:
    """Return the samplers of a net for some rows, by parameter."""
    check_samplers(net)
    params = net.get_params(deep=False)
    given = {name: params[name] for name in _SAMPLERS if params.get(name) is not None}
    return {name: _bind(sampler, rows, n_rows) for name, sampler in given.items()}


def _bind(sampler: Any, rows: np.ndarray, n_rows: int) -> Sampler:
    if type(sampler) is BatchSampler:
        inner = _bind(sampler.sampler, rows, n_rows)
        return BatchSampler(inner, sampler.batch_size, sampler.drop_last)
    return _BINDINGS[type(sampler)](sampler, rows, n_rows)


def _bind_weighted(
    sampler: WeightedRandomSampler, rows: np.ndarray, n_rows: int
) -> WeightedRandomSampler:
    if len(sampler.weights) != n_rows:
        raise ValueError(
            f"net: iterator_train__sampler has {len(sampler.weights)} weights, but X "
            f"has {n_rows} rows; a weight per row is needed."
        )
    n_drawn = max(1, round(sampler.num_samples * len(rows) / n_rows))
    return WeightedRandomSampler(
        sampler.weights[rows].tolist(), n_drawn, sampler.replacement, sampler.generator
    )


def _bind_subset(
    sampler: SubsetRandomSampler, rows: np.ndarray, n_rows: int
) -> SubsetRandomSampler:
    places = np.flatnonzero(np.isin(rows, np.asarray(sampler.indices)))
    if len(places) == 0:
        raise ValueError(
            "net: iterator_train__sampler draws none of the rows of a part; pass "
            "fewer rows as X instead of a SubsetRandomSampler."
        )
    return SubsetRandomSampler(places.tolist(), sampler.generator)


def _bind_random(
    sampler: RandomSampler, rows: np.ndarray, n_rows: int
) -> RandomSampler:
    n_drawn = max(1, round(sampler.num_samples * len(rows) / n_rows))
    return RandomSampler(
        range(len(rows)), sampler.replacement, n_drawn, sampler.generator
    )


def _bind_in_order(
    sampler: SequentialSampler, rows: np.ndarray, n_rows: int
) -> SequentialSampler:
    return SequentialSampler(range(len(rows)))


_BINDINGS: dict[type, Any] = {
    WeightedRandomSampler: _bind_weighted,
    SubsetRandomSampler: _bind_subset,
    RandomSampler: _bind_random,
    SequentialSampler: _bind_in_order,
}
