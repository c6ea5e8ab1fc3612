"""Members whose fine-tuning was interrupted go on where they were, bit for bit."""

import random
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from growing import grow
from joblib import Memory
from skorch import NeuralNetClassifier
from tiny import MLP, classifier, make_blobs
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler
from watching import watch

from skgex._data.label_coding import ClassLabels
from skgex._ensemble import growth
from skgex._ensemble.cache import DiskMemberCache, MemberCache
from skgex._ensemble.ensemble import evaluate_trained
from skgex._ensemble.fine_tuning import FineTuning, MemberSGD
from skgex._ensemble.learning_rate import choose_learning_rate
from skgex._nets.training import make_trial, train
from skgex._nets.training_state import TrainingState
from skgex._utils import unfinished
from skgex._utils.memory import check_memory

SEEDS = list(range(18))  # one whole group and a part of one
BLOBS = make_blobs()
CODING = ClassLabels(np.arange(3))
TUNING = FineTuning(9, 0.1, 0.9, "constant")


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Write at each step, as if each took seconds."""
    monkeypatch.setattr(unfinished, "INTERVAL", 0.0)
    monkeypatch.setattr(unfinished, "PATIENCE", 0)
    monkeypatch.setattr(unfinished, "WORTH_KEEPING", 0.0)


class Steps(list):
    """The steps that were taken, and the one at which Ctrl-C is pressed."""

    last = None


@pytest.fixture
def steps(monkeypatch):
    """Watch the steps of either engine, and interrupt them."""
    taken, descend = Steps(), MemberSGD.descend

    def step(self):
        if self.param_groups[0]["lr"] > 0:  # else it is a trial that moves nothing
            if len(taken) == taken.last:
                raise KeyboardInterrupt
            taken.append(self.param_groups[0]["lr"])
        descend(self)

    monkeypatch.setattr(MemberSGD, "descend", step)
    return taken


def cache_in(folder):
    return DiskMemberCache(Memory(folder, verbose=0), "origin")


def interrupted_and_not(folder, steps, trained, X, y, seeds, last, **settings):
    """Grow at once; then interrupted, and again. Return both, and the steps of each."""
    steps.last = None
    expected = grow(trained, X, y, TUNING, seeds, **settings)
    n_steps = len(steps)
    steps.clear()
    steps.last = last
    settings["cache"] = cache_in(folder)
    with pytest.raises(KeyboardInterrupt):
        grow(trained, X, y, TUNING, seeds, **settings)
    steps.last = None
    resumed = grow(trained, X, y, TUNING, seeds, **settings)
    assert len(steps) == n_steps  # none was taken twice
    assert not list(folder.rglob("unfinished"))
    return resumed, expected


def assert_equal(one, other):
    for name in ("reference", "losses", "outputs", "targets", "counted"):
        np.testing.assert_array_equal(getattr(one[1], name), getattr(other[1], name))
    for weights, others in zip(one[0].members, other[0].members, strict=True):
        for name, value in weights["module"].items():
            np.testing.assert_array_equal(value, others["module"][name])


@pytest.mark.parametrize("last", [0, 1, 8, 9, 13])
@pytest.mark.parametrize("settings", [{}, {"max_samples": 0.5}], ids=["all", "half"])
def test_a_group_goes_on(tmp_path, steps, last, settings):
    trained = train(classifier(), *BLOBS, 0)
    assert_equal(
        *interrupted_and_not(tmp_path, steps, trained, *BLOBS, SEEDS, last, **settings)
    )


@pytest.mark.parametrize("n_stored", [1, 7, 15])
def test_a_group_of_which_a_part_is_stored(tmp_path, steps, monkeypatch, n_stored):
    trained = train(classifier(), *BLOBS, 0)
    expected = grow(trained, *BLOBS, TUNING, SEEDS[:16])
    cache, stored = cache_in(tmp_path), []

    def keep(key, value):
        if len(stored) == n_stored:
            raise KeyboardInterrupt
        if key != "reference":
            stored.append(key)
        return DiskMemberCache.keep(cache, key, value)

    monkeypatch.setattr(cache, "keep", keep)
    with pytest.raises(KeyboardInterrupt):
        grow(trained, *BLOBS, TUNING, SEEDS[:16], cache=cache)
    steps.clear()
    cache = cache_in(tmp_path)
    assert_equal(grow(trained, *BLOBS, TUNING, SEEDS[:16], cache=cache), expected)
    assert not steps
    assert not list(tmp_path.rglob("unfinished"))


def test_members_of_unlike_batches_do_not_go_on_from_each_other(tmp_path, monkeypatch):
    """Groups of unlike sizes make parts of unlike sizes, which cannot be stacked."""
    trained, sizes = train(classifier(), *BLOBS, 0), set()
    watch(monkeypatch, growth, "grow_member", lambda g: sizes.add(len(g["plan"].rows)))
    groups = np.sqrt(np.arange(60)).astype(int)  # of 1, 3, 5, ... rows
    settings = {"max_samples": 0.5, "groups": groups}
    expected = grow(trained, *BLOBS, TUNING, SEEDS[:2], **settings)
    assert len(sizes) == 2
    settings["cache"] = cache_in(tmp_path)
    assert_equal(grow(trained, *BLOBS, TUNING, SEEDS[:2], **settings), expected)
    assert not list(tmp_path.rglob("unfinished"))


class Augmented(Dataset):
    """Rows that differ each time they are read, by three or four generators."""

    def __init__(self, X, y, own):
        self.X, self.y = X, y
        self.own = np.random.RandomState(0) if own else np.random

    def __len__(self):
        return len(self.X)

    def __getitem__(self, i):
        noise = torch.randn(1).item() + np.random.randn() + random.gauss(0, 1)
        return self.X[i] + 0.1 * noise + 0.1 * self.own.randn(), self.y[i]


class Counting(MLP):
    """Has a state that is neither a parameter nor a buffer."""

    calls = 0

    def forward(self, X):
        self.calls += self.training
        return super().forward(X) * (1 + self.calls % 5)


class OwnStep(NeuralNetClassifier):
    """Weighs its steps by how many there were, and by its history."""

    n_steps = 0

    def train_step(self, batch, **fit_params):
        self.n_steps += 1
        batches = len(self.history[-1]["batches"])
        self.criterion_.label_smoothing = 0.1 * ((self.n_steps + batches) % 4)
        return super().train_step(batch, **fit_params)


def net_of(kind=NeuralNetClassifier, module=MLP, **kwargs):
    settings = {"train_split": None, "verbose": 0, "batch_size": 16, "max_epochs": 1}
    settings |= {"criterion": nn.CrossEntropyLoss, "iterator_train__shuffle": True}
    return kind(module, **settings | kwargs)


def drawing(sampler):
    """A net whose rows are drawn by a sampler."""
    return net_of(module__dropout=0.3, iterator_train__shuffle=False).set_params(
        iterator_train__sampler=sampler
    )


def local_class():
    """Stand for a class of a notebook, which its workers cannot import."""

    class Local(MLP):
        """An MLP."""

    return Local


WEIGHTED = WeightedRandomSampler(np.linspace(1, 2, 60), 60)
NETS = {
    "dropout": net_of(module__dropout=0.3),
    "batch norm": net_of(module__batch_norm=True, module__dropout=0.3),
    "counting": net_of(module=Counting),
    "own step": net_of(OwnStep, module__dropout=0.3),
    "single rows": net_of(module__dropout=0.3, batch_size=59),
    "weighted": drawing(WEIGHTED),
    "local": net_of(module=local_class(), module__dropout=0.3),
}
ONE_BY_ONE = SEEDS[:3]


@pytest.mark.parametrize("last", [1, 5, 8, 10, 13])
@pytest.mark.parametrize("net", NETS)
def test_single_members_go_on(tmp_path, steps, net, last):
    trained = train(NETS[net], *BLOBS, 0)
    assert_equal(
        *interrupted_and_not(tmp_path, steps, trained, *BLOBS, ONE_BY_ONE, last)
    )


@pytest.mark.parametrize("last", [5, 22])
@pytest.mark.parametrize(
    "settings", [{"chain": True}, {"max_samples": 0.5}], ids=["chain", "half"]
)
def test_in_each_setting(tmp_path, steps, settings, last):
    trained = train(net_of(module__dropout=0.3), *BLOBS, 0)
    seeds = ONE_BY_ONE
    assert_equal(
        *interrupted_and_not(tmp_path, steps, trained, *BLOBS, seeds, last, **settings)
    )


@pytest.mark.parametrize(
    ("last", "own"), [(4, True), (6, True), (6, False), (15, False)]
)
def test_a_dataset_that_draws_goes_on(tmp_path, steps, last, own):
    """In the second of two members, one with a generator of its own would be new."""
    trained = train(net_of(module__dropout=0.3), *BLOBS, 0)
    settings = {"reference": evaluate_trained(trained, *BLOBS)}

    def grown(**cache):
        data = Augmented(*BLOBS, own)  # a new process has a new one
        return grow(trained, data, None, TUNING, SEEDS[:2], **settings, **cache)

    expected = grown()
    steps.clear()
    steps.last = last
    with pytest.raises(KeyboardInterrupt):
        grown(cache=cache_in(tmp_path))
    steps.last = None
    assert_equal(grown(cache=cache_in(tmp_path)), expected)
    assert len(steps) == 2 * TUNING.n_steps


@pytest.mark.parametrize("last", [3, 10])
def test_the_choice_of_the_learning_rate_goes_on(tmp_path, steps, last):
    X, y = BLOBS
    trial = make_trial(net_of(module__dropout=0.3, max_epochs=8), X, y, y, 0)
    given = trial, X, y, y, CODING, FineTuning(6, 0.1, 0.9, "cosine"), 0
    cached = check_memory(Memory(tmp_path, verbose=0)).cache(choose_learning_rate)
    expected = choose_learning_rate(*given)
    n_steps = len(steps)
    assert n_steps > last
    steps.clear()
    steps.last = last
    with pytest.raises(KeyboardInterrupt):
        cached(*given)
    steps.last = None
    resumed = cached(*given)
    assert len(steps) == n_steps
    assert resumed.lr == expected.lr
    np.testing.assert_array_equal(resumed.outputs, expected.outputs)


class OwnLoader(DataLoader):
    """May have any state."""


def test_a_loader_of_the_users_own_begins_anew(tmp_path, steps):
    net = net_of(module__dropout=0.3, iterator_train=OwnLoader)
    trained = train(net, *BLOBS, 0)
    expected = grow(trained, *BLOBS, TUNING, [0])
    steps.clear()
    steps.last = 5
    with pytest.raises(KeyboardInterrupt):
        grow(trained, *BLOBS, TUNING, [0], cache=cache_in(tmp_path))
    assert not list(tmp_path.rglob("unfinished"))
    steps.last = None
    again = grow(trained, *BLOBS, TUNING, [0], cache=cache_in(tmp_path))
    assert_equal(again, expected)
    assert len(steps) == 5 + TUNING.n_steps


def test_a_state_that_cannot_be_read_begins_anew(tmp_path, steps, monkeypatch):
    """The classes of the net may be others by now."""
    trained = train(net_of(module__dropout=0.3), *BLOBS, 0)
    expected = grow(trained, *BLOBS, TUNING, [0])
    steps.clear()
    steps.last = 5
    with pytest.raises(KeyboardInterrupt):
        grow(trained, *BLOBS, TUNING, [0], cache=cache_in(tmp_path))
    assert list(tmp_path.rglob("unfinished"))
    steps.last = None
    monkeypatch.setattr(TrainingState, "read", lambda self, content: None)
    again = grow(trained, *BLOBS, TUNING, [0], cache=cache_in(tmp_path))
    assert_equal(again, expected)
    assert len(steps) == 5 + TUNING.n_steps


FIRST, SECOND = 3, 4


class Waiting(MLP):
    """Fails in the first member, once the second is done in another process."""

    def __init__(self, folder=""):
        super().__init__(dropout=0.1)  # it cannot be stacked
        self.folder = Path(folder)

    def forward(self, X):
        """Take some time in the training of the second."""
        again = (self.folder / "again").exists()
        if self.training and torch.initial_seed() == FIRST and not again:
            for _ in range(600):  # no more than a minute
                if self.second_is_kept():
                    break
                time.sleep(0.1)
            raise RuntimeError("as if it were killed")
        if self.training and torch.initial_seed() == SECOND:
            time.sleep(0.1)
            with open(self.folder / "calls", "a") as file:
                file.write("x")
        return super().forward(X)

    def second_is_kept(self):
        """Return whether a draft was written after the last step of the second."""
        calls = self.folder / "calls"
        if not calls.exists() or calls.stat().st_size < TUNING.n_steps:
            return False
        last = calls.stat().st_mtime_ns
        drafts = self.folder.rglob("unfinished/*/*")
        return any(draft.stat().st_mtime_ns > last for draft in drafts)


@pytest.mark.slow
def test_what_another_worker_has_done_is_kept(tmp_path):
    net = classifier(Waiting, module__folder=str(tmp_path), max_epochs=1)
    trained = train(net, *BLOBS, 5)
    calls = tmp_path / "calls"
    settings = {"cache": cache_in(tmp_path / "joblib"), "n_jobs": 2}
    settings["reference"] = evaluate_trained(trained, *BLOBS)
    seeds = [FIRST, SECOND]
    with pytest.raises(RuntimeError, match="killed"):
        grow(trained, *BLOBS, TUNING, seeds, **settings)
    assert calls.stat().st_size == TUNING.n_steps
    (tmp_path / "again").touch()
    resumed = grow(trained, *BLOBS, TUNING, seeds, **settings)
    assert calls.stat().st_size == TUNING.n_steps
    settings["cache"] = MemberCache()
    assert_equal(resumed, grow(trained, *BLOBS, TUNING, seeds, **settings))
    assert calls.stat().st_size == 2 * TUNING.n_steps
