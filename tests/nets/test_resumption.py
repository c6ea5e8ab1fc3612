"""A training that was interrupted ends as one that was not, bit for bit.

The interrupt comes at a call of the module. How many calls the second training makes
shows which epochs it repeats.
"""

import copy
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from joblib import Memory
from skorch import NeuralNetClassifier
from skorch.callbacks import (
    Callback,
    Checkpoint,
    EarlyStopping,
    EpochScoring,
    Freezer,
    LRScheduler,
    ProgressBar,
)
from skorch.dataset import ValidSplit
from tiny import MLP, PairDataset, classifier, flip_every, make_blobs
from torch import nn
from torch.utils.data import DataLoader, WeightedRandomSampler
from watching import Notes

from skgex._data.records import take
from skgex._nets import default_net, training_state
from skgex._nets.early_stopping import stop_given_net
from skgex._nets.net_choice import choose_default_net
from skgex._nets.snapshot import snapshot
from skgex._nets.training import make_trial, train
from skgex._nets.trajectory import train_with_trajectory
from skgex._utils import unfinished
from skgex._utils.progress import listening
from skgex._utils.unfinished import Place, working_at
from skgex.hardness import TrainingLoss
from skgex.hardness._hardness import train_and_predict
from skgex.influence._leave_one_out import train_without

X, clean = make_blobs(40)
y = flip_every(clean, 8)[0]
N_EPOCHS = 6

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


class Interruptible:
    """Mixed into a module: it is interrupted at one of its calls in training mode."""

    n_calls, last = 0, None

    def forward(self, X):
        """Return logits, or raise."""
        Interruptible.n_calls += self.training
        if self.training and Interruptible.n_calls == Interruptible.last:
            raise KeyboardInterrupt
        return super().forward(X)


class Net(Interruptible, MLP):
    """The tiny MLP."""


class Recurrent(nn.Module):
    """An LSTM over the features."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 4, num_layers=2, dropout=0.2, batch_first=True)
        self.output = nn.Linear(4, 3)
        self.double()

    def forward(self, X):
        """Return logits."""
        return self.output(self.lstm(X[:, :, None])[0][:, -1])


class InterruptibleRecurrent(Interruptible, Recurrent):
    """The same."""


class Counting(Interruptible, MLP):
    """Forgets less and less, by an attribute and a buffer that no state dict holds."""

    def __init__(self):
        super().__init__()
        self.n_steps = 0
        self.activation = lambda logits: 2 * logits
        self.register_buffer("mean", torch.zeros(3).double(), persistent=False)

    def forward(self, X):
        """Return logits."""
        logits = self.activation(super().forward(X))
        if self.training:
            self.n_steps += 1
            self.mean = 0.9 * self.mean + 0.1 * logits.detach().mean(dim=0)
        return logits / (1 + self.n_steps) + self.mean


class Scaled(nn.Module):
    """A criterion with a parameter."""

    def __init__(self):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, logits, y):
        """Return the mean loss in nats."""
        return nn.functional.cross_entropy(logits * self.log_scale.exp(), y)


class Augmented(PairDataset):
    """Adds noise by the global generators."""

    def __getitem__(self, i):
        noise = np.random.randn() + random.gauss(0, 1) + torch.randn(()).item()
        return self.X[i] + 0.01 * noise, self.y[i]


class OwnRandom(PairDataset):
    """Adds noise by a generator of its own, which no one else knows."""

    def __init__(self, X, y):
        super().__init__(X, y)
        self.random = np.random.RandomState(0)

    def __getitem__(self, i):
        return self.X[i] + 0.01 * self.random.randn(), self.y[i]


class LockedData(PairDataset):
    """Can be copied, but not pickled."""

    def __init__(self, X, y):
        super().__init__(X, y)
        self.lock = threading.Lock()

    def __deepcopy__(self, memo):
        return LockedData(self.X, self.y)


class Decay(Callback):
    """Shrinks the weights by a factor that it draws and remembers, but not at first."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Wait."""
        self.waits_ = True

    def on_epoch_end(self, net, **kwargs):
        """Shrink, by less each time."""
        if hasattr(self, "waits_"):
            del self.waits_
            return
        self.factor_ = 0.5 * getattr(self, "factor_", 1.0) * (1 + torch.rand(()).item())
        with torch.no_grad():
            net.module_.output.weight.mul_(1 - 0.1 * self.factor_)


