import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from reference import influence_by_loops

from skgex._data.label_coding import ClassLabels, RegressionTargets
from skgex._ensemble.statistics import (
    LOWEST,
    MAX_LOSS,
    finite_losses,
    influence,
    log_likelihood,
    log_likelihoods,
    loss_deviations,
    mean_over_members,
    relative_losses,
    self_influence,
    standard_error,
)

losses_arrays = arrays(
    np.float64,
    array_shapes(min_dims=2, max_dims=2, max_side=5),
    elements=st.floats(0, 50),
)


@given(losses_arrays)
def test_influence_equals_the_double_sum(losses):
    reference = losses[:, 0] / 2 + 1
    other, other_reference = losses[::-1] * 3, reference[::-1]
    given_influence = influence(
        loss_deviations(losses, reference), loss_deviations(other, other_reference)
    )
    expected = influence_by_loops(losses, reference, other, other_reference)
    np.testing.assert_allclose(given_influence, expected, rtol=1e-9, atol=1e-9)


@given(losses_arrays)
def test_self_influence_is_the_diagonal_of_influence(losses):
    deviations = loss_deviations(losses, losses.min(axis=1))
    np.testing.assert_allclose(
        self_influence(deviations), np.diag(influence(deviations, deviations))
    )


@given(losses_arrays, st.randoms(use_true_random=False))
def test_the_order_of_members_does_not_matter(losses, random):
    order = random.sample(range(losses.shape[1]), losses.shape[1])
    deviations = loss_deviations(losses, losses.min(axis=1))
    np.testing.assert_allclose(
        self_influence(deviations), self_influence(deviations[:, order]), rtol=1e-12
    )


def test_float32_is_summed_in_float64():
    losses = np.full((1, 3000), np.float32(0.1))
    assert mean_over_members(losses, None).dtype == np.float64
    assert mean_over_members(losses, None)[0] == pytest.approx(float(losses[0, 0]))
    assert self_influence(losses)[0] == pytest.approx(float(losses[0, 0]) ** 2)


