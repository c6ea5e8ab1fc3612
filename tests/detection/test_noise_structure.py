"""Where wrong labels go, against loops and scipy's distribution."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import dirichlet_multinomial

from skgex.detection._noise_structure import (
    CONCENTRATIONS,
    NoiseStructure,
    fit_noise_structure,
    log_likelihoods,
    structure_of,
)


def make_counts(n_classes, kind, n_wrong, seed=0):
    """Counts of wrong labels that go everywhere alike, or to the next class."""
    rng = np.random.RandomState(seed)
    true = rng.randint(n_classes, size=n_wrong)
    steps = 1 if kind == "pair" else rng.randint(1, n_classes, size=n_wrong)
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (true, (true + steps) % n_classes), 1)
    return counts


@st.composite
def noisy_rows(draw):
    """Scores, probabilities and labels of some rows."""
    n_classes, n_rows = draw(st.integers(3, 5)), draw(st.integers(2, 40))
    rng = np.random.RandomState(draw(st.integers(0, 999)))
    probabilities = rng.dirichlet(np.full(n_classes, 0.3), n_rows)
    codes = rng.randint(n_classes, size=n_rows)
    return rng.gamma(1.0, size=n_rows), probabilities, codes


def by_loops(scores, probabilities, codes, cut):
    """Return lift and weight as the formulas say, one number at a time."""
    n_rows, n_classes = probabilities.shape
    k = n_classes - 1
    preferred = [int(p.argmax()) for p in probabilities]
    wrong = [i for i in range(n_rows) if preferred[i] != codes[i]]
    n_surest = sum(scores[i] > cut for i in wrong) // 2
    if not n_surest:
        return None
    lifted = list(scores)
    for _ in range(2):
        surest = sorted(wrong, key=lambda i: -lifted[i])[:n_surest]
        counts = [[0] * n_classes for _ in range(n_classes)]
        for i in surest:
            counts[preferred[i]][codes[i]] += 1
        best, found = -math.inf, []
        for alpha in CONCENTRATIONS:
            likelihood = 0.0
            for c, row in enumerate(counts):
                others = [n for j, n in enumerate(row) if j != c]
                likelihood += math.lgamma(alpha) - math.lgamma(sum(others) + alpha)
                for n in others:
                    likelihood += math.lgamma(n + alpha / k) - math.lgamma(alpha / k)
            found.append(likelihood)
            best = max(best, likelihood)
        # Of equals, the largest.
        alpha, largest = (
            max(a for a, f in zip(CONCENTRATIONS, found, strict=True) if f > best - d)
            for d in (1e-9, 2)
        )
        weight = 1 / (1 + largest)
        lift = np.ones((n_classes, n_classes))
        for c in range(n_classes):
            for j in range(n_classes):
                if c != j:
                    share = (counts[c][j] + alpha / k) / (sum(counts[c]) + alpha)
                    lift[c, j] = k * share
        for i in range(n_rows):
            rest = [c for c in range(n_classes) if c != codes[i]]
            total = sum(probabilities[i, c] for c in rest)
            mean = sum(probabilities[i, c] / total * lift[c, codes[i]] for c in rest)
            lifted[i] = math.exp(math.log(scores[i]) + weight * math.log(mean))
    return lift, weight, lifted


@given(noisy_rows(), st.floats(0, 2))
@settings(max_examples=30, deadline=None)
def test_it_is_that_of_a_loop(rows, cut):
    scores, probabilities, codes = rows
    structure = fit_noise_structure(*rows, cut)
    expected = by_loops(*rows, cut)
    if expected is None:
        assert structure is None
        return
    lift, weight, lifted = expected
    np.testing.assert_allclose(structure.lift, lift, rtol=1e-9)
    assert structure.weight == pytest.approx(weight)
    odds = structure.odds(probabilities, codes)
    np.testing.assert_allclose(scores * odds, lifted, rtol=1e-9)


@given(st.integers(3, 6), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_the_likelihood_is_that_of_scipy(n_classes, seed):
    counts = make_counts(n_classes, "even", 30, seed)
    alphas = np.array([0.2, 3.0, 500.0])
    others = counts[~np.eye(n_classes, dtype=bool)].reshape(n_classes, -1).astype(int)
    expected = [
        sum(
            dirichlet_multinomial.logpmf(
                row, np.full(len(row), a / len(row)), row.sum()
            )
            for row in others
        )
        for a in alphas
    ]
    # Up to a constant.
    given = log_likelihoods(counts, alphas)
    np.testing.assert_allclose(np.diff(given), np.diff(expected), rtol=1e-7)


def test_even_flips_have_no_structure():
    structure = structure_of(make_counts(10, "even", 2000))
    assert structure.weight == pytest.approx(1 / (1 + CONCENTRATIONS[-1]))
    odds = structure.odds(np.full((10, 10), 0.1), np.arange(10))
    np.testing.assert_allclose(odds, 1.0, atol=1e-3)


@pytest.mark.parametrize(("n_classes", "n_wrong"), [(3, 30), (10, 90), (26, 400)])
def test_pairs_are_found(n_classes, n_wrong):
    structure = structure_of(make_counts(n_classes, "pair", n_wrong))
    assert structure.weight > 0.3
    assert (
        structure.lift.argmax(axis=1) == (np.arange(n_classes) + 1) % n_classes
    ).all()


def test_a_few_rows_prove_little():
    few, many = (structure_of(make_counts(5, "pair", n)).weight for n in (3, 100))
    assert few < many / 2


@given(noisy_rows(), st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_neither_the_order_of_rows_nor_the_names_of_classes_matter(rows, seed):
    scores, probabilities, codes = rows
    rng = np.random.RandomState(seed)
    order, names = rng.permutation(len(codes)), rng.permutation(probabilities.shape[1])
    structure = fit_noise_structure(*rows, 0.5)
    columns = np.argsort(names)
    other = fit_noise_structure(
        scores[order], probabilities[order][:, columns], names[codes[order]], 0.5
    )
    if structure is None:
        assert other is None
        return
    assert other.weight == pytest.approx(structure.weight)
    np.testing.assert_allclose(other.lift, structure.lift[np.ix_(columns, columns)])


def test_what_is_not_known_changes_nothing():
    structure = NoiseStructure(np.array([[1, 2, 0.1], [1, 1, 1], [0.5, 1.5, 1]]), 1.0)
    # Of the second row one is a bit below 0, as by rounding.
    probabilities = np.array([[0.9, 0.1, 0.0], [1.0, -1e-9, 0.0], [1.0, 0.0, 0.0]])
    odds = structure.odds(probabilities, np.array([-1, 0, 1]))
    # No class; no other class is possible, so that all are alike; class 0 alone.
    np.testing.assert_allclose(odds, [1, (1 + 0.5) / 2, 2])


@pytest.mark.parametrize(("n_classes", "cut"), [(2, 0.0), (3, 0.5), (3, 1e9)])
def test_there_may_be_nothing_to_learn(n_classes, cut):
    rng = np.random.RandomState(0)
    probabilities = rng.dirichlet(np.ones(n_classes), 20)
    codes = rng.randint(n_classes, size=20)
    assert fit_noise_structure(np.full(20, 0.5), probabilities, codes, cut) is None