class Less(Callback):
    """Switches dropout off for good after two epochs."""

    def on_epoch_end(self, net, **kwargs):
        """Change an attribute of one of torch's own modules."""
        if len(net.history) == 2:
            net.module_.dropout.p = 0.1


class Accumulating(NeuralNetClassifier):
    """Steps at every second batch, across the ends of epochs."""

    def initialize(self):
        """Begin to count."""
        super().initialize()
        self.n_batches_ = 0
        return self

    def train_step(self, batch, **fit_params):
        """Add to the gradients; step sometimes."""
        step = self.train_step_single(batch, **fit_params)
        self.n_batches_ += 1
        if self.n_batches_ % 2 == 0:
            self.optimizer_.step()
            self.optimizer_.zero_grad()
        return step


class Slow(torch.optim.SGD):
    """Its steps shrink by what it counts itself."""

    def __init__(self, params, lr):
        super().__init__(params, lr=lr)
        self.n_steps = 0

    def step(self, closure=None):
        """Step by less and less."""
        self.n_steps += 1
        for group in self.param_groups:
            group["lr"] = 0.1 / self.n_steps
        return super().step(closure)


def net_of(module=Net, **kwargs):
    return classifier(module, **{"max_epochs": N_EPOCHS, **kwargs})


def accumulating():
    params = net_of().get_params(deep=False)
    kept = ("criterion", "batch_size", "lr", "max_epochs", "train_split", "verbose")
    return Accumulating(Net, **{name: params[name] for name in kept})


def drawing():
    return torch.Generator().manual_seed(5)


def schedule(*args, **kwargs):
    return net_of(
        callbacks=[LRScheduler(*args, **kwargs)], optimizer__momentum=0.9, lr=0.1
    )


NETS = {
    "plain": net_of(),
    "shuffled": net_of(iterator_train__shuffle=True),
    "dropout": net_of(module__dropout=0.3),
    "batch norm": net_of(module__batch_norm=True, batch_size=13),  # one row is left
    "adam": net_of(optimizer=torch.optim.Adam),
    "amsgrad": net_of(optimizer=torch.optim.Adam, optimizer__amsgrad=True),
    "lbfgs": net_of(optimizer=torch.optim.LBFGS, optimizer__max_iter=2),
    "own optimizer": net_of(optimizer=Slow),
    "groups": net_of(optimizer__param_groups=[("hidden*", {"lr": 0.2})]),
    "by epoch": schedule("StepLR", step_size=2),
    "by batch": schedule("CosineAnnealingLR", T_max=15, step_every="batch"),
    "one cycle": schedule(
        torch.optim.lr_scheduler.OneCycleLR, max_lr=0.3, total_steps=9
    ),
    "cyclic": schedule(
        "CyclicLR", base_lr=0.01, max_lr=0.2, step_size_up=4, step_every="batch"
    ),
    "plateau": schedule("ReduceLROnPlateau", patience=0, threshold=0.3),
    "restarts": schedule("WarmRestartLR", base_period=2),
    "early stopping": net_of(
        train_split=ValidSplit(3, random_state=None, stratified=False),
        callbacks=[EarlyStopping(patience=3, load_best=True, threshold=0.5)],
        max_epochs=9,
    ),
    "scores": net_of(
        train_split=ValidSplit(3),
        callbacks=[EpochScoring("accuracy", lower_is_better=False), ProgressBar()],
    ),
    "checkpoint": net_of(callbacks=[Checkpoint(monitor="train_loss_best")]),
    "freezer": net_of(callbacks=[Freezer("hidden*", at=3)]),
    "criterion": net_of(criterion=Scaled),
    "generator": net_of(
        iterator_train__shuffle=True, iterator_train__generator=drawing()
    ),
    "sampler": net_of(
        iterator_train__sampler=WeightedRandomSampler(
            np.linspace(1, 2, 40), 40, generator=drawing()
        )
    ),
    "recurrent": net_of(InterruptibleRecurrent),
    "hidden state": net_of(Counting),
    "instance": net_of(Net(dropout=0.2)),
    "callback": net_of(callbacks=[Decay()], module__dropout=0.2),
    "less dropout": net_of(callbacks=[Less()], module__dropout=0.5),
    "accumulating": accumulating(),
}


