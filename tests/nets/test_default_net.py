import numpy as np
import pytest

from skgex._nets.default_net import BLOCK, make_default_net


@pytest.mark.parametrize("n_rows", [5, BLOCK - 1, BLOCK + 1, 2 * BLOCK])
def test_inputs_are_standardised(n_rows):
    rng = np.random.RandomState(0)
    X = rng.normal(3.0, [[0.1], [50.0]], (n_rows, 2, 4)).astype(np.float32)
    X[:, 1, 2] = 7.0
    net = make_default_net(X, 3)
    rows = X.reshape(n_rows, -1).astype(np.float64)
    np.testing.assert_allclose(net.module__mean, rows.mean(axis=0), rtol=1e-6)
    scale = rows.std(axis=0)
    scale[6] = 1.0  # constant: the mean alone is taken away
    np.testing.assert_allclose(net.module__scale, scale, rtol=1e-6)
    assert net.module__mean.dtype == net.module__scale.dtype == np.float32


def test_a_large_offset_leaves_the_scale_as_it_is():
    X = np.random.RandomState(0).normal(size=(10_000, 1)) * 0.5 + 1e4
    net = make_default_net(X.astype(np.float32), 2)
    expected = X.astype(np.float32).std(axis=0, dtype=np.float64)
    np.testing.assert_allclose(net.module__scale, expected, rtol=1e-6)
