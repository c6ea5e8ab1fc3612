"""A net that trains alone trains on the parts of ours, whatever its loader is."""

import warnings
from collections import deque
from functools import partial

import numpy as np
import pytest
import torch
from all_estimators import cheap
from numpy.testing import assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, Checkpoint, TrainEndCheckpoint
from skorch.dataset import ValidSplit
from tiny import PairDataset, flip_every, learner, make_blobs
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    Sampler,
    SequentialSampler,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from skgex import GEXDetector, GEXPruner
from skgex._nets.early_stopping import stop_given_net
from skgex._nets.parts import bound, loading
from skgex._nets.training import make_trial, train
from skgex.hardness import AUM, EL2N, ConfidentLearning, OutOfFold
from skgex.influence import GEX, LeaveOneOut

N_ROWS = 82  # halves of 41 rows
X, clean = make_blobs(N_ROWS, spread=0.3)
X = X.astype(np.float32)
y, noise = flip_every(clean, 9)
HALF = np.arange(0, N_ROWS, 2)

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


def finds_noise(net, **params):
    detector = GEXDetector(net, n_members=8, random_state=0, **params).fit(X, y)
    # By chance it is .12; some of these nets are stopped after few epochs.
    return average_precision_score(noise, detector.scores_) > 0.5


# Single rows


class Squeezing(nn.Module):
    """Fails for a single row, whose logits it squeezes flat."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))

    def forward(self, X):
        """Return logits."""
        return self.layers(X).squeeze()


class Ghost(nn.Module):
    """Normalises by batch, without being one of torch's layers."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))

    def forward(self, X):
        """Return logits of rows that are centred in training."""
        if self.training:
            if len(X) < 2:
                raise ValueError("more than one row is needed")
            X = X - X.mean(dim=0) * 1e-3
        return self.layers(X)


class OwnLoader(DataLoader):
    """An iterator of the user's own."""


