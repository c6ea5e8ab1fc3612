"""Ctrl-C while a net is trained ends the fit; what skorch's callbacks raise does not.

skorch lets a training end by KeyboardInterrupt and says nothing. An interrupt comes
here in each way: from the keyboard's signal, and raised at a call of the net.
"""

import pickle
import signal

import numpy as np
import pytest
from all_estimators import SLOW, all_estimators, cheap
from joblib import Memory, parallel_config
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, Checkpoint, EarlyStopping
from tiny import AnyWidth, classifier, flip_every, make_blobs
from torch import nn

from skgex import GEXDetector
from skgex._nets.snapshot import snapshot
from skgex._nets.training import make_trial, train, train_further, train_watched
from skgex._nets.trajectory import train_with_trajectory
from skgex.hardness import EL2N
from skgex.influence import LeaveOneOut

X, clean = make_blobs(24)
y = flip_every(clean, 8)[0]

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


class Interruptible(AnyWidth):
    """A module that is interrupted at one of its calls in training mode."""

    n_calls, last = 0, None

    def forward(self, X):
        """Return logits, or raise."""
        Interruptible.n_calls += self.training
        if self.training and Interruptible.n_calls == Interruptible.last:
            raise KeyboardInterrupt
        return super().forward(X)


def quiet(text):
    """Swallow what callbacks print."""


def interrupt_at(monkeypatch, call):
    monkeypatch.setattr(Interruptible, "n_calls", 0)
    monkeypatch.setattr(Interruptible, "last", call)


def net_of(**kwargs):
    return classifier(Interruptible, max_epochs=3, **kwargs)


class Seen(Callback):
    """Notes which ends of a training it is told of."""

    ended = 0

    def on_train_end(self, net, **kwargs):
        """Count."""
        Seen.ended += 1


@pytest.mark.parametrize("call", [1, 4, 6])
@pytest.mark.parametrize(
    "training",
    [
        lambda net: train(net, X, y, 0),
        lambda net: train_watched(net, X, y, 0, Callback()),
        lambda net: train_further(net, START, X, y, 0, np.arange(len(X))),
        lambda net: train_with_trajectory(net, X, y, 0),
    ],
    ids=["train", "watched", "further", "trajectory"],
)
def test_each_training_lets_it_through(monkeypatch, training, call):
    interrupt_at(monkeypatch, call)
    monkeypatch.setattr(Seen, "ended", 0)
    with pytest.raises(KeyboardInterrupt):
        training(net_of(callbacks=[Seen]))
    assert Seen.ended == 1  # as skorch ends a training


START = snapshot(net_of().fit(X, y))


def test_a_trial_lets_it_through(monkeypatch):
    interrupt_at(monkeypatch, 3)
    with pytest.raises(KeyboardInterrupt):
        make_trial(net_of(), X, y, y, 0)


class Signal(Callback):
    """Presses Ctrl-C in an epoch."""

    def on_epoch_end(self, net, **kwargs):
        """Send the signal."""
        if len(net.history) == 2:
            signal.raise_signal(signal.SIGINT)


class Stop(Callback):
    """Ends a training as skorch's callbacks do."""

    def on_epoch_end(self, net, **kwargs):
        """Raise what skorch takes for the end."""
        if len(net.history) == 2:
            raise KeyboardInterrupt


class Stopping(NeuralNetClassifier):
    """Ends its training by a method of its own."""

    def on_epoch_end(self, net, *args, **kwargs):
        """Raise what skorch takes for the end."""
        super().on_epoch_end(net, *args, **kwargs)
        if len(net.history) == 2:
            raise KeyboardInterrupt


class OwnLoop(NeuralNetClassifier):
    """Trains twice, by a loop of its own."""

    def fit_loop(self, *args, **kwargs):
        """Call skorch's loop twice."""
        super().fit_loop(*args, **kwargs)
        return super().fit_loop(*args, **kwargs)


