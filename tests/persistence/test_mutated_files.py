"""A mutated file gives an error or the right answer, and has nothing executed."""

import sys
import warnings

import numpy as np
import pytest
from hostile import ATTACKS, DAMAGES, mutations, parts_of, sealed
from sklearn.frozen import FrozenEstimator
from tiny import MLP, classifier, flip_every, make_blobs

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
