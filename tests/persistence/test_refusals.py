"""What cannot be saved is refused by ``save``, and what is unknown by ``load``."""

import copy
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from all_estimators import cheap
from skorch.callbacks import Callback, Checkpoint, EpochScoring
from tiny import MLP, classifier, flip_every, learner, make_blobs
from torch import nn

import skgex
from skgex import GEXDetector
from skgex._utils.time_left import TimeLeft
from skgex.exceptions import InconsistentVersionWarning, LoadError

X, clean = make_blobs(64)
X = X.astype(np.float32)
y = flip_every(clean, 8)[0]

quiet = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


class OwnCallback(Callback):
    def __init__(self, every=2):
        self.every = every


class OwnNet(type(classifier())):
    pass


def accuracy(net, X, y):
    return 1.0


@pytest.fixture(scope="module")
def fitted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cheap(GEXDetector, learner()).fit(X, y)


def saved(estimator, tmp_path):
    estimator.save(tmp_path / "saved")
    return tmp_path / "saved"


def with_net(fitted, **params):
    """Return a fitted detector with another net as its parameter."""
    return copy.copy(fitted).set_params(net=learner(**params))


class OwnWay:
    def __getstate__(self):
        return {}


class OwnTensor(torch.Tensor):
    pass


class OwnDict(dict):
    def __init__(self):
        self.besides = 1


class Slots:
    __slots__ = ("__dict__", "hidden")