@pytest.fixture(autouse=True)
def often(tmp_path, monkeypatch):
    """Keep the state after every epoch."""
    monkeypatch.setattr(unfinished, "INTERVAL", 0.0)
    monkeypatch.setattr(unfinished, "PATIENCE", 0)
    monkeypatch.setattr(Interruptible, "last", None)
    monkeypatch.chdir(tmp_path)  # for callbacks that write files


def begin(function, *args):
    """Call a function as ``memory`` does, in a process of its own."""
    with working_at(Place(os.path.abspath("drafts"), lambda: "one")):
        return function(*copy.deepcopy(args))


def drafts():
    return [name for _, _, names in os.walk("drafts") for name in names]


def count(monkeypatch, make, last=None):
    """Return what is made, and by how many calls; None if it is interrupted."""
    monkeypatch.setattr(Interruptible, "last", last)
    monkeypatch.setattr(Interruptible, "n_calls", 0)
    try:
        made = make()
    except KeyboardInterrupt:
        made = None
    assert (made is None) == (last is not None)
    return made, Interruptible.n_calls


def again(monkeypatch, function, args, share):
    """Return what an undisturbed and an interrupted call make, and the calls."""
    expected, n_calls = count(monkeypatch, lambda: function(*copy.deepcopy(args)))
    count(monkeypatch, lambda: begin(function, *args), int(share * n_calls))
    found, n_again = count(monkeypatch, lambda: begin(function, *args))
    return expected, found, n_calls, n_again


def plain(value):
    """What is comparable of a value, to the bit; times are not."""
    if isinstance(value, dict):
        return [(key, plain(each)) for key, each in value.items() if key != "dur"]
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return repr(value)


@pytest.mark.parametrize("name", NETS)
def test_it_ends_as_if_nothing_had_happened(monkeypatch, name):
    call = (NETS[name], X, y, 7)
    expected, found, n_calls, n_again = again(monkeypatch, train, call, 0.7)
    assert plain(found[1:]) == plain(expected[1:])
    assert len(found.history) == len(expected.history) >= 3
    # An epoch that has ended is not repeated.
    per_epoch, n_before = divmod(n_calls, len(expected.history))
    n_done = (int(0.7 * n_calls) - 1 - n_before) // per_epoch
    assert n_done >= 1
    assert n_again == n_calls - n_done * per_epoch


def test_several_interrupts_cost_an_epoch_each(monkeypatch):
    call = (train, NETS["dropout"], X, y, 0)
    expected, n_calls = count(monkeypatch, lambda: train(*call[1:]))
    total = 0
    for _ in range(4):  # in the second batch of the second epoch each time
        total += count(monkeypatch, lambda: begin(*call), 5)[1]
    found, n_last = count(monkeypatch, lambda: begin(*call))
    assert plain(found[1:]) == plain(expected[1:])
    assert total + n_last == n_calls + 4 * 2


STARTED = snapshot(net_of(module__batch_norm=True).fit(X, y))
TRAININGS = {
    "trajectory": (train_with_trajectory, (NETS["by epoch"], X, y, 0)),
    "stopped": (stop_given_net, (NETS["dropout"], X, y, y, 0)),
    "trial": (make_trial, (NETS["generator"], X, y, y, 0)),
    "fold": (
        train_and_predict,
        (NETS["checkpoint"], X, y, np.arange(30), np.arange(30, 40), 0),
    ),
    "without": (train_without, (NETS["sampler"], None, X, y, 3, 0)),
    "further": (train_without, (NETS["batch norm"], STARTED, X, y, 3, 0)),
    "dataset": (train, (NETS["dropout"], Augmented(X, y), None, 0)),
    "part of a dataset": (
        train,
        (NETS["plain"], Augmented(X, y), None, 0, np.arange(0, 40, 2)),
    ),
}


