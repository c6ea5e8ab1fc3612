import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skgex.datasets import flip_labels

kinds = st.sampled_from(["symmetric", "pair", "uniform"])


@given(
    n_rows=st.integers(4, 60),
    n_classes=st.integers(2, 4),
    rate=st.floats(0, 1),
    kind=kinds,
    seed=st.integers(0, 1000),
)
def test_the_mask_says_which_labels_changed(n_rows, n_classes, rate, kind, seed):
    y = np.arange(n_rows) % n_classes
    before = y.copy()
    noisy, noise_mask = flip_labels(y, rate, kind, random_state=seed)
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(noise_mask, noisy != y)
    assert noise_mask.dtype == bool
    assert set(noisy) <= set(y)
    drawn = round(rate * n_rows)
    assert noise_mask.sum() <= drawn


@pytest.mark.parametrize("kind", ["symmetric", "pair"])
@pytest.mark.parametrize("rate", [0, 0.1, 0.333, 1])
def test_the_number_of_flips_is_exact(kind, rate):
    y = np.arange(100) % 5
    assert flip_labels(y, rate, kind, random_state=0)[1].sum() == round(100 * rate)


def test_symmetric_flips_go_evenly_to_the_other_classes():
    y = np.zeros(30000, dtype=int)
    y[:4] = [0, 1, 2, 3]
    noisy, noise_mask = flip_labels(y, 0.5, random_state=0)
    shares = np.bincount(noisy[noise_mask & (y == 0)], minlength=4) / 15000
    np.testing.assert_allclose(shares, [0, 1 / 3, 1 / 3, 1 / 3], atol=0.02)


def test_uniform_flips_leave_their_share_as_it_was():
    y = np.arange(30000) % 10
    assert flip_labels(y, 0.5, "uniform", 0)[1].mean() == pytest.approx(0.45, abs=0.01)


def test_pair_flips_go_to_the_next_class():
    y = np.array(["a", "b", "c"] * 5)
    noisy, _ = flip_labels(y, 1, "pair")
    np.testing.assert_array_equal(noisy, ["b", "c", "a"] * 5)


@pytest.mark.parametrize(
    "y",
    [
        ["cat", "dog", "cat", "bird"],
        np.array([3, 7, 3], dtype=np.int8),
        np.array([True, False, True]),
        np.array(["x", "yy"], dtype=object),
    ],
)
def test_the_kind_of_the_labels_is_kept(y):
    noisy, _ = flip_labels(y, 0.5, random_state=0)
    assert noisy.dtype == np.asarray(y).dtype


def test_the_same_seed_the_same_flips_another_others():
    y = np.arange(50) % 5
    first, again, other = (
        flip_labels(y, 0.4, random_state=seed)[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize(
    ("y", "rate", "kind", "message"),
    [
        ([0, 1], 1.5, "symmetric", "rate: must lie in"),
        ([0, 1], -0.1, "symmetric", "rate: must lie in"),
        ([0, 1], float("nan"), "symmetric", "rate: must lie in"),
        ([0, 1], 0.5, "odd", "kind: must be"),
        ([1, 1], 0.5, "symmetric", "2 classes or more, got 1"),
        ([[0, 1], [1, 0]], 0.5, "symmetric", "1d array"),
    ],
)
def test_the_impossible_is_refused_by_name(y, rate, kind, message):
    with pytest.raises(ValueError, match=message):
        flip_labels(y, rate, kind)
