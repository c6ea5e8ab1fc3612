import numpy as np
import pytest

from skgex.datasets import make_three_circles


def test_each_class_lies_on_its_circle():
    X, y = make_three_circles(90, noise=0, random_state=0)
    assert X.shape == (90, 2)
    assert X.dtype == np.float64
    assert y.dtype == np.int64
    np.testing.assert_allclose(np.hypot(*X.T), y + 1)
    np.testing.assert_array_equal(np.bincount(y), [30, 30, 30])


def test_noise_is_the_deviation_of_both_coordinates():
    clean, _ = make_three_circles(30000, noise=0, random_state=0)
    X, _ = make_three_circles(30000, noise=0.2, random_state=0)
    np.testing.assert_allclose((X - clean).std(axis=0), [0.2, 0.2], rtol=0.02)


def test_angles_go_all_around():
    X, _ = make_three_circles(3000, random_state=0)
    assert np.abs(X.mean(axis=0)).max() < 0.15


@pytest.mark.parametrize("n_samples", [1, 10, 300])
def test_circles_are_dealt_evenly(n_samples):
    _, y = make_three_circles(n_samples, random_state=0)
    assert len(y) == n_samples
    assert np.ptp(np.bincount(y, minlength=3)) <= 1


def test_the_same_seed_the_same_points():
    first, again, other = (
        make_three_circles(9, random_state=seed)[0] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_each_circle_can_have_its_own_number_and_radius():
    X, y = make_three_circles((10, 30, 20), 0, random_state=0, radii=(0, 1.5, 4))
    np.testing.assert_array_equal(y, [0] * 10 + [1] * 30 + [2] * 20)
    np.testing.assert_allclose(np.hypot(*X.T), np.array([0, 1.5, 4])[y], atol=1e-12)