def test_so_does_one_that_was_watched_before(monkeypatch):
    call = (train, NETS["dropout"], X, y, 0)
    expected, n_calls = count(monkeypatch, lambda: train(*call[1:]))
    with listening(Notes()):
        count(monkeypatch, lambda: begin(*call), n_calls)
    found, n_again = count(monkeypatch, lambda: begin(*call))
    assert plain(found[1:]) == plain(expected[1:])
    assert n_again == n_calls // N_EPOCHS


@pytest.mark.parametrize("name", TRAININGS)
def test_so_does_every_training(monkeypatch, name):
    found = again(monkeypatch, *TRAININGS[name], 0.8)
    expected, found, n_calls, n_again = found
    assert plain(found) == plain(expected)
    assert n_again < 0.5 * n_calls


def test_so_does_each_default_net(monkeypatch):
    class Watched(Interruptible, default_net.MLP):
        pass

    class WatchedLinear(Interruptible, default_net.Linear):
        pass

    for cls, watched in (("MLP", Watched), ("Linear", WatchedLinear)):
        watched.__module__, watched.__qualname__ = default_net.__name__, cls
        monkeypatch.setattr(default_net, cls, watched)
    monkeypatch.setattr("skgex._nets.early_stopping.MAX_EPOCHS", 8)
    rng = np.random.RandomState(0)
    wide = np.where(rng.rand(40, 60) < 0.05, rng.rand(40, 60), 0).astype(np.float32)
    assert len(default_net.make_default_nets(wide, 3)) == 3
    found = again(monkeypatch, choose_default_net, (wide, y, 3, y, 0), 0.9)
    expected, found, n_calls, n_again = found
    assert plain(found[1:]) == plain(expected[1:])
    assert n_again < 0.3 * n_calls  # the nets before the last are not trained again


# Where it is not exact, nothing is kept


class OwnLoop(NeuralNetClassifier):
    """Trains by a loop of its own."""

    def fit_loop(self, *args, **kwargs):
        """Call skorch's."""
        return super().fit_loop(*args, **kwargs)


class OwnIterator(NeuralNetClassifier):
    """Makes loaders with a generator that nobody else holds."""

    def get_iterator(self, dataset, training=False):
        """Return a loader in a random order."""
        return DataLoader(dataset, 16, shuffle=training, generator=drawing())


class OwnLoader(DataLoader):
    """May have any state."""


class Locked(Callback):
    """Cannot be pickled once a training has begun."""

    def on_train_begin(self, net, X=None, y=None, **kwargs):
        """Make a lock."""
        self.lock_ = threading.Lock()


class LockedNet(Net):
    """Cannot be pickled either."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class Expanded(Net):
    """Has a buffer of which several elements are one, so that none can be written."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.ones(1).double().expand(3))


class Hooked(Callback):
    """Adds a hook in the second epoch."""

    def on_epoch_begin(self, net, **kwargs):
        """Halve a gradient from now on."""
        if len(net.history) == 2:
            net.module_.output.weight.register_hook(lambda grad: grad / 2)


def own(cls):
    return cls(
        Net,
        criterion=nn.CrossEntropyLoss,
        train_split=None,
        batch_size=16,
        max_epochs=N_EPOCHS,
        verbose=0,
    )


BEST = Checkpoint(monitor="train_loss_best", load_best=True)


@pytest.mark.parametrize(
    ("net", "data"),
    [
        (own(OwnLoop), (X, y)),
        (own(OwnIterator), (X, y)),
        (net_of(iterator_train=OwnLoader, iterator_train__shuffle=True), (X, y)),
        (net_of(callbacks=[Locked()]), (X, y)),
        (net_of(LockedNet), (X, y)),
        (net_of(Expanded), (X, y)),
        (net_of(callbacks=[BEST]), (X, y)),
        (
            net_of(
                iterator_train__num_workers=1,
                iterator_train__persistent_workers=True,
                max_epochs=3,
            ),
            (X, y),
        ),
        (net_of(), (OwnRandom(X, y), None)),
        (net_of(), (LockedData(X, y), None)),
    ],
    ids=[
        "loop",
        "iterator",
        "loader",
        "callback",
        "module",
        "buffer",
        "checkpoint",
        "workers",
        "dataset",
        "dataset that cannot be pickled",
    ],
)
def test_what_would_not_be_exact_begins_anew(monkeypatch, net, data):
    call = train, net, *data, 0
    expected, n_calls = count(monkeypatch, lambda: train(*copy.deepcopy(call[1:])))
    count(monkeypatch, lambda: begin(*call), n_calls - 1)
    assert drafts() == []
    found, n_again = count(monkeypatch, lambda: begin(*call))
    assert plain(found[1:]) == plain(expected[1:])
    assert n_again == n_calls