def two_at_a_time(dataset, batch_size, **kwargs):
    """An iterator that is no class."""
    return DataLoader(dataset, batch_size=batch_size // 2, **kwargs)


class Stream:
    """A loader that does not say how many batches it has."""

    def __init__(self, dataset, **kwargs):
        self.loader = DataLoader(dataset, **kwargs)

    def __iter__(self):
        return iter(self.loader)


class Halving(NeuralNetClassifier):
    """Accumulates gradients over two batches."""

    def train_step(self, batch, **fit_params):
        """Take every second step."""
        step = self.train_step_single(batch, **fit_params)
        if len(self.history[-1, "batches"]) % 2 == 0:
            self.optimizer_.step()
            self.optimizer_.zero_grad()
        return step


SETTINGS = {
    "batches": {"batch_size": 8},
    "whole": {"batch_size": 40},
    "shuffled": {"batch_size": 8, "iterator_train__shuffle": True},
    "own class": {"batch_size": 8, "iterator_train": OwnLoader},
    "function": {"batch_size": 16, "iterator_train": two_at_a_time},
    "train batches": {"iterator_train__batch_size": 8},
    "no length": {"batch_size": 8, "iterator_train": Stream},
}
each_setting = pytest.mark.parametrize(
    "settings", SETTINGS.values(), ids=list(SETTINGS)
)


def norm_net(**settings):
    return learner(module__batch_norm=True, **settings)


@pytest.mark.slow
@each_setting
def test_batch_norm_trains_on_a_part_that_leaves_one_row(settings):
    """41 rows in batches of 8 or 40."""
    net = norm_net(**settings)
    assert train(net, X, y, 0).history  # it trains alone
    assert len(make_trial(net, X, y, None, 0).seen) % 8 == 1
    assert finds_noise(net)


@pytest.mark.parametrize("module", [Squeezing, Ghost])
@each_setting
def test_so_does_whatever_else_takes_no_single_row(module, settings):
    net = NeuralNetClassifier(
        module,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.02,
        max_epochs=10,
        train_split=None,
        verbose=0,
        **settings,
    )
    make_trial(net, X, y, None, 0)


@pytest.mark.parametrize(
    ("cls", "n_rows"), [(OutOfFold, 61), (ConfidentLearning, 61), (AUM, 41)]
)
def test_folds_may_leave_one_row(cls, n_rows):
    """49 of 61 rows, or 41, in batches of 8."""
    scores = cheap(cls, norm_net(batch_size=8)).fit(X[:n_rows], y[:n_rows]).scores_
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("warm_start", [False, True])
def test_a_row_left_out_may_leave_one_row(warm_start):
    loo = LeaveOneOut(norm_net(batch_size=8), warm_start=warm_start, random_state=0)
    assert len(loo.fit(X[:10], clean[:10]).ensemble_.members) == 10


class OwnIterator(NeuralNetClassifier):
    """Makes its loaders by itself."""

    def get_iterator(self, dataset, training=False):
        """Return one with batches of 8 rows."""
        return DataLoader(dataset, batch_size=8, shuffle=training)


def test_a_net_that_makes_its_loaders_trains_as_well():
    net = OwnIterator(
        Ghost,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.02,
        max_epochs=15,
        train_split=None,
        verbose=0,
    )
    assert finds_noise(net)


class Scaled(NeuralNetClassifier):
    """Reads what it needs to know from its loader."""

    def get_iterator(self, dataset, training=False):
        """Note how many steps there are, and of how many rows."""
        loader = super().get_iterator(dataset, training=training)
        if training:
            self.seen_ = loader.batch_size, len(loader)
        return loader


def test_a_loader_that_leaves_out_single_rows_is_read_as_before():
    params = norm_net(batch_size=8, max_epochs=1).get_params(deep=False)
    trial = make_trial(Scaled(**params), X, y, None, 0)
    net = trial.trained.net
    with loading(net, X, y, HALF) as (part, _):
        net.initialize().get_iterator(net.get_dataset(part, y[HALF]), training=True)
    assert net.seen_ == (8, 6)


def test_batches_of_one_row_are_refused_where_none_can_be_trained_on():
    with pytest.raises(ValueError, match="batch_size of at least 2"):
        AUM(norm_net(batch_size=1)).fit(X, y)
    assert np.isfinite(AUM(learner(batch_size=1, max_epochs=1)).fit(X, y).scores_).all()


def test_accumulated_gradients_leave_one_row():
    net = Halving(
        Ghost,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=0.02,
        max_epochs=15,
        batch_size=8,
        train_split=None,
        verbose=0,
    )
    assert finds_noise(net)


def test_a_frozen_net_and_its_members_leave_one_row():
    net = norm_net(batch_size=8).fit(X, y)
    assert finds_noise(FrozenEstimator(net))
    dataset = PairDataset(X, y)
    assert GEX(norm_net(batch_size=8), n_members=2).fit(dataset).lr_ > 0


class Batches(Callback):
    """Notes how many rows each batch of a training has."""

    sizes: list = []  # noqa: RUF012

    def on_batch_end(self, net, batch, training, **kwargs):
        """Count."""
        if training:
            Batches.sizes.append(len(batch[1]))


@pytest.mark.parametrize("norm", [False, True])
def test_a_single_row_is_only_left_out_where_it_must_be(monkeypatch, norm):
    monkeypatch.setattr(Batches, "sizes", [])
    net = learner(
        module__batch_norm=norm, batch_size=8, max_epochs=1, callbacks=[Batches]
    )
    train(net, X, y, 0, HALF)
    assert Batches.sizes == [8] * 5 + [1] * (not norm)


def test_the_loader_is_as_before_afterwards():
    trial = make_trial(norm_net(batch_size=8), X, y, None, 0)
    assert trial.trained.net.iterator_train is DataLoader


# Batches that are larger than the part


@pytest.mark.parametrize("batch_size", [42, 64, 82])
def test_a_batch_larger_than_the_part_is_not_dropped(batch_size):
    net = learner(batch_size=batch_size, iterator_train__drop_last=True, max_epochs=40)
    assert finds_noise(net)
    assert make_trial(net, X, y, None, 0).trained.net.iterator_train__drop_last


def test_nor_is_one_that_is_larger_than_what_is_left_for_training():
    net = learner(
        batch_size=32,
        iterator_train__drop_last=True,
        train_split=ValidSplit(2),
        max_epochs=2,
    )
    assert [epoch["train_batch_count"] for epoch in train(net, X, y, 0).history] == [
        1
    ] * 2
    half = train(net, X, y, 0, HALF)
    assert [epoch["train_batch_count"] for epoch in half.history] == [1] * 2


def test_members_of_few_rows_have_a_batch():
    net = learner(batch_size=64, iterator_train__drop_last=True, max_epochs=40)
    assert GEXPruner(net, n_members=4, random_state=0, lr=0.1).fit(X, y)


def test_no_batch_at_all_is_refused_before_training():
    net = learner(batch_size=128, iterator_train__drop_last=True)
    with pytest.raises(ValueError, match="no batch of 82 rows; lower its batch_size"):
        AUM(net).fit(X, y)


# Samplers

WEIGHTS = 1 + np.arange(N_ROWS) % 3
SAMPLERS = {
    "weighted": WeightedRandomSampler(WEIGHTS, N_ROWS),
    "weighted without replacement": WeightedRandomSampler(WEIGHTS, 60, False),
    "subset": SubsetRandomSampler(range(70)),
    "random": RandomSampler(range(N_ROWS)),
    "with replacement": RandomSampler(range(N_ROWS), True, 120),
    "in order": SequentialSampler(range(N_ROWS)),
}


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=list(SAMPLERS))
def test_a_sampler_is_bound_to_the_part(sampler):
    net = learner(iterator_train__sampler=sampler)
    with bound(net, HALF, N_ROWS):
        part = net.iterator_train__sampler
        assert type(part) is type(sampler)
        drawn = list(part)
        assert set(drawn) <= set(range(len(HALF)))
        assert len(drawn) == round(len(sampler) / 2)
    assert net.iterator_train__sampler is sampler
    assert finds_noise(net)


