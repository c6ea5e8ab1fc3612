"""Pulls between rows, against loops in float64 and rows whose pulls are known."""

import math

import numpy as np
import pytest

from skgex.detection import _pulls
from skgex.detection._pulls import hardest_pulls, log_odds

N_ROWS, N_MEMBERS, N_CLASSES = 30, 6, 3


@pytest.fixture
def answers():
    rng = np.random.RandomState(0)
    losses = rng.gamma(1.0, 2.0, (N_ROWS, N_MEMBERS)).astype(np.float32)
    probabilities = rng.dirichlet(np.ones(N_CLASSES), N_ROWS).astype(np.float32)
    return losses, probabilities, rng.randint(N_CLASSES, size=N_ROWS)


def pull_by_hand(losses, probabilities, z, other):
    """The definition, for one pair."""

    def odds(i):
        p = [math.exp(-float(loss)) for loss in losses[i]]
        return [math.log(q / (1 - q)) for q in p]

    def mean(values):
        return sum(values) / len(values)

    a, b = odds(z), odds(other)
    a, b = [v - mean(a) for v in a], [v - mean(b) for v in b]
    covariance = mean([u * v for u, v in zip(a, b, strict=True)])
    per_deviation = covariance / math.sqrt(mean([v * v for v in b]))
    p, q = ([float(v) for v in probabilities[i]] for i in (z, other))
    overlap = sum(math.sqrt(u * v) for u, v in zip(p, q, strict=True))
    return per_deviation * (overlap / math.sqrt(sum(p) * sum(q))) ** 4


def expected(losses, probabilities, codes, z, n_neighbors, *, wanted):
    """Rows and pulls that a search through all pairs finds, padded."""
    pulls = [
        (pull_by_hand(losses, probabilities, z, other), other)
        for other in range(len(codes))
        if other != z and (codes[other] == codes[z]) == (wanted > 0)
    ]
    pulls = [(pull, other) for pull, other in pulls if wanted * pull > 0]
    pulls = sorted(pulls, key=lambda pair: -wanted * pair[0])[:n_neighbors]
    pulls += [(0.0, -1)] * (n_neighbors - len(pulls))
    return [other for _, other in pulls], [pull for pull, _ in pulls]


# Fewer than pull, and more than there are rows at all.
@pytest.mark.parametrize("n_neighbors", [1, 3, N_ROWS + 5])
def test_the_hardest_pulls_are_those_of_a_loop_over_all_pairs(answers, n_neighbors):
    queried = np.array([7, 0, 29, 7])
    found = hardest_pulls(*answers, queried, n_neighbors)
    for pulls, wanted in zip(found, (1, -1), strict=True):
        assert pulls.rows.shape == pulls.pulls.shape == (4, n_neighbors)
        for k, z in enumerate(queried):
            rows, values = expected(*answers, z, n_neighbors, wanted=wanted)
            np.testing.assert_array_equal(pulls.rows[k], rows)
            np.testing.assert_allclose(pulls.pulls[k], values, rtol=1e-5, atol=1e-9)


def test_blocks_change_nothing(answers, monkeypatch):
    queried = np.arange(N_ROWS)
    whole = hardest_pulls(*answers, queried, 4)
    monkeypatch.setattr(_pulls, "MAX_PAIRS", 7 * N_ROWS + 1)
    for part, all_at_once in zip(
        hardest_pulls(*answers, queried, 4), whole, strict=True
    ):
        np.testing.assert_array_equal(part.rows, all_at_once.rows)
        np.testing.assert_allclose(part.pulls, all_at_once.pulls)


def test_copies_pull_with_all_of_the_deviation(answers):
    losses, probabilities, codes = answers
    codes[:4] = [0, 0, 1, 2]
    identity = np.arange(N_ROWS)
    identity[:3] = 99
    positive, negative = hardest_pulls(
        losses, probabilities, codes, np.array([0]), 2, identity
    )
    scale = log_odds(losses[0]).std()
    assert positive.rows[0, 0] == 1
    assert positive.pulls[0, 0] == pytest.approx(scale)
    assert negative.rows[0, 0] == 2
    assert negative.pulls[0, 0] == pytest.approx(-scale)


def test_two_classes_of_one_row_are_exact_opposites():
    """p and 1 − p are the labels' probabilities: their log-odds sum to zero."""
    rng = np.random.RandomState(0)
    p = rng.uniform(0.05, 0.95, (8, N_MEMBERS))
    losses = -np.log(np.concatenate([p, 1 - p]))
    probabilities = np.tile(np.stack([p.mean(1), 1 - p.mean(1)], axis=1), (2, 1))
    codes = np.repeat([0, 1], 8)
    _, negative = hardest_pulls(losses, probabilities, codes, np.arange(16), 1)
    np.testing.assert_array_equal(negative.rows[:, 0], (np.arange(16) + 8) % 16)
    np.testing.assert_allclose(negative.pulls[:, 0], -log_odds(losses).std(axis=1))


def test_a_row_that_no_member_moves_pulls_nothing_and_is_not_pulled(answers):
    losses, probabilities, codes = answers
    losses[3] = 0.25
    found = hardest_pulls(losses, probabilities, codes, np.arange(N_ROWS), N_ROWS)
    for pulls in found:
        assert (pulls.rows[3] == -1).all()
        assert not pulls.pulls[3].any()
        assert not (pulls.rows == 3).any()


def test_log_odds_of_rounded_and_overflowed_losses_are_finite():
    losses = np.array([0.0, np.log(2), 100.0], dtype=np.float32)
    given = log_odds(losses)
    assert np.isfinite(given).all()
    assert given[1] == pytest.approx(0, abs=1e-6)
    assert given[0] == pytest.approx(-np.log(1e-6), rel=1e-6)
    assert given[2] == pytest.approx(-np.log(1 / np.finfo(np.float32).tiny), rel=1e-6)
