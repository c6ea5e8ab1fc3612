"""Sparse X gives what the dense matrix gives, and never becomes dense as a whole."""

import tracemalloc
from functools import cache

import numpy as np
import pytest
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from tiny import flip_every, learner

from skgex import GEXDetector
from skgex.detection import NoisyLabelDetector
from skgex.hardness import AUM
from skgex.influence import TracIn

RNG = np.random.RandomState(0)
Y = np.arange(90) % 3
LABELS, _ = flip_every(Y, 9)
DENSE = np.where(RNG.rand(90, 7) < 0.4, RNG.rand(90, 7), 0.0)
DENSE[np.arange(90), Y] += 1
ORDER = RNG.permutation(90)

pytestmark = [
    pytest.mark.filterwarnings("ignore::skgex.exceptions.SkgexWarning"),
    pytest.mark.usefixtures("short_trainings"),
]


def own():
    return learner(module__n_features=7, max_epochs=4)


def fit(X, net=None, **settings):
    settings = {"n_members": 2, "random_state": 0, **settings}
    return GEXDetector(net, **settings).fit(X, LABELS)


@cache
def dense_scores():
    """The scores of the default net, for all formats to be compared with."""
    return fit(DENSE).scores_


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok", "bsr"])
@pytest.mark.parametrize("container", ["array", "matrix"])
def test_every_format_gives_the_dense_scores(kind, container):
    make = getattr(sparse, f"csr_{container}")
    X = make(DENSE).asformat(kind)
    np.testing.assert_array_equal(fit(X).scores_, dense_scores())


@pytest.mark.parametrize(
    "settings", [{}, {"chain": True}, {"max_samples": 0.5}, {"lr": 0.1}]
)
def test_nets_of_ones_own_get_dense_batches(settings):
    dense, given = (
        fit(DENSE, own(), **settings),
        fit(sparse.csr_matrix(DENSE), own(), **settings),
    )
    np.testing.assert_array_equal(given.scores_, dense.scores_)
    rows = DENSE[ORDER] + (DENSE[ORDER] > 0.5)
    found = given.scores(sparse.csc_array(rows))
    np.testing.assert_array_equal(found, dense.scores(rows))


def test_a_frozen_net_takes_sparse_rows():
    net = own().fit(DENSE.astype(np.float32), LABELS)
    given = fit(sparse.csr_array(DENSE), FrozenEstimator(net))
    np.testing.assert_array_equal(
        given.scores_, fit(DENSE, FrozenEstimator(net)).scores_
    )


def test_rows_are_found_whichever_way_they_come():
    for fitted, queried in [
        (DENSE, sparse.csr_array(DENSE)),
        (sparse.csr_array(DENSE), DENSE),
        (sparse.csr_array(DENSE), sparse.csr_array(DENSE.astype(np.float32))),
    ]:
        for detector in (
            fit(fitted),
            NoisyLabelDetector(AUM(random_state=0)).fit(fitted, LABELS),
        ):
            found = detector.predict(queried[ORDER])
            np.testing.assert_array_equal(found, detector.noise_mask_[ORDER])


def test_columns_that_float32_cannot_hold_and_gaps():
    X = np.column_stack([DENSE, 1.7e9 + 60 * Y])
    X[3, 2] = X[5, 7] = np.nan
    np.testing.assert_array_equal(fit(sparse.csr_array(X)).scores_, fit(X).scores_)


def test_influence_is_that_of_the_dense_matrix():
    each = [
        TracIn(own(), random_state=0).fit(X, LABELS).self_influence_
        for X in (DENSE, sparse.csr_matrix(DENSE))
    ]
    np.testing.assert_array_equal(*each)


def test_the_users_matrix_is_left_alone():
    X = sparse.csr_array((np.array([1.0, 0, 2, 3]), [1, 0, 0, 1], [0, 2, 4]))
    before = X.data.copy(), X.indices.copy()
    X = sparse.csr_array(X)
    GEXDetector(n_members=1, random_state=0).fit(
        sparse.vstack([X] * 20, format="csr"), np.arange(40) % 2
    )
    np.testing.assert_array_equal(X.data, before[0])
    np.testing.assert_array_equal(X.indices, before[1])


@pytest.mark.slow
@pytest.mark.parametrize("net", [None, "own"])
def test_the_peak_stays_far_below_the_dense_size(net):
    X = sparse.csr_array(sparse.random(4000, 3000, density=0.002, random_state=0))
    y = np.arange(4000) % 2
    if net == "own":
        net = learner(module__n_features=3000, module__hidden=2, max_epochs=1)
    tracemalloc.start()
    try:
        GEXDetector(net, n_members=1, n_steps=2, lr=0.1, random_state=0).fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4000 * 3000 * 4 / 1.2


def test_three_axes_are_refused():
    pytest.importorskip("scipy", "1.13")  # older arrays have two
    with pytest.raises(ValueError, match="X: a sparse array must have 2 axes, got 3"):
        fit(sparse.coo_array(np.ones((90, 2, 2))))
