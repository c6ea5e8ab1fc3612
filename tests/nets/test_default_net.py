import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from skgex._data.sparse_rows import SparseRows
from skgex._nets.default_inputs import BLOCK, columns_of
from skgex._nets.default_net import MLP, Linear, make_default_net, make_default_nets


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


def gappy(seed, n_rows=40, n_columns=6):
    """Columns with ever fewer values that are not zero, and some that are missing."""
    rng = np.random.RandomState(seed)
    X = rng.normal(2.0, 1.0, (n_rows, n_columns))
    X *= rng.random_sample(X.shape) < np.linspace(1.0, 0.1, n_columns)
    X[:, 1] = 0.0
    X[rng.random_sample(X.shape) < 0.1] = np.nan
    X[:, 2] = np.nan
    return X.astype(np.float32)


@given(st.integers(0, 2**31))
def test_statistics_are_those_of_a_loop_over_the_columns(seed):
    X = gappy(seed)
    columns = columns_of(X)
    for j, column in enumerate(X.astype(np.float64).T):
        known = column[~np.isnan(column)]
        varies = len(known) > 0 and known.std() > 0
        deviation = known.std() if varies else 1.0
        filled = np.count_nonzero(known) / max(len(known), 1)
        size = deviation / np.sqrt(filled) if filled else deviation
        assert columns.mean[j] == pytest.approx(known.mean() if len(known) else 0.0)
        assert columns.deviation[j] == pytest.approx(deviation)
        assert columns.filled[j] == pytest.approx(filled)
        assert columns.size[j] == pytest.approx(size)
        assert columns.varies[j] == varies
    np.testing.assert_array_equal(
        columns.incomplete, np.flatnonzero(np.isnan(X).any(axis=0))
    )


@given(st.integers(0, 2**31))
def test_sparse_samples_have_the_statistics_of_dense_ones_bit_for_bit(seed):
    X = np.nan_to_num(gappy(seed))
    for a, b in zip(columns_of(X), columns_of(SparseRows(csr_array(X))), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("factor", [1e-3, 0.7, 1e3])
def test_a_change_of_units_changes_no_inputs(factor):
    X = gappy(0)
    for net, other in zip(
        make_default_nets(X, 3),
        make_default_nets(X * np.float32(factor), 3),
        strict=True,
    ):
        inputs = net.initialize().module_.inputs(torch.as_tensor(X))
        again = other.initialize().module_.inputs(
            torch.as_tensor(X * np.float32(factor))
        )
        torch.testing.assert_close(inputs, again, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("n_columns", [12, 100, 3000])
@pytest.mark.parametrize("filled", [1.0, 0.3, 0.05])
def test_inputs_of_linear_nets_have_the_same_mean_squared_norm(n_columns, filled):
    rng = np.random.RandomState(0)
    X = rng.normal(1.0, 0.2, (500, n_columns)) * 10 ** rng.normal(size=n_columns)
    X = (X * (rng.random_sample(X.shape) < filled)).astype(np.float32)
    *nets, mlp = make_default_nets(X, 4)
    assert mlp.module is MLP
    assert len(nets) == (0 if n_columns < 500 / 8 else 2 if filled < 0.1 else 1)
    for net in nets:
        module = net.initialize().module_
        assert type(module) is Linear
        inputs = module.gain * module.inputs(torch.as_tensor(X))
        norm = float(inputs.square().sum(dim=1).mean())
        assert norm == pytest.approx(10.0, rel=0.02)


def test_a_linear_net_begins_with_no_opinion():
    X = np.random.RandomState(0).normal(size=(20, 5)).astype(np.float32)
    logits = make_default_nets(X, 3)[0].initialize().module_(torch.as_tensor(X))
    assert not logits.detach().any()


@pytest.mark.parametrize("value", [0.0, 5.0, np.nan])
def test_constant_samples_give_finite_logits(value):
    X = np.full((20, 3), value, dtype=np.float32)
    for net in make_default_nets(X, 2):
        assert net.initialize().module_(torch.as_tensor(X)).isfinite().all()