def test_a_sampler_of_batches_is_bound_with_its_size():
    batches = BatchSampler(RandomSampler(range(N_ROWS)), 8, drop_last=True)
    settings = {"iterator_train__batch_sampler": batches, "batch_size": 1}
    net = learner(**settings)
    with bound(net, HALF, N_ROWS):
        drawn = list(net.iterator_train__batch_sampler)
    assert [len(rows) for rows in drawn] == [8] * 5
    assert {row for rows in drawn for row in rows} <= set(range(len(HALF)))
    assert net.iterator_train__batch_sampler is batches


def test_each_row_keeps_its_weight():
    weights = np.zeros(N_ROWS)
    weights[[4, 10]] = 1  # rows 2 and 5 of the half
    net = learner(iterator_train__sampler=WeightedRandomSampler(weights, N_ROWS))
    with bound(net, HALF, N_ROWS):
        assert set(net.iterator_train__sampler) == {2, 5}


def test_a_subset_stays_that_subset():
    net = learner(iterator_train__sampler=SubsetRandomSampler([3, 4, 10, 11]))
    with bound(net, HALF, N_ROWS):
        assert sorted(net.iterator_train__sampler) == [2, 5]


def test_a_subset_of_other_rows_is_refused():
    net = learner(iterator_train__sampler=SubsetRandomSampler([3, 11]))
    with pytest.raises(ValueError, match="draws none of the rows of a part"):
        train(net, X, y, 0, HALF)


class OwnSampler(Sampler):
    """A sampler that is bound to its dataset in a way of its own."""

    def __init__(self, n_rows):
        self.n_rows = n_rows

    def __len__(self):
        return self.n_rows

    def __iter__(self):
        return iter(torch.randperm(self.n_rows).tolist())


BOUND = {
    "own": {"iterator_train__sampler": OwnSampler(N_ROWS)},
    "list": {"iterator_train__sampler": list(range(N_ROWS))},
    "batches": {
        "iterator_train__batch_sampler": BatchSampler(OwnSampler(N_ROWS), 8, False),
        "iterator_train__batch_size": 1,
    },
}


@pytest.mark.parametrize("settings", BOUND.values(), ids=list(BOUND))
@pytest.mark.parametrize(
    "estimator",
    [
        GEXDetector(),
        GEX(lr="auto"),
        OutOfFold(),
        LeaveOneOut(),
        LeaveOneOut(warm_start=True),
    ],
    ids=lambda e: type(e).__name__,
)
def test_a_sampler_that_cannot_be_bound_is_refused_before_training(
    estimator, settings, monkeypatch
):
    for name in ("fit", "partial_fit"):
        monkeypatch.setattr(
            NeuralNetClassifier, name, lambda *_, **__: pytest.fail("it was trained")
        )
    (parameter, *_) = settings
    with pytest.raises(ValueError, match=f"net: {parameter} holds a .* all rows"):
        estimator.set_params(net=learner(**settings)).fit(X, y)


