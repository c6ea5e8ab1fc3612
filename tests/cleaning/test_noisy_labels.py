"""Explanations of labels, against Bayes' rule in loops, and against drawn noise."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skgex.cleaning._noisy_labels import (
    N_STEPS,
    SHARPNESS,
    SMOOTHING,
    explain,
    highest_noise_rate,
)
from skgex.datasets import flip_labels
from skgex.detection._noise_rate import flow_of


def drawn(n_rows, n_classes, noise_rate, seed=0, concentration=0.2):
    """Class probabilities, and labels drawn by them of which a share is changed."""
    rng = np.random.RandomState(seed)
    probabilities = rng.dirichlet(np.full(n_classes, concentration), n_rows)
    steps = probabilities.cumsum(axis=1) < rng.random_sample((n_rows, 1))
    true = np.minimum(steps.sum(axis=1), n_classes - 1)
    return probabilities, flip_labels(true, noise_rate, random_state=seed)[0]


def halves(n_rows):
    rows = np.arange(n_rows)
    return [(rows[::2], rows[1::2]), (rows[1::2], rows[::2])]


def even(n_classes):
    """Wrong labels go to all other classes alike."""
    return flow_of(None, n_classes)


def some_flow(n_classes):
    """Wrong labels go to some classes more often than to others."""
    matrix = np.random.RandomState(0).random_sample((n_classes, n_classes)) + 0.1
    return flow_of(matrix, n_classes)


def joint(probabilities, power, rate, label, flow):
    """P(true class, given label) of one row, by the matrix of the noise."""
    n_classes = len(probabilities)
    powers = [(p + SMOOTHING) ** power for p in probabilities]
    given_true = [
        1 - rate if true == label else rate * flow[true, label]
        for true in range(n_classes)
    ]
    return [p / sum(powers) * g for p, g in zip(powers, given_true, strict=True)]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_it_is_bayes_rule_with_the_rate_and_power_that_fit_the_other_folds(n_classes):
    probabilities, codes = drawn(60, n_classes, 0.2)
    folds, highest, flow = halves(60), 0.3, some_flow(n_classes)
    found = explain(probabilities, codes, folds, highest, flow)
    rates = []
    for seen, left_out in folds:
        grid = [highest * step / N_STEPS for step in range(N_STEPS + 1)]

        def loss(pair, rows=seen):
            return -sum(
                np.log(sum(joint(probabilities[row], *pair, codes[row], flow)))
                for row in rows
            )

        power, rate = min(itertools.product(SHARPNESS, grid), key=loss)
        rates.append(rate)
        for row in left_out:
            expected = joint(probabilities[row], power, rate, codes[row], flow)
            total = sum(expected)
            np.testing.assert_allclose(found.log_likelihoods[row], np.log(total))
            np.testing.assert_allclose(found.posterior[row], expected / total)
    assert found.noise_rate == pytest.approx(np.mean(rates))


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("noise_rate", [0.0, 0.1, 0.3])
def test_the_rate_of_drawn_noise_is_found_however_much_classes_overlap(
    n_classes, noise_rate
):
    for concentration in (0.1, 0.5):
        probabilities, codes = drawn(4000, n_classes, noise_rate, 0, concentration)
        found = explain(probabilities, codes, halves(4000), 1.0, even(n_classes))
        assert found.noise_rate == pytest.approx(noise_rate, abs=0.03)
        highest = highest_noise_rate(probabilities, codes)
        assert highest > noise_rate - 0.02


def test_probabilities_that_are_too_timid_hide_no_noise():
    probabilities, codes = drawn(4000, 3, 0.2, concentration=0.1)
    timid = (probabilities + SMOOTHING) ** 0.5
    timid /= timid.sum(axis=1, keepdims=True)
    found = explain(timid, codes, halves(4000), 1.0, even(3))
    assert found.noise_rate == pytest.approx(0.2, abs=0.03)


def test_the_surest_rows_bound_the_rate_where_classes_overlap():
    """Four in ten labels disagree, but few of those that are sure."""
    probabilities, codes = drawn(4000, 2, 0.0, concentration=1.0)
    disagree = (probabilities.argmax(axis=1) != codes).mean()
    assert disagree > 0.2
    assert highest_noise_rate(probabilities, codes) < 0.06


def test_without_noise_the_labels_are_explained_by_their_probabilities():
    probabilities, codes = drawn(50, 3, 0.0)
    found = explain(probabilities, codes, halves(50), 0.0, even(3))
    assert found.noise_rate == 0
    np.testing.assert_array_equal(found.posterior, np.eye(3)[codes])


@given(st.integers(2, 5), st.integers(0, 99), st.floats(0, 1))
def test_posteriors_are_probabilities(n_classes, seed, highest):
    probabilities, codes = drawn(20, n_classes, 0.2, seed)
    found = explain(probabilities, codes, halves(20), highest, some_flow(n_classes))
    assert (found.posterior >= 0).all()
    np.testing.assert_allclose(found.posterior.sum(axis=1), 1)
    assert 0 <= found.noise_rate <= min(highest, 1 - 1 / n_classes)
    assert (found.log_likelihoods <= 1e-12).all()


def test_labels_that_go_to_the_next_class_are_explained_by_that_flow():
    """To an even flow they look like overlap."""
    probabilities, true = drawn(4000, 4, 0.0, concentration=0.2)
    rng = np.random.RandomState(1)
    codes = np.where(rng.random_sample(4000) < 0.2, (true + 1) % 4, true)
    pairs = 0.8 * np.eye(4) + 0.2 * np.roll(np.eye(4), 1, axis=1)
    flow = flow_of(pairs, 4)
    np.testing.assert_allclose(flow, np.roll(np.eye(4), 1, axis=1))
    found = explain(probabilities, codes, halves(4000), 1.0, flow)
    assert found.noise_rate == pytest.approx(0.2, abs=0.03)
    blind = explain(probabilities, codes, halves(4000), 1.0, even(4))
    assert found.log_likelihoods.mean() > blind.log_likelihoods.mean() + 0.05
