"""What was saved answers as before, in another process and for all kinds of fits."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import torch
from all_estimators import all_estimators, cheap, every
from answering import answers
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from skorch.callbacks import EarlyStopping, LRScheduler
from tiny import (
    MLP,
    OwnCriterion,
    PairDataset,
    classifier,
    flip_every,
    learner,
    make_blobs,
    regressor,
)
from torch import nn

import skgex
from skgex import GEXDetector, NoisyLabelDetector
from skgex._utils.random import seeded
from skgex.hardness import AUM
from skgex.influence import InfluenceFunction

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")

X, clean = make_blobs(64)
X = X.astype(np.float32)
y = flip_every(clean, 8)[0]
# Half of the rows are fitted ones, half are new.
MIXED = np.where(np.arange(len(X))[:, None] % 2, X, X + 1)


def there_and_back(estimator, tmp_path, trusted=(MLP,)):
    estimator.save(tmp_path / "saved.safetensors")
    return skgex.load(tmp_path / "saved.safetensors", trusted=trusted)


def quick(net=None, **params):
    return cheap(GEXDetector, net or learner(), **params)


def assert_same_answers(first, second, given=MIXED, labels=y):
    expected = answers(first, given, labels)
    assert answers(second, given, labels) == expected
    assert len(expected) > 2


@every(all_estimators())
def test_every_estimator_answers_as_before(cls, tmp_path):
    estimator = cheap(cls, learner()).fit(X, y)
    again = there_and_back(estimator, tmp_path, [MLP, LogisticRegression])
    for given in (X, MIXED):
        assert answers(again, given, y) == answers(estimator, given, y)


@pytest.mark.slow
def test_it_answers_as_before_in_another_process(tmp_path):
    detector = quick().fit(X, y)
    detector.save(tmp_path / "saved")
    np.save(tmp_path / "X.npy", MIXED)
    code = (
        "import sys, numpy as np, skgex, tiny\n"
        "detector = skgex.load('saved', trusted=[tiny.MLP])\n"
        "X = np.load('X.npy')\n"
        "sys.stdout.write(detector.scores(X).tobytes().hex())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert run.stdout == detector.scores(MIXED).tobytes().hex(), run.stderr


class Columns(MLP):
    """Sees some columns only."""

    def __init__(self, columns):
        super().__init__(n_features=columns.stop - columns.start)
        self.columns = columns

    def forward(self, X):
        return super().forward(X[:, self.columns])


def frozen(module=MLP):
    with seeded(3):
        net = classifier(module, max_epochs=2).fit(X.astype(np.float64), clean)
    return FrozenEstimator(net)


NETS = {
    "default": lambda: None,
    "frozen": frozen,
    "frozen, of a module": lambda: frozen(nn.Linear(4, 3, dtype=torch.float64)),
    "callbacks": lambda: classifier(
        callbacks=[
            ("stop", EarlyStopping("train_loss")),
            LRScheduler("StepLR", step_size=2),
        ]
    ),
    "weights of classes": lambda: classifier(
        criterion__weight=torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    ),
    "own criterion": lambda: classifier(criterion=OwnCriterion),
    "module itself": lambda: classifier(
        nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    ),
    "device as it is": lambda: classifier(device=None),
    "parameter of the user": lambda: classifier(Columns, module__columns=slice(1, 3)),
}


@pytest.mark.parametrize("kind", NETS)
def test_nets_of_all_kinds(kind, tmp_path):
    detector = cheap(GEXDetector, NETS[kind]()).fit(X, y)
    again = there_and_back(detector, tmp_path, [MLP, Columns, OwnCriterion])
    assert_same_answers(detector, again)
    refitted = clone(again).fit(X, y)
    np.testing.assert_array_equal(refitted.scores_, detector.scores_)


@pytest.mark.parametrize(
    "names",
    [
        np.array(["ant", "bee", "cat"]),
        np.array(["ant", "bee", "cat"], dtype=object),
        np.array([-1.0, 2.0, 7.0]),
        np.array([True, False, True]),
        np.array([3, 1, 250], dtype=np.uint8),
    ],
)
def test_labels_of_all_types(names, tmp_path):
    detector = quick().fit(X, names[y])
    again = there_and_back(detector, tmp_path)
    assert again.classes_.dtype == detector.classes_.dtype
    assert_same_answers(detector, again, labels=names[y])


FRAMES = {
    "texts": pd.Index([f"row {i}" for i in range(64)], name="name"),
    "objects": pd.Index([f"row {i}" for i in range(64)], dtype=object),
    "dates": pd.date_range("2024-01-01", periods=64),
    "two levels": pd.MultiIndex.from_product([["a", "b"], range(32)], names=["k", 1]),
    "steps": pd.RangeIndex(5, 133, 2),
}


@pytest.mark.parametrize("index", FRAMES.values(), ids=FRAMES)
def test_names_of_rows_and_columns(index, tmp_path):
    frame = pd.DataFrame(X, index=index, columns=list("abcd"))
    detector = quick().fit(frame, y)
    again = there_and_back(detector, tmp_path)
    pd.testing.assert_frame_equal(again.issues(), detector.issues())
    np.testing.assert_array_equal(again.feature_names_in_, detector.feature_names_in_)
    np.testing.assert_array_equal(again.predict(frame), detector.predict(frame))


def test_sparse_samples(tmp_path):
    given = csr_array(np.where(X > 0, X, 0))
    detector = quick().fit(given, y)
    again = there_and_back(detector, tmp_path)
    for rows in (given, given.toarray() + 1):
        np.testing.assert_array_equal(again.scores(rows, y), detector.scores(rows, y))


def test_sparse_rows_that_features_are_made_of(tmp_path):
    given = csr_array(np.where(X > 0, X, 0))
    influence = InfluenceFunction(learner(), random_state=0).fit(given, y)
    again = there_and_back(influence, tmp_path)
    new = given[:5] * 2
    np.testing.assert_array_equal(
        again.transform(new, y[:5]), influence.transform(new, y[:5])
    )


def test_a_dataset(tmp_path):
    data = PairDataset(X, y)
    detector = quick().fit(data)
    again = there_and_back(detector, tmp_path)
    np.testing.assert_array_equal(again.scores(data), detector.scores(data))
    assert again.summary() == detector.summary()


def test_regression_targets(tmp_path):
    targets = X.sum(axis=1)
    detector = quick(regressor(module__n_outputs=1)).fit(X, targets)
    again = there_and_back(detector, tmp_path, [MLP])
    for rows in (X, MIXED):
        np.testing.assert_array_equal(again.scores(rows), detector.scores(rows))
    np.testing.assert_array_equal(again.relabel(), detector.relabel())


def test_a_frozen_regressor(tmp_path):
    targets = X.sum(axis=1, keepdims=True).astype(np.float64)
    net = regressor(module__n_outputs=1).fit(X.astype(np.float64), targets)
    detector = quick(FrozenEstimator(net)).fit(X, targets)
    again = there_and_back(detector, tmp_path)
    np.testing.assert_array_equal(again.scores(MIXED), detector.scores(MIXED))
    assert not hasattr(again.net.estimator, "classes_inferred_")


@pytest.mark.parametrize(
    "params",
    [
        {"keep_members": False},
        {"max_samples": 0.5},
        {"n_members": 4, "statistic": "self_influence"},
        {"threshold": "precision 90%"},
        {"random_state": np.random.RandomState(4)},
    ],
    ids=lambda params: next(iter(params)),
)
def test_parameters(params, tmp_path):
    detector = quick(**params).fit(X, y)
    again = there_and_back(detector, tmp_path)
    given = X if "keep_members" in params else MIXED
    assert_same_answers(detector, again, given)


def test_a_warm_start_goes_on(tmp_path):
    detector = quick(warm_start=True).fit(X, y)
    again = there_and_back(detector, tmp_path)
    for each in (detector, again):
        each.set_params(n_members=4).fit(X, y)
    assert_same_answers(detector, again)
    # The members that it had are not made again.
    first = next(iter(detector._fitted.cache)), next(iter(again._fitted.cache))
    assert first[0] == first[1]


def test_members_on_disk_are_read(tmp_path):
    memory = joblib.Memory(tmp_path / "cache", mmap_mode="r", verbose=0)
    detector = quick(memory=memory).fit(X, y)
    again = there_and_back(detector, tmp_path)
    memory.clear(warn=False)
    assert_same_answers(quick().fit(X, y), again)


def test_the_folder_of_the_memory_is_not_saved(tmp_path):
    scorer = AUM(learner(max_epochs=2), memory=str(tmp_path / "secret"))
    detector = NoisyLabelDetector(scorer).fit(X, y)
    again = there_and_back(detector, tmp_path)
    assert again.scorer.memory is None
    assert again.scorer_.memory is None
    assert detector.scorer.memory is not None
    assert b"secret" not in (tmp_path / "saved.safetensors").read_bytes()


def test_what_is_the_same_object_is_saved_once(tmp_path):
    detector = quick().fit(X, y)
    again = there_and_back(detector, tmp_path)
    assert again._neighbours.trained is again.ensemble_.trained
    sizes = Path(tmp_path / "saved.safetensors").stat().st_size
    assert sizes < 2 * len(pickle.dumps(detector))


def test_parameters_are_those_that_were_set(tmp_path):
    detector = quick(lr=0.125, threshold=np.float64(0.3)).fit(X, y)
    again = there_and_back(detector, tmp_path)
    mine, theirs = detector.get_params(deep=False), again.get_params(deep=False)
    assert mine.pop("net").get_params(deep=False).keys() == (
        theirs.pop("net").get_params(deep=False).keys()
    )
    assert theirs == mine
    assert type(theirs["threshold"]) is np.float64


def test_the_file_is_one_of_safetensors_with_versions(tmp_path):
    from safetensors import safe_open

    quick().fit(X, y).save(tmp_path / "saved")
    with safe_open(tmp_path / "saved", "numpy") as file:
        header = file.metadata()
        tree = json.loads(file.get_tensor("json").tobytes())
    assert header["skgex"] == skgex.__version__
    assert header["torch"] == torch.__version__
    assert tree.keys() == {"estimator", "objects"}


def test_a_file_is_replaced_when_the_new_one_is_complete(tmp_path, monkeypatch):
    detector, path = quick().fit(X, y), tmp_path / "saved"
    detector.save(path)
    detector.save(path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr("safetensors.numpy.save_file", fail)
    with pytest.raises(OSError, match="No space"):
        detector.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_unfitted_estimator_is_refused(tmp_path):
    with pytest.raises(NotFittedError):
        quick().save(tmp_path / "saved")