def test_it_works_where_all_rows_are_trained_on():
    net = learner(**BOUND["own"])
    assert np.isfinite(AUM(net, random_state=0).fit(X, y).scores_).all()
    assert GEX(net, n_members=2, lr=0.1, random_state=0).fit(X, y).lr_ == 0.1


def test_weights_of_other_rows_are_refused():
    net = learner(iterator_train__sampler=WeightedRandomSampler(np.ones(9), 9))
    with pytest.raises(ValueError, match="iterator_train__sampler has 9 weights"):
        OutOfFold(net).fit(X, y)


# The validation iterator


@pytest.mark.parametrize(
    "settings",
    [
        {"iterator_valid__drop_last": True},
        {"iterator_valid__drop_last": True, "iterator_valid__batch_size": 500},
        {"iterator_valid__shuffle": True},
        {"iterator_valid__sampler": RandomSampler(range(N_ROWS))},
        {"iterator_valid__batch_size": 1},
    ],
    ids=lambda settings: ", ".join(settings),
)
def test_validation_gives_each_row_once_whatever_its_settings(settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # skorch advises against it
        one = cheap(GEXDetector, learner(**settings)).fit(X, y)
    other = cheap(GEXDetector, learner()).fit(X, y)
    np.testing.assert_allclose(one.scores_, other.scores_, rtol=1e-3, atol=1e-5)


class Nothing(DataLoader):
    """A loader that has no batch."""

    def __iter__(self):
        return iter([])


def test_a_validation_iterator_without_batches_is_refused():
    with pytest.raises(ValueError, match="validation iterator gives no batch of 2"):
        GEXDetector(learner(iterator_valid=Nothing)).fit(X, y)


# train_split


def first_rows(dataset, y=None, *, n_rows):
    """Split by row numbers, which are those of all rows."""
    rows = np.arange(n_rows)
    return Subset(dataset, rows[:-8].tolist()), Subset(dataset, rows[-8:].tolist())


def test_a_split_of_any_rows_works():
    assert finds_noise(learner(train_split=ValidSplit(5), max_epochs=20))


def test_a_split_of_all_rows_is_refused():
    net = learner(train_split=partial(first_rows, n_rows=N_ROWS))
    assert train(net, X, y, 0).history  # alone it works
    with pytest.raises(ValueError, match="train_split cannot split a part of 41 rows"):
        GEXDetector(net).fit(X, y)


# Subsets, whose indices torch takes as any sequence

INDICES = {
    "range": range(10, 46),
    "list": list(range(10, 46)),
    "array": np.arange(10, 46),
    "tensor": torch.arange(10, 46),
    "tuple": tuple(range(10, 46)),
    "deque": deque(range(10, 46)),
}


@pytest.mark.parametrize("kind", INDICES)
@pytest.mark.parametrize("cls", [GEXDetector, EL2N, AUM])
def test_a_subset_is_as_good_as_its_rows(cls, kind):
    dataset = TensorDataset(torch.tensor(X), torch.tensor(y))
    subset = Subset(Subset(dataset, range(N_ROWS)), INDICES[kind])
    rows = TensorDataset(*dataset[INDICES["list"]])
    found, expected = (
        cheap(cls, learner()).fit(data).scores_ for data in (subset, rows)
    )
    assert_array_equal(found, expected)
    assert subset.indices is INDICES[kind]


# Files


@pytest.mark.parametrize("callback", [Checkpoint, TrainEndCheckpoint])
@pytest.mark.parametrize("watched", [False, True])
def test_trials_write_no_checkpoints_of_the_users(tmp_path, callback, watched):
    folder = tmp_path / "files"
    settings = {"monitor": None} if callback is Checkpoint else {}
    net = learner(callbacks=[callback(dirname=str(folder), **settings)], max_epochs=2)
    if watched:
        stop_given_net(net, X, y, y, 0)
    else:
        make_trial(net, X, y, y, 0)
    assert not list(folder.glob("*"))
    train(net, X, y, 0)
    assert list(folder.glob("*params.pt"))


def test_to_look_at_the_loader_draws_nothing():
    net = learner(module__dropout=0.5, iterator_train=OwnLoader)
    torch.manual_seed(3)
    with loading(net, X, y, None) as part:
        assert part[0] is X
    drawn = torch.rand(3)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(3))