@pytest.mark.parametrize(
    ("params", "where"),
    [
        ({"train_split": lambda data, y: (data, None)}, "net.train_split: .*<lambda>"),
        ({"callbacks": [("own", lambda net: None)]}, r"net.callbacks\[0\]\[1\]"),
        ({"criterion__weight": torch.ones(3).bfloat16()}, "net.criterion__weight: "),
        ({"module__own": OwnWay()}, "net.module__own: holds a OwnWay"),
        ({"module__own": OwnDict()}, "net.module__own: holds a OwnDict with attr"),
        ({"module__own": Slots()}, "net.module__own: holds a Slots"),
        ({"module__own": OwnTensor([1])}, "net.module__own: holds a OwnTensor"),
        ({"module__own": TimeLeft}, "net.module__own: holds a skgex._utils"),
        ({"module__own": (each for each in [])}, "net.module__own: holds a generator"),
        ({"module": nn.LSTM(4, 3)}, "net.module: holds a LSTM .* module__"),
        (
            {"module__own": np.array([1], "i4,i4")},
            "net.module__own: holds an array of dtype",
        ),
    ],
)
def test_save_names_the_parameter(fitted, params, where, tmp_path):
    estimator = with_net(fitted, **params)
    with pytest.raises(ValueError, match=f"GEXDetector.{where}"):
        estimator.save(tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []


def test_what_holds_itself_is_refused(fitted, tmp_path):
    own = OwnCallback()
    own.every = own
    with pytest.raises(ValueError, match="holds itself"):
        with_net(fitted, callbacks=[own]).save(tmp_path / "saved")


@quiet
@pytest.mark.parametrize(
    "index",
    [
        pd.date_range("2024-01-01", periods=64, tz="Europe/Berlin"),
        pd.period_range("2024-01-01", periods=64),
        pd.CategoricalIndex(list("ab") * 32),
    ],
    ids=lambda index: type(index).__name__,
)
def test_an_index_that_is_more_than_an_array_is_refused(index, tmp_path):
    detector = cheap(GEXDetector, learner()).fit(pd.DataFrame(X, index=index), y)
    with pytest.raises(ValueError, match=r"rows named by a .*Reset the index"):
        detector.save(tmp_path / "saved")


@pytest.mark.parametrize(
    ("params", "needed"),
    [
        ({}, [MLP]),
        ({"callbacks": [OwnCallback(3)]}, [MLP, OwnCallback]),
        ({"callbacks": [EpochScoring(accuracy)]}, [MLP, accuracy]),
        ({"callbacks": [Checkpoint(dirname="away")]}, [MLP, Checkpoint]),
        ({"callbacks": [OwnCallback]}, [MLP, OwnCallback]),
    ],
)
def test_load_asks_for_each_class_of_the_user(fitted, params, needed, tmp_path):
    path = saved(with_net(fitted, **params), tmp_path)
    for each in needed:
        others = [other for other in needed if other is not each]
        with pytest.raises(LoadError, match=rf"trusted=\[{each.__name__}\]"):
            skgex.load(path, trusted=others)
    again = skgex.load(path, trusted=needed)
    assert again.net.module is MLP
    np.testing.assert_array_equal(again.scores_, fitted.scores_)


def test_own_parameters_come_back(fitted, tmp_path):
    path = saved(with_net(fitted, callbacks=[OwnCallback(3)]), tmp_path)
    (callback,) = skgex.load(path, trusted=[MLP, OwnCallback]).net.callbacks
    assert type(callback) is OwnCallback
    assert callback.every == 3


def test_a_class_that_moved_is_found_by_its_name(fitted, tmp_path):
    path = saved(fitted, tmp_path)
    moved = type("MLP", (MLP,), {"__module__": "elsewhere", "__qualname__": "MLP"})
    assert skgex.load(path, trusted=[moved]).net.module is moved


@pytest.mark.parametrize("trusted", [MLP, "MLP", ["MLP"], [MLP()]], ids=str)
def test_trusted_must_be_a_list_of_classes(fitted, trusted, tmp_path):
    with pytest.raises(ValueError, match="trusted: must be a list of classes") as info:
        skgex.load(saved(fitted, tmp_path), trusted=trusted)
    assert not isinstance(info.value, LoadError)


def test_other_files_are_refused(fitted, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(pickle.dumps(fitted))
    with pytest.raises(LoadError, match="damaged, or no file of skgex"):
        skgex.load(path)
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3)}, path)
    with pytest.raises(LoadError, match="no file of skgex"):
        skgex.load(path)
    with pytest.raises(FileNotFoundError):
        skgex.load(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        skgex.load(tmp_path)


@pytest.mark.parametrize("version", ["1.0.0", "7.2"])
def test_another_major_version_is_refused(fitted, version, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(skgex, "__version__", version)
        path = saved(fitted, tmp_path)
    with pytest.raises(LoadError, match=f"of skgex {version}, and this is skgex"):
        skgex.load(path, trusted=[MLP])


def test_another_format_is_refused(fitted, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("skgex.persistence._file_format.FORMAT", "2")
        path = saved(fitted, tmp_path)
    with pytest.raises(LoadError, match="its format is 2, of skgex"):
        skgex.load(path, trusted=[MLP])


def test_another_minor_version_is_warned_of(fitted, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(skgex, "__version__", "0.99.3")
        path = saved(fitted, tmp_path)
    with pytest.warns(InconsistentVersionWarning, match=r"made by skgex 0\.99\.3"):
        again = skgex.load(path, trusted=[MLP])
    np.testing.assert_array_equal(again.scores_, fitted.scores_)


def test_pickles_carry_the_version(fitted, monkeypatch):
    same = pickle.loads(pickle.dumps(fitted))  # warnings are errors
    assert "_skgex_version" not in vars(same)
    with monkeypatch.context() as patched:
        patched.setattr(skgex, "__version__", "0.99.3")
        old = pickle.dumps(fitted)
    with pytest.warns(InconsistentVersionWarning, match=r"GEXDetector .* 0\.99\.3"):
        again = pickle.loads(old)
    np.testing.assert_array_equal(again.scores_, fitted.scores_)


def test_a_pickle_without_version_is_warned_of(fitted):
    again = GEXDetector()
    with pytest.warns(InconsistentVersionWarning, match="unknown version"):
        again.__setstate__(dict(vars(fitted)))
    assert again.scores_ is fitted.scores_
