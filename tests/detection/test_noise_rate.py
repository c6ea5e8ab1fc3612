import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skgex.detection._noise_model import noise_rate


def sure_of(n_sure, n_unsure, rng):
    """Probabilities of three classes, sure ones in between unsure ones."""
    n_samples = n_sure + n_unsure
    classes = rng.randint(3, size=n_samples)
    tops = rng.permutation(np.repeat([0.9, 0.4], [n_sure, n_unsure]))
    rest = (1 - tops) / 2
    probabilities = np.repeat(rest[:, None], 3, axis=1)
    probabilities[np.arange(n_samples), classes] = tops
    return classes, probabilities


@given(st.integers(1, 20), st.integers(0, 2**31), st.data())
def test_it_counts_wrong_labels_among_the_surer_half(n_sure, seed, data):
    rng = np.random.RandomState(seed)
    codes, probabilities = sure_of(n_sure, n_sure, rng)
    sure = np.flatnonzero(probabilities.max(axis=1) > 0.5)
    n_wrong = data.draw(st.integers(0, n_sure))
    codes[sure[:n_wrong]] = (codes[sure[:n_wrong]] + 1) % 3
    # What the unsure half says does not matter.
    unsure = probabilities.max(axis=1) < 0.5
    codes[unsure] = rng.randint(3, size=n_sure)
    assert noise_rate(codes, probabilities) == n_wrong / n_sure


def test_one_sample():
    assert noise_rate(np.array([1]), np.array([[0.9, 0.1]])) == 1.0
