"""The rate of noise that held-out labels bear."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax

from skgex.detection import _noise_rate
from skgex.detection._noise_rate import (
    AFTER,
    BEFORE,
    estimate_noise_rate,
    even_flow,
    flow_of,
    log_likelihoods,
    one_way,
    rates,
)


def pair_flow(n_classes):
    """Half of the wrong labels go to the next class."""
    pairs = np.roll(np.eye(n_classes), 1, axis=1)
    return (pairs + even_flow(n_classes)) / 2


def draw(rng, classes):
    """Draw a class per row."""
    return (rng.random_sample((len(classes), 1)) > classes.cumsum(axis=1)).sum(axis=1)


def noisy_labels(rng, classes, rate, flow):
    """Draw labels of rows, and return what an ideal net says of labels as given."""
    mixing = (1 - rate) * np.eye(len(flow)) + rate * flow
    given_proba = classes @ mixing
    return np.minimum(draw(rng, given_proba), len(flow) - 1), given_proba


def sure_classes(rng, n_samples, n_classes):
    """Rows most of which clearly belong to a class."""
    return rng.dirichlet(np.full(n_classes, 0.05), n_samples)


def said_by_a_net(rng, proba, power=1.0):
    """Predictions that err, and are too sure or too timid."""
    logits = power * np.log(np.maximum(proba, 1e-3))
    return softmax(logits + rng.normal(0, 0.3, proba.shape), axis=1)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2, 0.35])
@pytest.mark.parametrize("flow", [even_flow, pair_flow])
@pytest.mark.parametrize("power", [0.6, 1.0, 1.5])
def test_the_rate_of_noise_is_found(n_classes, rate, flow, power):
    """The ensemble's own rate is a bit too high."""
    rng = np.random.RandomState(0)
    classes = sure_classes(rng, 2000, n_classes)
    codes, proba = noisy_labels(rng, classes, rate, flow(n_classes))
    said = said_by_a_net(rng, proba, power)
    found = estimate_noise_rate(codes, said, flow(n_classes), 1.05 * rate + 0.01)
    assert abs(found.mean - rate) < 0.01 + 2 * found.std
    assert found.std < 0.12


def test_overlap_alone_is_no_noise():
    """Half of the rows have an even chance to be either of two classes."""
    rng = np.random.RandomState(0)
    right = rng.choice([0.005, 0.5, 0.995], 2000, p=[0.25, 0.5, 0.25])
    classes = np.column_stack([right, 1 - right])
    codes, proba = noisy_labels(rng, classes, 0.0, even_flow(2))
    found = estimate_noise_rate(codes, proba, even_flow(2), own_rate=0.25)
    assert found.mean < 0.02


def test_what_rows_without_information_leave_is_the_prior():
    """Half of it evenly over all rates, half of it at about the ensemble's own."""
    codes, proba = np.array([0, 1, 2, 3]), np.full((4, 4), 0.25)
    found = estimate_noise_rate(codes, proba, even_flow(4), own_rate=0.2)
    most = rates(4)[-1]
    assert most == 0.6
    about = np.linspace(0.16, 0.22, 10**4)
    over_all = np.linspace(0, most, 10**4)
    mean = (about.mean() + over_all.mean()) / 2
    square = (np.square(about).mean() + np.square(over_all).mean()) / 2
    assert found.mean == pytest.approx(mean, abs=1e-3)
    assert found.std == pytest.approx(np.sqrt(square - mean**2), abs=1e-3)


def test_an_own_rate_above_all_others_says_nothing():
    codes, proba = np.array([0, 1, 2, 3]), np.full((4, 4), 0.25)
    found = estimate_noise_rate(codes, proba, even_flow(4), own_rate=0.9)
    assert found.mean == pytest.approx(rates(4)[-1] / 2)