def test_only_members_that_count_are_averaged():
    losses = np.array([[1.0, 2.0, 6.0], [3.0, 5.0, 7.0]])
    counted = np.array([[True, False, True], [False, True, False]])
    np.testing.assert_array_equal(mean_over_members(losses, counted), [3.5, 5.0])
    deviations = loss_deviations(losses, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(self_influence(deviations, counted), [12.5, 9.0])


@given(losses_arrays, st.integers(0, 2**31))
def test_standard_error_by_a_loop(losses, seed):
    counted = np.random.RandomState(seed).rand(*losses.shape) < 0.6
    counted[np.arange(len(losses)), seed % losses.shape[1]] = True
    for mask in (counted, None):
        with np.errstate(divide="raise", invalid="raise"):
            errors = standard_error(losses, mask)
        for i, row in enumerate(losses):
            values = [v for m, v in enumerate(row) if mask is None or mask[i, m]]
            expected = np.nan
            if len(values) > 1:
                expected = statistics.stdev(values) / len(values) ** 0.5
            assert errors[i] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_standard_error_of_float32_is_taken_in_float64():
    losses = np.array([[0.1, 0.1 + 1e-7]], dtype=np.float32)
    errors = standard_error(losses, None)
    assert errors.dtype == np.float64
    assert errors[0] == pytest.approx(abs(np.diff(losses.astype(float))[0, 0]) / 2)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_standard_error_squared_is_the_variance_of_means_on_average(share):
    rng = np.random.RandomState(0)
    losses = rng.gamma(0.5, 2.0, size=(20000, 6))  # as skewed as losses are
    counted = rng.rand(*losses.shape) < share
    counted[:, :2] = True
    means = mean_over_members(losses, counted)
    truth = np.square(means - 1.0).mean()  # 1 is the mean of the distribution
    errors = standard_error(losses, counted)
    assert np.square(errors).mean() == pytest.approx(truth, rel=0.06)


def test_the_floor_applies_to_the_reference_loss_only():
    losses, reference = np.array([[0.01, 0.2], [0.3, 0.4]]), np.array([0.0, 0.1])
    np.testing.assert_allclose(
        loss_deviations(losses, reference, 0.05), [[-0.04, 0.15], [0.2, 0.3]]
    )


def test_without_a_floor_a_loss_may_be_negative():
    losses, reference = np.array([[0.01, 0.2], [0.3, 0.4]]), np.array([0.0, 0.1])
    np.testing.assert_allclose(
        loss_deviations(losses - 5, reference - 5), losses - reference[:, None]
    )


def test_a_probability_of_zero_counts_as_the_smallest_float32():
    assert log_likelihood(np.array([0.0]))[0] == pytest.approx(-87.336, abs=1e-3)
    assert log_likelihood(np.array([0.5]))[0] == np.log(0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_that_overflowed_become_the_largest(dtype):
    losses = np.array([1.0, np.nan, np.inf], dtype=dtype)
    finite = finite_losses(losses)
    assert finite.dtype == dtype
    np.testing.assert_allclose(finite, [1.0, MAX_LOSS, MAX_LOSS], rtol=1e-6)


def test_the_largest_is_that_of_the_row_but_no_less_than_of_a_probability_of_zero():
    losses = np.array([[1.0, 200, np.inf], [1, 2, np.nan], [3, 4, 5]])
    expected = [[1, 200, 200], [1, 2, MAX_LOSS], [3, 4, 5]]
    np.testing.assert_array_equal(finite_losses(losses), expected)
    by_token = np.stack([losses, np.zeros_like(losses)], axis=1)
    filled = np.stack([expected, np.zeros_like(losses)], axis=1)
    np.testing.assert_array_equal(finite_losses(by_token), filled)
    whole = losses[2:]
    assert finite_losses(whole) is whole


def test_a_class_is_as_likely_as_its_probability():
    outputs = np.array([[0.5, 0.5], [0.75, 0.25], [0.9, 0.1], [1.0, 0.0], [np.nan] * 2])
    codes, losses = np.array([0, 1, -1, 1, 0]), np.ones((5, 1))
    found = log_likelihoods(ClassLabels(np.arange(2)), codes, outputs, losses)
    expected = [np.log(0.5), np.log(0.25), -MAX_LOSS, -MAX_LOSS, -MAX_LOSS]
    np.testing.assert_allclose(found, expected)


def test_a_regression_target_is_as_likely_as_the_mean_of_its_densities():
    losses = np.array(
        [
            [0.5, 1.5],
            [-2000.0, -2000.0],
            [80.0, 95.0],
            [2000.0, 2000.0 + np.log(3)],
            [1.0, np.inf],
            [3000.0, np.nan],
            [np.inf, np.nan],
        ],
        dtype=np.float64,
    )
    found = log_likelihoods(RegressionTargets(np.float64, ()), None, None, losses)
    expected = [
        np.log((np.exp(-0.5) + np.exp(-1.5)) / 2),
        2000.0,
        -80 + np.log((1 + np.exp(-15)) / 2),
        -2000 + np.log((1 + 1 / 3) / 2),
        -1 - np.log(2),
        -3000 - np.log(2),
        LOWEST,
    ]
    np.testing.assert_allclose(found, expected)
    assert np.isfinite(LOWEST**2)


@given(losses_arrays, st.integers(2, 5), st.integers(0, 2**31))
def test_relative_losses_are_divided_by_one_plus_entropy_in_bits(
    losses, n_classes, seed
):
    rng = np.random.RandomState(seed)
    probabilities = rng.dirichlet(np.full(n_classes, 0.3), size=len(losses))
    probabilities[0] = np.eye(n_classes)[0]  # certain: the loss itself
    given_losses = relative_losses(losses, probabilities)
    np.testing.assert_array_equal(given_losses[0], losses[0])
    for i, row in enumerate(probabilities):
        bits = -sum(p * np.log2(p) for p in row if p > 0)
        np.testing.assert_allclose(given_losses[i], losses[i] / (1 + bits))


@pytest.mark.parametrize("row", [[1 + 1e-7, 0.0], [1.0, -1e-9]])
def test_probabilities_that_rounding_takes_out_of_bounds_are_certain(row):
    assert relative_losses(np.array([[3.0]]), np.array([row])) == 3.0


def test_an_even_guess_among_four_classes_has_two_bits():
    assert relative_losses(np.array([[3.0]]), np.full((1, 4), 0.25)) == 1.0
