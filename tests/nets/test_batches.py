import threading

import numpy as np
import pytest
import torch
from growing import grow_one
from skorch import NeuralNetClassifier
from skorch.dataset import Dataset, unpack_data
from tiny import MLP, PairDataset, classifier, plain_net
from torch import nn
from torch.utils.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from skgex._ensemble.fine_tuning import FineTuning
from skgex._nets import batches as _batches
from skgex._nets.batches import (
    batches,
    can_slice,
    endless_batches,
    endless_rows,
    targets_of,
)
from skgex._nets.skorch_adapter import is_single
from skgex._nets.training import train
from skgex._utils.random import seeded


def initialised(net):
    with seeded(0):
        return net.initialize()


class Wrapping(NeuralNetClassifier):
    """Feeds the loader something else than the dataset it is given."""

    def get_iterator(self, dataset, training=False):
        return super().get_iterator(Doubled(dataset), training=training)


class Doubled(Dataset):
    def __init__(self, dataset):
        super().__init__(dataset.X, dataset.y)

    def transform(self, X, y):
        X, y = super().transform(X, y)
        return 2 * X, y


def as_tensors(X, y):
    return torch.as_tensor(X), torch.as_tensor(y)


class Drawing(Sampler):
    """Draws row by row from the global generator; gives numbers of its own kind."""

    def __init__(self, n_rows, kind=int):
        self.n_rows, self.kind = n_rows, kind

    def __len__(self):
        return self.n_rows

    def __iter__(self):
        for _ in range(self.n_rows):
            yield self.kind(torch.randint(60, ()))


ITERATORS = {
    "in order": {"shuffle": False},
    "shuffled": {"shuffle": True},
    "drop_last": {"shuffle": True, "drop_last": True},
    "with replacement": {"sampler": RandomSampler(range(60), True, num_samples=50)},
    "weighted": {"sampler": WeightedRandomSampler(np.arange(60.0), 40)},
    "rows of a subset": {"sampler": SubsetRandomSampler(range(0, 60, 2))},
    "drawn row by row": {"sampler": Drawing(40)},
    "rows of NumPy": {"sampler": Drawing(40, np.int64)},
    "negative rows": {"sampler": range(-1, -41, -1)},
    "own batches": {
        "batch_sampler": [[3, 1], [59, 3, 3]],
        "batch_size": 1,
    },
    "shuffled batches": {
        "batch_sampler": BatchSampler(RandomSampler(range(60)), 7, drop_last=True),
        "batch_size": 1,
    },
    "own collation": {"shuffle": True, "collate_fn": lambda rows: rows},
}


def assert_as_by_the_loader(net, X, y, training):
    """The same bits, and the generator stands where the loader leaves it."""
    net = initialised(net)
    dataset = net.get_dataset(X, y)
    with seeded(3):
        expected = list(net.get_iterator(dataset, training=training))
        after = torch.rand(())
    with seeded(3):
        given = list(batches(net, dataset, training=training))
        assert torch.rand(()) == after
    assert len(expected) > 1
    torch.testing.assert_close(given, expected, rtol=0, atol=0)


@pytest.mark.parametrize("convert", [lambda X, y: (X, y), as_tensors])
@pytest.mark.parametrize("settings", ITERATORS.values(), ids=ITERATORS)
def test_batches_equal_those_of_the_loader(blobs, settings, convert):
    settings = {f"iterator_train__{name}": value for name, value in settings.items()}
    X, y = convert(*blobs)
    assert_as_by_the_loader(classifier(**settings), X, y, training=True)
    assert_as_by_the_loader(classifier(**settings), X, y, training=False)


@pytest.mark.parametrize("own_sampler", [False, True])
def test_generators_of_the_user_s_own_are_drawn_from_as_by_the_loader(
    blobs, own_sampler
):
    """One generator for the loader and its sampler, over two passes."""
    generator = torch.Generator()
    settings = {"iterator_train__generator": generator}
    if own_sampler:
        sampler = RandomSampler(range(60), generator=generator)
        net = initialised(classifier(iterator_train__sampler=sampler, **settings))
    else:
        net = initialised(classifier(iterator_train__shuffle=True, **settings))
    dataset = net.get_dataset(*blobs)
    passes = []
    for read in (
        lambda: list(net.get_iterator(dataset, training=True)),
        lambda: list(batches(net, dataset, training=True)),
    ):
        generator.manual_seed(5)
        with seeded(3):
            given = read(), read(), torch.rand(())
        passes.append((*given, generator.get_state()))
    torch.testing.assert_close(passes[0], passes[1], rtol=0, atol=0)


@pytest.mark.parametrize("settings", ITERATORS.values(), ids=ITERATORS)
def test_draws_between_batches_are_those_between_the_loader_s(blobs, settings):
    """As dropout draws; a pass that is broken off has drawn as much, too."""
    settings = {f"iterator_train__{name}": value for name, value in settings.items()}
    net = initialised(classifier(**settings))
    dataset = net.get_dataset(*blobs)
    drawn = []
    for given in (
        net.get_iterator(dataset, training=True),
        batches(net, dataset, training=True),
    ):
        with seeded(3):
            pairs = zip(given, "ab", strict=False)
            drawn.append([(batch, torch.rand(())) for batch, _ in pairs])
    torch.testing.assert_close(drawn[0], drawn[1], rtol=0, atol=0)