def test_a_flow_needs_a_matrix_of_the_classes_and_wrong_labels():
    expected = (1 - np.eye(3)) / 2
    for matrix in (None, np.eye(4), np.eye(3)):
        np.testing.assert_array_equal(flow_of(matrix, 3), expected)
    matrix = np.array([[0.5, 0.5, 0], [0, 1, 0], [0.1, 0.1, 0.8]])
    rows = [[0, 1, 0], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    np.testing.assert_allclose(flow_of(matrix, 3), rows)


def test_labels_that_go_one_way_are_no_overlap():
    pairs = np.roll(np.eye(4), 1, axis=1)
    assert one_way(pairs) == 1
    assert one_way(even_flow(4)) == 0
    assert one_way(even_flow(2)) == 0
    assert one_way(0.9 * pairs + 0.1 * even_flow(4)) == pytest.approx(0.8)
    both_ways = np.eye(4)[[1, 0, 3, 2]]
    assert one_way(both_ways) == 0
    codes, proba = np.array([0, 1, 2, 3]), np.full((4, 4), 0.25)
    found = estimate_noise_rate(codes, proba, pairs, own_rate=0.2)
    assert found.mean == pytest.approx(0.19, abs=0.003)  # at about the ensemble's own
    assert found.std < 0.03


def test_a_rate_at_which_labels_say_nothing_is_not_reached():
    assert rates(2)[-1] == pytest.approx(0.45)
    for n_classes in (2, 3, 5):
        least = np.linalg.svd(
            (1 - rates(n_classes)[-1]) * np.eye(n_classes)
            + rates(n_classes)[-1] * even_flow(n_classes)
        )[1].min()
        assert least > 0.05


def brute_log_likelihood(codes, proba, flow, rate, sharpnesses=(1, 2)):
    """Try every sureness before and after, row by row."""
    best = -np.inf
    for sharpness in sharpnesses:
        sharp = np.array([row**sharpness / sum(row**sharpness) for row in flow])
        mixing = (1 - rate) * np.eye(len(flow)) + rate * sharp
        for before in BEFORE:
            for after in AFTER:
                total = 0.0
                for code, row in zip(codes, proba, strict=True):
                    said = row**before / sum(row**before)
                    classes = np.linalg.solve(mixing.T, said)
                    classes = np.maximum(classes, 1e-4) / max(classes.max(), 1e-4)
                    classes = classes**after / sum(classes**after)
                    total += np.log(sum(classes * mixing[:, code]))
                best = max(best, total)
    return best


@settings(max_examples=5, deadline=None)
@given(st.integers(2, 4), st.sampled_from([0.0, 0.1, 0.3]), st.integers(0, 2**31))
def test_likelihoods_are_those_of_a_loop_over_rows(n_classes, rate, seed):
    rng = np.random.RandomState(seed)
    classes = rng.dirichlet(np.full(n_classes, 0.3), 12)
    flow = even_flow(n_classes) + 0.5 * pair_flow(n_classes)
    flow /= flow.sum(axis=1, keepdims=True)
    codes, proba = noisy_labels(rng, classes, rate, flow)
    proba = np.maximum(proba, 1e-6)
    found = log_likelihoods(codes, proba, flow, np.array([rate]))[0]
    expected = brute_log_likelihood(codes, proba, flow, rate)
    assert found <= expected + 1e-9
    assert found > expected - 0.5  # a local search


def test_the_flow_may_be_sharper_than_it_seems():
    rng = np.random.RandomState(0)
    flow = np.array([[0, 0.7, 0.3], [0.3, 0, 0.7], [0.7, 0.3, 0]])
    sharp = flow**2 / np.square(flow).sum(axis=1, keepdims=True)
    codes, proba = noisy_labels(rng, sure_classes(rng, 100, 3), 0.4, sharp)
    found = log_likelihoods(codes, proba, flow, np.array([0.4]))[0]
    as_it_seems = brute_log_likelihood(codes, proba, flow, 0.4, sharpnesses=(1,))
    assert found > as_it_seems + 0.5


def test_the_rows_that_are_looked_at_go_from_the_first_to_the_last(monkeypatch):
    rng = np.random.RandomState(0)
    codes, proba = noisy_labels(rng, sure_classes(rng, 9, 3), 0.1, even_flow(3))
    given = even_flow(3), np.array([0.1, 0.3])
    expected = log_likelihoods(codes[::2], proba[::2], *given)
    monkeypatch.setattr(_noise_rate, "MAX_PROBABILITIES", 5 * 3)
    np.testing.assert_array_equal(log_likelihoods(codes, proba, *given), expected)


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_the_order_of_rows_and_the_names_of_classes_do_not_matter(seed):
    rng = np.random.RandomState(seed)
    flow = rng.random_sample((3, 3)) * (1 - np.eye(3)) + 1e-3 * even_flow(3)
    flow /= flow.sum(axis=1, keepdims=True)
    codes, proba = noisy_labels(rng, sure_classes(rng, 50, 3), 0.1, flow)
    found = estimate_noise_rate(codes, proba, flow, 0.15)
    rows, names = rng.permutation(50), rng.permutation(3)
    renamed = np.argsort(names)[codes][rows]
    other = estimate_noise_rate(
        renamed, proba[rows][:, names], flow[np.ix_(names, names)], 0.15
    )
    np.testing.assert_allclose(other, found, rtol=1e-6)


def test_of_very_many_rows_some_are_looked_at():
    rng = np.random.RandomState(0)
    codes, proba = noisy_labels(rng, sure_classes(rng, 20_000, 10), 0.1, even_flow(10))
    said = said_by_a_net(rng, proba)
    found = estimate_noise_rate(codes, said, even_flow(10), 0.12)
    assert found.mean == pytest.approx(0.1, abs=0.03)
