"""A mutated file gives an error or the right answer, and has nothing executed."""

import sys
import warnings
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hostile import ATTACKS, DAMAGES, mutations, nodes_of, parts_of, sealed
from sklearn.frozen import FrozenEstimator
from skorch.callbacks import EarlyStopping
from tiny import MLP, classifier, flip_every, make_blobs
from torch import nn

import skgex
from skgex.exceptions import LoadError

FORBIDDEN = {"exec", "os.system", "pickle.find_class", "subprocess.Popen", "os.fork"}
events: list[str] = []
watching = [False]
sys.addaudithook(
    lambda event, _: watching[0] and event in FORBIDDEN and events.append(event)
)

X, clean = make_blobs(64)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Return the bytes of a saved detector, and its scores."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net = FrozenEstimator(classifier().fit(X, clean))
        settings = {"n_members": 2, "n_steps": 6, "lr": 0.1, "random_state": 0}
        detector = skgex.GEXDetector(net, **settings).fit(X, flip_every(clean, 8)[0])
    path = tmp_path_factory.mktemp("saved") / "file"
    detector.save(path)
    skgex.load(path, trusted=[MLP])  # imports what it needs
    return path.read_bytes(), detector.scores_


def load(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    events.clear()
    watching[0] = True
    try:
        return skgex.load(tmp_path / "file", trusted=[MLP])
    except LoadError:
        return None
    finally:
        watching[0] = False
        assert events == []


def test_damage_is_noticed(saved, tmp_path):
    content, scores = saved
    refused = 0
    for _, mutated in mutations(content, DAMAGES, 60, seed=1):
        loaded = load(mutated, tmp_path)
        if loaded is None:
            refused += 1
        else:
            np.testing.assert_array_equal(loaded.scores_, scores)
    assert refused > 50


@pytest.mark.filterwarnings("ignore")
def test_an_attack_runs_nothing(saved, tmp_path):
    refused = 0
    for _, mutated in mutations(saved[0], ATTACKS, 90, seed=1):
        refused += load(mutated, tmp_path) is None
    assert 30 < refused < 90


def test_the_folder_of_a_memory_is_refused(saved, tmp_path):
    header, tree, arrays = parts_of(saved[0])
    (estimator,) = [
        each for each in tree["objects"] if each.get("class") == "skgex.GEXDetector"
    ]
    (pair,) = [pair for pair in estimator["attributes"] if pair[0] == "memory"]
    assert load(sealed(header, tree, arrays), tmp_path) is not None
    pair[1] = "/somewhere"
    assert load(sealed(header, tree, arrays), tmp_path) is None


@pytest.fixture(scope="module")
def with_a_rich_net(saved, tmp_path_factory):
    """Return a file whose net has parameters of many kinds."""
    path = tmp_path_factory.mktemp("rich") / "file"
    path.write_bytes(saved[0])
    detector = skgex.load(path, trusted=[MLP])
    params = {
        "dtype": torch.float64,
        "names": np.array([1, "a"], dtype=object),
        "sizes": OrderedDict(a=1),
    }
    net = classifier(
        nn.Sequential(nn.Linear(4, 3)),
        callbacks=[EarlyStopping()],
        **{f"criterion__{name}": value for name, value in params.items()},
    )
    detector.set_params(net=net).save(path)
    return path.read_bytes()


def first(tree, kind, name=""):
    """Return an object of a kind, and of a class if its name is given."""
    return next(
        each
        for each in tree["objects"]
        if each["kind"] == kind and name in each.get("class", "")
    )


def with_class(kind, name):
    return lambda tree: first(tree, kind).update({"class": name})


def with_tag(tag, content):
    """Return a change of all values with a tag."""

    def change(tree):
        for node, key in nodes_of(tree):
            if isinstance(node, dict) and list(node) == [tag]:
                node[key] = content

    return change


def hide_a_method(tree):
    parts = dict(first(tree, "module", "Linear")["parts"]["dict"])
    parts["attributes"]["dict"].append(["forward", 1])


def hide_the_parameters(tree):
    parts = dict(first(tree, "module", "Linear")["parts"]["dict"])
    parts["attributes"]["dict"].append(["_parameters", {"dict": []}])


LIES = {
    "a module as net": (with_class("net", "torch.nn.Linear"), "Linear is no net"),
    "a net as callback": (
        with_class("callback", "skorch.NeuralNet"),
        "NeuralNet is no callback",
    ),
    "a net as module": (
        with_class("module", "skorch.NeuralNet"),
        "NeuralNet is no module",
    ),
    "a module as record": (
        with_class("record", "torch.nn.Linear"),
        "Linear is no record",
    ),
    "a module as mapping": (
        with_class("mapping", "torch.nn.Linear"),
        "Linear is no dict",
    ),
    "a module as instance": (
        with_class("instance", "torch.nn.Linear"),
        "Linear is more than its attributes",
    ),
    "a method hidden": (hide_a_method, r"hide those of Linear: \['forward'\]"),
    "parameters hidden": (hide_the_parameters, "hide those of Linear"),
    "a shape of more": (
        lambda tree: first(tree, "objects").update(shape=[3]),
        "an array of another size",
    ),
    "a dtype of objects": (with_tag("dtype", "|O"), r"no dtype: '\|O'"),
    "a dtype of two": (with_tag("dtype", "<f8,<i4"), "no dtype: '<f8,<i4'"),
    "a function as dtype": (with_tag("torch", "load"), "no dtype: 'load'"),
    "no estimator": (
        lambda tree: tree.update(estimator={"dict": []}),
        "it holds no estimator",
    ),
}


@pytest.mark.parametrize(("lie", "reason"), LIES.values(), ids=list(LIES))
def test_what_a_file_lies_about_is_named(with_a_rich_net, tmp_path, lie, reason):
    header, tree, arrays = parts_of(with_a_rich_net)
    lie(tree)
    (tmp_path / "file").write_bytes(sealed(header, tree, arrays))
    with pytest.raises(LoadError, match=f"does not fit skgex .*{reason}"):
        skgex.load(tmp_path / "file", trusted=[MLP])


def test_a_rich_net_that_is_whole_is_read(with_a_rich_net, tmp_path):
    net = load(with_a_rich_net, tmp_path).net
    assert net.criterion__dtype is torch.float64
    assert net.criterion__names.tolist() == [1, "a"]
    assert net.criterion__sizes == OrderedDict(a=1)
    assert [type(layer) for layer in net.module] == [nn.Linear]