SLICED = {name: ITERATORS[name] for name in ITERATORS if name != "own collation"}


@pytest.mark.parametrize("settings", SLICED.values(), ids=SLICED)
def test_endless_rows_are_those_of_the_loader(blobs, settings):
    settings = {f"iterator_train__{name}": value for name, value in settings.items()}
    net = initialised(classifier(**settings))
    dataset = net.get_dataset(np.arange(60.0), blobs[1])
    loader = net.get_iterator(dataset, training=True)
    assert can_slice(loader, dataset)
    with seeded(3):
        expected = [batch[0] for _ in range(2) for batch in loader]
        after = torch.rand(())
    with seeded(3):
        endless = endless_rows(net, dataset)
        given = [next(endless) % 60 for _ in expected]
        assert torch.rand(()) == after
    assert list(map(list, given)) == [rows.tolist() for rows in expected]


@pytest.mark.parametrize(
    "convert",
    [
        lambda X: {"first": X, "second": X},
        lambda X: (X, X),
        lambda X: X.astype(np.float32),
        np.asfortranarray,
    ],
    ids=["dict", "tuple", "float32", "in columns"],
)
@pytest.mark.parametrize("y", [None, np.arange(60)])
def test_batches_of_samples_of_all_kinds_equal_those_of_the_loader(blobs, convert, y):
    net = plain_net(iterator_train__shuffle=True)
    assert_as_by_the_loader(net, convert(blobs[0]), y, training=True)
    assert_as_by_the_loader(net, convert(blobs[0]), y, training=False)


def test_a_dataset_of_the_loader_s_own_is_read_by_it(blobs):
    net = Wrapping(MLP, criterion=nn.CrossEntropyLoss, batch_size=16, verbose=0)
    assert_as_by_the_loader(net, *blobs, training=True)


@pytest.mark.parametrize("settings", [{"shuffle": True}, {"shuffle": False}])
def test_losses_equal_those_of_the_loader_bit_for_bit(blobs, settings, monkeypatch):
    """A whole training and the losses after it, with and without whole batches."""
    tuning = FineTuning(n_steps=9, lr=0.1, momentum=0.9, schedule="cosine")
    settings = {f"iterator_train__{name}": value for name, value in settings.items()}
    trained = train(classifier(**settings), *blobs, 0)
    fast = grow_one(trained, *blobs, None, None, tuning, seed=1)
    monkeypatch.setattr(_batches, "can_slice", lambda loader, dataset: False)
    slow = grow_one(trained, *blobs, None, None, tuning, seed=1)
    np.testing.assert_array_equal(fast.losses, slow.losses)
    np.testing.assert_array_equal(fast.outputs, slow.outputs)


def test_batches_run_on_across_epochs(blobs):
    X, y = blobs
    net = initialised(classifier())
    endless = endless_batches(net, X, y)
    rows = [len(unpack_data(next(endless))[0]) for _ in range(9)]
    assert rows == [16, 16, 16, 12] * 2 + [16]


def test_batch_norm_never_gets_a_batch_of_one_row(blobs):
    X, y = blobs
    net = initialised(classifier(module__batch_norm=True, batch_size=59))
    endless = endless_batches(net, X, y)
    assert [len(next(endless)[0]) for _ in range(3)] == [59, 59, 59]


class Locked(MLP):
    """Cannot be copied."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


def test_a_net_that_cannot_be_copied_gets_batches_of_one_row(blobs):
    net = initialised(classifier(Locked, batch_size=59))
    endless = endless_batches(net, *blobs)
    assert [len(next(endless)[0]) for _ in range(4)] == [59, 1, 59, 1]


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        (torch.tensor([7]), True),
        (torch.tensor([[7, 8]]), True),
        (torch.tensor([7, 8]), False),
        ({"a": torch.tensor([7]), "b": torch.tensor([8])}, True),
        ({"a": torch.tensor([7]), "b": torch.tensor([8, 9])}, False),
        (torch.tensor(7), False),
    ],
)
def test_targets_tell_whether_a_batch_is_a_single_row(y, expected):
    assert is_single((torch.zeros(3), y)) is expected


def test_no_batch_at_all_is_an_error_not_an_endless_loop(blobs):
    X, y = blobs
    net = initialised(classifier(batch_size=61, iterator_train__drop_last=True))
    with pytest.raises(ValueError, match="drop_last"):
        next(endless_batches(net, X, y))


def test_targets_of_a_dataset_are_read_in_order(blobs):
    X, y = blobs
    net = initialised(classifier())
    np.testing.assert_array_equal(targets_of(net, PairDataset(X, y)), y)
