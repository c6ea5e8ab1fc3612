"""Whoever listens hears the stages of a fit, and changes nothing of it."""

import pickle
import threading
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.datasets import load_iris
from skorch.callbacks import Callback, EarlyStopping
from tiny import classifier, learner, make_blobs
from torch.utils.data import IterableDataset

from skgex import GEXDetector
from skgex._nets.epoch_progress import announcing_epochs
from skgex._utils.progress import anyone_listens, expect, listening, phase, steps

X, y = load_iris(return_X_y=True)


class Recorder:
    """A listener that writes down what it hears, and checks that it makes sense."""

    def __init__(self):
        self.heard, self.running = [], []

    def begin(self, name, total, *, shown):
        assert total >= 0
        self.running.append(SimpleNamespace(done=0, total=total))
        self.heard.append(name)
        return self.running[-1]

    def reach(self, stage, done, total=None):
        assert self.running[-1] is stage
        stage.total = stage.total if total is None else total
        assert stage.done <= done <= stage.total, stage
        stage.done = done

    def end(self, stage):
        assert self.running.pop() is stage

    def expect(self, work):
        assert all(units >= 0 for units in work.values())


def heard_in(run):
    recorder = Recorder()
    with listening(recorder):
        result = run()
    assert recorder.running == []
    return result, recorder.heard


def two_stages(first="outer", second="inner"):
    expect({first: 1})
    with phase(first), steps(second, 2) as reach:
        reach(1)
        reach(2)


def test_stages_are_heard_in_order_and_only_inside():
    two_stages("before")
    _, heard = heard_in(two_stages)
    two_stages("after")
    assert heard == ["outer", "inner"]
    assert not anyone_listens()


def test_an_error_ends_the_listening():
    with pytest.raises(ZeroDivisionError), listening(Recorder()):
        1 / 0  # noqa: B018
    assert not anyone_listens()


def test_two_threads_do_not_mix():
    """Each stands still inside a stage until the other one is there as well."""
    barrier, heard = threading.Barrier(2, timeout=60), {}

    def run(name):
        def stages():
            with phase(name), steps(name, 1) as reach:
                barrier.wait()
                reach(1)

        heard[name] = heard_in(stages)[1]

    threads = [threading.Thread(target=run, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"a": ["a", "a"], "b": ["b", "b"]}


@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
@pytest.mark.parametrize("n_jobs", [None, 2])
def test_a_fit_announces_its_stages(n_jobs):
    detector = GEXDetector(n_members=3, n_jobs=n_jobs, random_state=0)
    with parallel_config("threading"):
        _, heard = heard_in(lambda: detector.fit(X, y))
    assert heard.count("epochs") == 2  # of a trial, and of the net itself
    details = {"epochs", "nets", "evaluation", "jobs", "fine-tuning"}
    details |= {"learning rates", "neighbours"}
    assert [stage for stage in heard if stage not in details] == [
        "checking the data",
        "trial training",
        "training the net",
        "evaluating the net",
        "choosing the learning rate",
        "growing the ensemble",
        "judging the labels",
    ]


@pytest.mark.usefixtures("short_trainings")
@pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")
@pytest.mark.parametrize("net", [None, "given"])
def test_listening_changes_no_bit(net):
    samples, labels = make_blobs(60)
    net = None if net is None else classifier(max_epochs=4, train_split=None)
    detector = GEXDetector(net, n_members=2, random_state=0)
    alone = detector.fit(samples, labels).scores_
    heard, _ = heard_in(lambda: detector.fit(samples, labels).scores_)
    assert np.array_equal(alone, heard)


class FitsInItsOwnWay(type(learner())):
    """Its ``fit`` is more than ``initialize`` and ``partial_fit``."""

    def fit(self, X, y=None, **fit_params):
        return super().fit(X, np.zeros_like(y), **fit_params)


def test_a_nets_own_fit_is_called_whoever_listens():
    samples, labels = make_blobs(60)
    net = learner()
    own = FitsInItsOwnWay(**{**net.get_params(deep=False), "max_epochs": 2})
    detector = GEXDetector(own, n_members=2, lr=0.1, early_stopping=False)
    detector.set_params(statistic="mean_loss", random_state=0)
    alone = detector.fit(samples, labels).scores_
    heard, _ = heard_in(lambda: detector.fit(samples, labels).scores_)
    assert np.array_equal(alone, heard)


def epochs_heard(**params):
    """Say how many epochs were done, and of how many, batch by batch."""
    told = []

    class Listener(Recorder):
        def reach(self, stage, done, total=None):
            super().reach(stage, done, total)
            told.append((done, total))

    samples, labels = make_blobs(60)
    net = learner(batch_size=20, **params)
    with listening(Listener()), announcing_epochs(net):
        net.partial_fit(samples.astype(np.float32), labels)
    return net, told


def test_a_training_tells_each_batch():
    _, told = epochs_heard(max_epochs=2)
    done = [0, 1 / 3, 2 / 3, 1, 1, 4 / 3, 5 / 3, 2, 2]
    np.testing.assert_allclose([pair[0] for pair in told], done)
    assert {pair[1] for pair in told} == {2}


class Stream(IterableDataset):
    """Rows in a number that nobody knows."""

    def __init__(self, dataset):
        self.dataset = dataset

    def __iter__(self):
        return (self.dataset[i] for i in range(60))


def test_a_training_on_a_stream_tells_each_epoch():
    _, told = epochs_heard(
        max_epochs=2, train_split=lambda data, y: (Stream(data), None)
    )
    assert [done for done, _ in told] == [0, 1, 1, 1, 1, 2, 2, 2, 2]


def test_a_training_that_may_stop_is_expected_to_do_so():
    stop = EarlyStopping("train_loss", patience=500)
    _, told = epochs_heard(max_epochs=60, callbacks=[stop])
    totals = dict(told)
    assert totals[1] == totals[10] == 16  # as is typical
    assert totals[30] == 45  # half as many again as were taken
    assert totals[50] == totals[60] == 60


class Save(Callback):
    """Saves the net after each epoch, as skorch's Checkpoint does."""

    saved: ClassVar = []

    def on_epoch_end(self, net, **kwargs):
        self.saved.append(pickle.dumps(net))


def test_a_net_can_be_saved_while_it_is_listened_to():
    samples, labels = make_blobs(60)
    epochs_heard(max_epochs=2, callbacks=[Save])
    first, second = Save.saved
    for n_epochs, content in [(1, first), (2, second)]:
        net = pickle.loads(content)
        assert len(net.history) == n_epochs
        net.partial_fit(samples.astype(np.float32), labels)  # nobody listens any more