def test_hooks_of_an_epoch_are_not_lost(monkeypatch):
    call = (net_of(callbacks=[Hooked()]), X, y, 0)
    expected, found, n_calls, n_again = again(monkeypatch, train, call, 0.9)
    assert plain(found[1:]) == plain(expected[1:])
    assert n_again == n_calls


def test_a_state_of_another_net_is_left_alone():
    state = training_state.TrainingState(begun(net_of())).capture()
    other = training_state.TrainingState(begun(net_of(module__hidden=9)))
    assert other.read(state) is None
    assert other.read(state[:-20]) is None
    same = training_state.TrainingState(begun(net_of()))
    assert same.read(state) is not None


def begun(net):
    net.initialize().notify("on_train_begin", X=X, y=y)
    return net


# What it costs


def captures(monkeypatch):
    made = []

    def capture(self):
        made.append(self)
        return b""

    monkeypatch.setattr(training_state.TrainingState, "capture", capture)
    return made


@pytest.mark.parametrize(
    ("memory", "interval", "n_kept"),
    [("cache", 0.0, N_EPOCHS + 1), ("cache", 100.0, 0), (None, 0.0, 0)],
)
def test_only_long_trainings_with_memory_keep_anything(
    monkeypatch, memory, interval, n_kept
):
    made = captures(monkeypatch)
    monkeypatch.setattr(unfinished, "INTERVAL", interval)
    TrainingLoss(net_of(), memory=memory and Memory(memory, verbose=0)).fit(X, y)
    assert len(made) == n_kept
    assert not [path for path, _, _ in os.walk(".") if "unfinished" in path]


def test_a_state_holds_no_rows():
    """It would be as large as the data otherwise."""
    big = np.random.RandomState(0).standard_normal((20_000, 4))
    net = net_of(callbacks=[EpochScoring("accuracy", on_train=True)])
    state = training_state.TrainingState(begun(net))
    net.partial_fit(*take(big, np.arange(20_000) % 3, np.arange(1000)), epochs=1)
    assert len(state.capture()) < big.nbytes / 5


def test_a_net_in_training_can_be_pickled():
    whole = Checkpoint(monitor=None, f_pickle="net.pkl", fn_prefix="")
    begin(train, net_of(callbacks=[whole]), X, y, 0)
    with open("net.pkl", "rb") as file:
        net = pickle.load(file)
    assert net.predict(X).shape == y.shape
    assert len(net.history) == N_EPOCHS
    net.partial_fit(X, y, epochs=1)
    assert len(net.history) == N_EPOCHS + 1


# A process that is killed

KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
import test_resumption as here
from skgex._utils import unfinished

unfinished.INTERVAL, unfinished.PATIENCE = 0.0, 0

class Kill(here.Net):
    def forward(self, X):
        if self.training:
            with open("calls", "a") as file:
                file.write("x")
            if len(Path("calls").read_text()) == 50:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(X)

np.save("scores.npy", here.long_training(Kill, "cache").fit(here.X, here.y).scores_)
"""


def long_training(module, memory=None):
    net = net_of(
        module, module__dropout=0.2, max_epochs=20, iterator_train__shuffle=True
    )
    return TrainingLoss(net, memory=memory, random_state=0)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_a_killed_process_loses_an_epoch(monkeypatch, tmp_path):
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}

    def run():
        script = [sys.executable, "-W", "ignore", "-c", KILLED]
        return subprocess.run(script, cwd=tmp_path, env=env, check=False).returncode

    expected, n_calls = count(monkeypatch, lambda: long_training(Net).fit(X, y))
    assert run() == -signal.SIGKILL  # in epoch 17, of 3 calls
    assert run() == 0
    np.testing.assert_array_equal(np.load("scores.npy"), expected.scores_)
    assert len((tmp_path / "calls").read_text()) == 50 + n_calls - 48
