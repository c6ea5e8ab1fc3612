"""What grows with the rows: values and calls are counted, seconds are not."""

import sys
import tracemalloc

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors
from tiny import classifier, make_blobs

from skgex._data.row_index import RowIndex
from skgex._nets.training import train
from skgex.detection import _neighbours, _pulls
from skgex.detection._neighbours import fit_neighbours
from skgex.detection._pulls import hardest_pulls

SIZES = 1000, 4000
# n log n grows by this from the first size to the second.
N_LOG_N = 4 * np.log(SIZES[1]) / np.log(SIZES[0])


def cost(function, *arguments):
    """Return how many functions are called, and the peak of bytes that arrays take."""
    n_calls = 0

    def count(frame, event, argument):
        nonlocal n_calls
        n_calls += event in ("call", "c_call")

    function(*arguments)  # what is made only once is made before
    tracemalloc.start()
    function(*arguments)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    sys.setprofile(count)
    function(*arguments)
    sys.setprofile(None)
    return np.array([n_calls, peak])


def growth(function, of):
    """Return the ratio of the costs of both sizes."""
    first, last = (cost(function, *of(n)) for n in SIZES)
    return last / first


def rows(n):
    rng = np.random.RandomState(0)
    return rng.standard_normal((n, 20)).astype(np.float32), np.arange(n) % 5


def test_look_up_of_rows_grows_as_their_number():
    def look_up(X, codes):
        index = RowIndex(X, codes, np.dtype(np.float32))
        order = np.random.RandomState(1).permutation(len(X))
        np.testing.assert_array_equal(index.find(X[order], codes[order]), order)
        assert (index.find(X + 1) == -1).all()

    assert (growth(look_up, rows) < N_LOG_N).all()


def test_look_up_of_finer_rows_grows_as_their_number():
    def look_up(X, codes):
        index = RowIndex(X, codes, np.dtype(np.float32))
        index.find(X[::-1] * (1 + 1e-12))  # is found once rounded

    assert (growth(look_up, lambda n: (rows(n)[0] + np.pi, rows(n)[1])) < N_LOG_N).all()


def test_an_explanation_grows_as_the_number_of_rows(monkeypatch):
    # As many pairs at once as eight rows have with the most rows.
    monkeypatch.setattr(_pulls, "MAX_PAIRS", 8 * SIZES[1])

    def explain(losses, probabilities, codes):
        hardest_pulls(losses, probabilities, codes, np.arange(50), 5, codes)

    def of(n):
        rng = np.random.RandomState(0)
        losses, probabilities = rng.exponential(size=(n, 8)), rng.dirichlet([1] * 5, n)
        return losses, probabilities, np.arange(n) % 5

    assert (growth(explain, of) < N_LOG_N).all()


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(_neighbours, "MAX_ROWS", 200)
    monkeypatch.setattr(_neighbours, "BATCH", 100)


@pytest.fixture(scope="module")
def wide_net():
    """A net whose last layer takes 100 features."""
    return train(classifier(module__hidden=100), *make_blobs(), seed=0)


@pytest.mark.usefixtures("few")
def test_neighbours_are_compared_with_a_sample_of_many_rows(wide_net, monkeypatch):
    search, pairs = NearestNeighbors.kneighbors, []

    def count(self, X, **options):
        pairs.append(len(X) * self.n_samples_fit_)
        return search(self, X, **options)

    monkeypatch.setattr(NearestNeighbors, "kneighbors", count)
    for n in (150, 200, 1000, 4000):
        X, y = make_blobs(n)
        pairs.clear()
        fit_neighbours(wide_net, X, y, y, seed=0)
        assert sum(pairs) == n * min(n, 200)


@pytest.mark.usefixtures("few")
def test_features_of_many_rows_are_never_held_together(wide_net):
    """A row takes 400 bytes in float32."""

    def find(X, y):
        fit_neighbours(wide_net, X, y, y, seed=0)

    peaks = [cost(find, *make_blobs(n))[1] for n in SIZES]
    assert (peaks[1] - peaks[0]) / (SIZES[1] - SIZES[0]) < 100
