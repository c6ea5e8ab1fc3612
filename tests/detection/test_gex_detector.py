import numpy as np
import pytest
from detecting import fit, losses_under, new_rows, odds, relative
from reference import influence_by_loops
from sklearn.metrics import average_precision_score
from tiny import (
    learner,
)

from skgex._nets.snapshot import revive


@pytest.fixture(scope="module")
def losses(data, detector):
    """Losses of the fitted rows: under each member, and under the trained net."""
    X, y, _ = data
    members = [losses_under(detector, m, X, y) for m in detector.ensemble_.members]
    star = losses_under(detector, detector.ensemble_.trained.weights, X, y)
    return np.stack(members, axis=1), star


def test_influence_equals_the_double_sum(data, detector, losses):
    X, y, _ = data
    X_new, y_new = new_rows(data)
    new = (
        [losses_under(detector, m, X_new, y_new) for m in detector.ensemble_.members],
        losses_under(detector, detector.ensemble_.trained.weights, X_new, y_new),
    )
    expected = influence_by_loops(*losses, np.stack(new[0], axis=1), new[1])
    given = detector.influence(X, y, X_new, y_new)
    assert given.shape == (60, 15)
    assert given.dtype == np.float64
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-6)


def test_the_map_its_norm_and_the_influence_agree(data, detector, losses):
    X, y, _ = data
    deviations = detector.transform(X, y)
    assert deviations.shape == (60, 3)
    assert deviations.dtype == np.float32
    np.testing.assert_allclose(deviations, losses[0] - losses[1][:, None], atol=1e-6)
    norms = (deviations.astype(float) ** 2).sum(axis=1) / 3
    np.testing.assert_allclose(detector.self_influence(X, y), norms)
    np.testing.assert_allclose(np.diag(detector.influence(X, y, X, y)), norms)
    np.testing.assert_array_equal(detector.self_influence_, detector.self_influence(X))


def test_relative_loss_is_what_is_ranked_by_default(data, detector, losses):
    X, y, _ = data
    expected = relative(losses[0].mean(axis=1), detector.predict_proba(X))
    expected *= odds(detector, X, y)
    np.testing.assert_allclose(detector.scores_, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(detector.scores_, detector.scores(X, y))
    assert detector.scores_.dtype == np.float64


def test_mean_loss_can_be_what_is_ranked(data, losses):
    X, y, _ = data
    detector = fit(X, y, statistic="mean_loss")
    np.testing.assert_allclose(detector.scores_, losses[0].mean(axis=1), atol=1e-6)
    np.testing.assert_array_equal(detector.scores_, detector.scores(X, y))


def test_self_influence_can_be_what_is_ranked(data):
    X, y, _ = data
    memorised = learner(max_epochs=150, module__hidden=64)
    detector = fit(X, y, memorised, statistic="self_influence", n_steps=2)
    np.testing.assert_array_equal(detector.scores_, detector.self_influence_)
    np.testing.assert_array_equal(detector.scores(X), detector.self_influence(X))


def test_floor_under_the_loss_of_the_trained_net(data, losses):
    X, y, _ = data
    detector = fit(X, y, loss_floor=0.5)
    expected = losses[0] - np.maximum(losses[1], 0.5)[:, None]
    np.testing.assert_allclose(detector.transform(X, y), expected, atol=1e-6)


def test_score_is_the_mean_log_of_the_mean_probability(data, detector):
    X_new, y_new = new_rows(data)
    members = [
        revive(detector.ensemble_.trained._replace(weights=m))
        for m in detector.ensemble_.members
    ]
    mean = np.mean([net.predict_proba(X_new.astype("f")) for net in members], axis=0)
    np.testing.assert_allclose(detector.predict_proba(X_new), mean, atol=1e-6)
    each = np.log([row[label] for row, label in zip(mean, y_new, strict=True)])
    assert detector.score(X_new, y_new) == pytest.approx(each.mean(), abs=1e-6)
    assert type(detector.score(X_new, y_new)) is float
    weights = np.arange(15.0)
    assert detector.score(X_new, y_new, sample_weight=weights) == pytest.approx(
        (weights * each).sum() / weights.sum(), abs=1e-6
    )


def test_suggested_labels_are_what_the_ensemble_prefers(data, detector):
    X, _, noise_mask = data
    suggested = detector.suggested_labels_
    np.testing.assert_array_equal(suggested, detector.predict_proba(X).argmax(axis=1))
    clean = np.arange(60) % 3
    assert (suggested == clean)[noise_mask].mean() >= 0.8


def test_planted_flips_rank_high(data, detector):
    assert average_precision_score(data[2], detector.scores_) > 0.85


def test_a_member_left_out_counts(data):
    """Rows are judged by the members that did not train on them."""
    X, y, _ = data
    detector = fit(X, y, max_samples=0.5, n_members=6)
    counted = detector._fitted.evaluation.counted
    assert 0 < counted.mean() < 1
    under = np.stack(
        [losses_under(detector, m, X, y) for m in detector.ensemble_.members], axis=1
    )
    probabilities = [
        revive(detector.ensemble_.trained._replace(weights=m)).predict_proba(
            X.astype(np.float32)
        )
        for m in detector.ensemble_.members
    ]
    lift = odds(detector, X, y)
    for i in range(60):
        chosen = np.flatnonzero(counted[i])
        mean = detector.predict_proba(X[i : i + 1])
        (expected,) = relative([under[i, chosen].mean()], mean)
        expected *= lift[i]
        assert detector.scores_[i] == pytest.approx(expected, rel=1e-5, abs=1e-6)
        np.testing.assert_allclose(
            detector.predict_proba(X[i : i + 1])[0],
            np.mean([probabilities[m][i] for m in chosen], axis=0),
            atol=1e-6,
        )
    new = detector.scores(*new_rows(data))  # all members count for new rows
    X_new, y_new = new_rows(data)
    all_members = [
        losses_under(detector, m, X_new, y_new) for m in detector.ensemble_.members
    ]
    means = np.mean(all_members, axis=0)
    expected = relative(means, detector.predict_proba(X_new))
    expected *= odds(detector, X_new, y_new)
    np.testing.assert_allclose(new, expected, atol=1e-5)
