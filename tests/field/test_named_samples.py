"""Dicts of arrays, as skorch takes them: the arguments of the module by name."""

import numpy as np
import pytest
import torch
from sklearn.frozen import FrozenEstimator
from skorch.helper import SliceDict
from tiny import MLP, flip_every, learner, make_blobs

from skgex import CleanedClassifier, GEXDetector
from skgex.detection import NoisyLabelDetector
from skgex.hardness import AUM
from skgex.influence import GEX, TracIn

X, Y = make_blobs(90)
X = X.astype(np.float32)
LABELS, _ = flip_every(Y, 9)
NAMED = SliceDict(a=X[:, :1], b=X[:, 1:])
ORDER = np.random.RandomState(0).permutation(90)

pytestmark = pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning")


class Joined(MLP):
    """The same net on two inputs."""

    def forward(self, a, b):
        return super().forward(torch.cat([a, b], dim=1))


def two(**settings):
    return learner(module=Joined, **settings)


def fit(X, net, **settings):
    return GEXDetector(net, n_members=2, random_state=0, **settings).fit(X, LABELS)


@pytest.mark.parametrize("convert", [SliceDict, dict])
@pytest.mark.parametrize("settings", [{}, {"lr": 0.1, "chain": True}])
def test_scores_are_those_of_one_array(convert, settings):
    given, expected = (
        fit(convert(**NAMED), two(), **settings),
        fit(X, learner(), **settings),
    )
    np.testing.assert_allclose(given.scores_, expected.scores_, atol=1e-4)
    found = given.predict(NAMED[ORDER])
    np.testing.assert_array_equal(found, given.noise_mask_[ORDER])
    moved = SliceDict(a=NAMED["a"] + 1, b=NAMED["b"])
    rows = np.column_stack([moved["a"], moved["b"]])
    np.testing.assert_allclose(
        given.scores(moved), expected.scores(rows), atol=1e-3, rtol=1e-3
    )


def test_frozen_nets_influence_and_scorers_take_them():
    net = two().fit(NAMED, LABELS)
    assert np.isfinite(fit(NAMED, FrozenEstimator(net)).scores_).all()
    np.testing.assert_allclose(
        TracIn(two(), random_state=0).fit(NAMED, LABELS).self_influence_,
        TracIn(learner(), random_state=0).fit(X, LABELS).self_influence_,
        rtol=1e-3,
    )
    detector = NoisyLabelDetector(AUM(two(), random_state=0)).fit(NAMED, LABELS)
    found = detector.predict(NAMED[ORDER])
    np.testing.assert_array_equal(found, detector.noise_mask_[ORDER])


def test_only_new_rows_are_given_to_the_scorer():
    half = np.arange(90) % 2
    given, expected = (
        NoisyLabelDetector(GEX(net, n_members=2, lr=0.1, random_state=0))
        for net in (two(), learner())
    )
    given.fit(NAMED, LABELS), expected.fit(X, LABELS)
    rows = SliceDict(a=NAMED["a"] + half[:, None].astype(np.float32), b=NAMED["b"])
    found = given.scores(rows, LABELS)
    array = np.column_stack([rows["a"], rows["b"]])
    np.testing.assert_allclose(found, expected.scores(array, LABELS), rtol=1e-3)
    np.testing.assert_array_equal(found[::2], given.scores_[::2])


class Embedded(MLP):
    """Looks the second input up."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.words = torch.nn.Embedding(3, 3)

    def forward(self, a, b):
        return super().forward(torch.cat([a, self.words(b)], dim=1))


def test_whole_numbers_stay_whole():
    words = np.random.RandomState(0).randint(3, size=90)
    net = learner(module=Embedded, max_epochs=2)
    detector = fit({"a": NAMED["a"].astype(float), "b": words}, net)
    assert np.isfinite(detector.scores_).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": X[:, :1], "b": X[:5, 1:]}, r"X: a dict must .*'a': 90, 'b': 5"),
        ({}, "X: a dict must hold arrays .* an empty one"),
        ({"a": X[:, :1], "b": np.full((90, 3), "x")}, r"X\['b'\] .* torch Dataset"),
        ({"a": X[:, :1], "b": X[:, 1:] / 0}, r"Input X\['b'\] contains infinity"),
        ({"a": X[:, :1], "c": X[:, 1:]}, "X: the net cannot take it"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_unfit_dicts_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        fit(given, two())


def test_a_dict_where_an_array_is_due_is_refused():
    with pytest.raises(ValueError, match=r"X is a dict of several.* torch Dataset"):
        fit(NAMED, None)
    with pytest.raises(ValueError, match=r"X: CleanedClassifier takes one array.*dict"):
        CleanedClassifier(two(), GEXDetector(two())).fit(NAMED, LABELS)
    with pytest.raises(ValueError, match=r"X: rows of shape .*'a': \(1,\).* ndarray"):
        fit(NAMED, two()).predict(X)
    with pytest.raises(ValueError, match=r"X: rows of shape \(4,\) were fitted"):
        fit(X, learner()).predict(NAMED)