@pytest.fixture
def heeded():
    """Take the signal, which a shell lets jobs in the background ignore."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(not hasattr(signal, "raise_signal"), reason="no signals")
@pytest.mark.usefixtures("heeded")
def test_the_signal_is_no_stop_wherever_it_comes():
    with pytest.raises(KeyboardInterrupt):
        train(net_of(callbacks=[Signal]), X, y, 0)


@pytest.mark.parametrize(
    "net",
    [
        net_of(callbacks=[Stop]),
        net_of(callbacks=[EarlyStopping("train_loss", patience=1, threshold=9)]),
        Stopping(
            Interruptible,
            criterion=nn.CrossEntropyLoss,
            train_split=None,
            max_epochs=3,
            verbose=0,
        ),
    ],
    ids=["callback", "early stopping", "net"],
)
def test_a_stop_is_no_interrupt(net):
    assert len(train(net, X, y, 0).history) == 2


@pytest.mark.parametrize("call", [4, 10])
def test_a_loop_of_its_own_is_guarded_as_well(monkeypatch, call):
    net = OwnLoop(
        Interruptible,
        criterion=nn.CrossEntropyLoss,
        train_split=None,
        batch_size=8,
        max_epochs=2,
        verbose=0,
    )
    assert len(train(net, X, y, 0).history) == 4
    interrupt_at(monkeypatch, call)
    with pytest.raises(KeyboardInterrupt):
        train(net, X, y, 0)


def test_a_net_in_training_can_be_pickled(tmp_path):
    """The guard must not be part of it."""
    whole = Checkpoint(
        dirname=tmp_path, monitor=None, f_pickle="net.pkl", fn_prefix="", sink=quiet
    )
    train(net_of(callbacks=[whole]), X, y, 0)
    with open(tmp_path / "net.pkl", "rb") as file:
        assert "fit_loop" not in pickle.load(file).get_params()


def n_calls(cls):
    Interruptible.n_calls = 0
    cheap(cls, net_of()).fit(X, y)
    return Interruptible.n_calls


@pytest.mark.parametrize(
    "cls",
    [c for c in all_estimators() if c.__name__ not in SLOW],
    ids=lambda c: c.__name__,
)
def test_every_estimator_lets_it_through_and_is_as_before(monkeypatch, cls):
    total = n_calls(cls)
    for share in (0.1, 0.6, 1):
        estimator = cheap(cls, net_of())
        before = pickle.dumps(sorted(vars(estimator).items()))
        interrupt_at(monkeypatch, max(1, round(share * total)))
        with pytest.raises(KeyboardInterrupt):
            estimator.fit(X, y)
        assert pickle.dumps(sorted(vars(estimator).items())) == before


@pytest.mark.parametrize("cls", [GEXDetector, EL2N], ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_nothing_half_made_is_cached(monkeypatch, tmp_path, cls, share):
    params = {"lr": "auto"} if cls is GEXDetector else {}
    expected = cheap(cls, net_of(), **params)
    Interruptible.n_calls = 0
    expected.fit(X, y)
    call = round(share * Interruptible.n_calls)
    interrupt_at(monkeypatch, call)
    estimator = cheap(cls, net_of(), memory=Memory(tmp_path, verbose=0), **params)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(X, y)
    monkeypatch.setattr(Interruptible, "last", None)
    for _ in range(2):
        np.testing.assert_array_equal(estimator.fit(X, y).scores_, expected.scores_)


def test_in_threads_it_ends_the_fit_as_well(monkeypatch):
    interrupt_at(monkeypatch, 7)
    with parallel_config("threading", n_jobs=2), pytest.raises(KeyboardInterrupt):
        EL2N(net_of(), n_nets=3, n_epochs=2, n_jobs=2).fit(X, y)


class Interrupted(AnyWidth):
    """A module that is interrupted whenever it is trained."""

    def forward(self, X):
        """Raise in training mode."""
        if self.training:
            raise KeyboardInterrupt
        return super().forward(X)


def test_in_processes_it_ends_the_fit_as_well():
    net = classifier(Interrupted, max_epochs=2)
    with pytest.raises(KeyboardInterrupt):
        EL2N(net, n_nets=2, n_epochs=2, n_jobs=2).fit(X, y)


@pytest.mark.parametrize("warm_start", [False, True])
def test_a_net_without_a_row_lets_it_through(monkeypatch, warm_start):
    interrupt_at(monkeypatch, 12)
    few = slice(8)
    with pytest.raises(KeyboardInterrupt):
        LeaveOneOut(net_of(), warm_start=warm_start).fit(X[few], clean[few])
