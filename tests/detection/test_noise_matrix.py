import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skgex.detection._label_noise import noise_matrix


@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 2**31))
def test_rows_count_by_how_probable_their_classes_are(n_classes, n_samples, seed):
    rng = np.random.RandomState(seed)
    codes = rng.randint(n_classes, size=n_samples)
    wrong = rng.random_sample(n_samples) * (n_classes > 1)
    said = rng.dirichlet(np.ones(n_classes), n_samples)
    flow = rng.random_sample((n_classes, n_classes)) + 0.01
    np.fill_diagonal(flow, 0)
    counts = np.zeros((n_classes, n_classes))
    for code, p, row in zip(codes, wrong, said, strict=True):
        counts[code, code] += 1 - p
        shares = {c: row[c] * flow[c, code] for c in range(n_classes) if c != code}
        for c, share in shares.items():
            counts[c, code] += p * share / sum(shares.values())
    expected = [
        row / row.sum() if row.sum() else np.eye(n_classes)[c]
        for c, row in enumerate(counts)
    ]
    np.testing.assert_allclose(
        noise_matrix(codes, wrong, said, flow), expected, atol=1e-12
    )


def test_sure_flags_are_counted_as_they_are():
    codes, true = np.array([0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 2])
    flow = (1 - np.eye(3)) / 2
    matrix = noise_matrix(codes, (codes != true).astype(float), np.eye(3)[true], flow)
    np.testing.assert_allclose(matrix, [[2 / 3, 1 / 3, 0], [0, 1, 0], [0, 1, 0]])


def test_labels_of_a_class_without_rows_are_right():
    flow, said = (1 - np.eye(3)) / 2, np.full((2, 3), 1 / 3)
    matrix = noise_matrix(np.array([0, 1]), np.zeros(2), said, flow)
    np.testing.assert_array_equal(matrix, np.eye(3))
