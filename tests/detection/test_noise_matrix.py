import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skgex.detection._noise_model import noise_matrix


@given(st.integers(2, 6), st.integers(1, 40), st.integers(0, 2**31))
def test_it_counts_labels_of_each_class(n_classes, n_samples, seed):
    rng = np.random.RandomState(seed)
    given_codes, true = rng.randint(n_classes, size=(2, n_samples))
    matrix = noise_matrix(given_codes, true, n_classes)
    for i in range(n_classes):
        rows = true == i
        expected = [
            np.mean(given_codes[rows] == j) if rows.any() else float(i == j)
            for j in range(n_classes)
        ]
        np.testing.assert_allclose(matrix[i], expected)
