import numpy as np
import pytest
from tiny import AnyWidth, classifier, learner, regressor

from skgex import GEXDetector, GEXPruner
from skgex.pruning import prune_mask

CHEAP = {"n_members": 2, "n_steps": 4, "lr": 0.1, "random_state": 0}


@pytest.mark.parametrize(("prune", "n_pruned"), [(0.25, 15), (7, 7), (0, 0), (0.0, 0)])
def test_lowest_self_influence_goes(noisy, prune, n_pruned):
    X, y, _ = noisy
    pruner = GEXPruner(learner(), prune=prune, class_balance=0, **CHEAP).fit(X, y)
    mask = pruner.prune_mask_
    assert mask.sum() == n_pruned
    lowest = np.sort(pruner.self_influence_)[:n_pruned]
    np.testing.assert_array_equal(np.sort(pruner.self_influence_[mask]), lowest)
    np.testing.assert_array_equal(pruner.predict(X), mask)
    np.testing.assert_array_equal(pruner.predict(X, y), mask)
    np.testing.assert_array_equal(pruner.get_support(), ~mask)
    np.testing.assert_array_equal(
        pruner.get_support(indices=True), np.flatnonzero(~mask)
    )


def test_class_balance_takes_evenly(noisy):
    X, y, _ = noisy
    pruner = GEXPruner(learner(), prune=9, class_balance=1.0, **CHEAP).fit(X, y)
    assert np.bincount(y[pruner.prune_mask_]).tolist() == [3, 3, 3]


def test_half_of_the_rows_are_taken_evenly_unless_told_otherwise(noisy):
    X, y, _ = noisy
    X, y = X[:45], y[:45]  # 8 of 45 rows pruned: 4 evenly from 3 classes, then 4
    pruner = GEXPruner(learner(), prune=8, **CHEAP).fit(X, y)
    influence, first = pruner.self_influence_, np.zeros(45, dtype=bool)
    for label, quota in zip(range(3), [2, 1, 1], strict=True):
        rows = np.flatnonzero(y == label)
        first[rows[np.argsort(influence[rows])[:quota]]] = True
    rest = np.flatnonzero(~first)
    first[rest[np.argsort(influence[rest])[:4]]] = True
    np.testing.assert_array_equal(pruner.prune_mask_, first)


def test_values_have_no_classes_to_be_balanced(noisy):
    X, y, _ = noisy
    net = regressor(module__n_outputs=1)
    pruner = GEXPruner(net, prune=9, **CHEAP).fit(X, y.astype(float))
    lowest = np.argsort(pruner.self_influence_, kind="stable")[:9]
    np.testing.assert_array_equal(np.flatnonzero(pruner.prune_mask_), np.sort(lowest))


def test_transform_keeps_every_row(noisy):
    X, y, _ = noisy
    pruner = GEXPruner(learner(), prune=0.5, **CHEAP)
    assert pruner.fit_transform(X, y).shape == (len(X), 2)


def test_new_rows_are_compared_with_the_pruned_ones(noisy):
    X, y, _ = noisy
    pruner = GEXPruner(learner(), prune=0.5, **CHEAP).fit(X[:50], y[:50])
    influence = pruner.self_influence(X[50:], y[50:])
    expected = influence <= pruner.self_influence_[pruner.prune_mask_].max()
    np.testing.assert_array_equal(pruner.predict(X[50:], y[50:]), expected)


def test_one_ensemble_serves_both_jobs(noisy):
    X, y, _ = noisy
    alike = {"schedule": "constant", "early_stopping": False}
    detector = GEXDetector(learner(), **alike, **CHEAP).fit(X, y)
    pruner = GEXPruner(learner(), prune=0.3, **CHEAP).fit(X, y)
    mask = prune_mask(detector.self_influence_, 0.3, y, class_balance=0.5)
    np.testing.assert_array_equal(mask, pruner.prune_mask_)


def test_noisy_rows_stay_among_the_kept_ones(noisy):
    X, y, noise_mask = noisy
    pruner = GEXPruner(learner(max_epochs=60), prune=0.3, **CHEAP).fit(X, y)
    assert not pruner.prune_mask_[noise_mask].any()


@pytest.mark.parametrize("prune", [60, 61])
def test_refuses_to_prune_all_rows_before_training(noisy, prune):
    X, y, _ = noisy
    pruner = GEXPruner(classifier(AnyWidth, max_epochs=10**9), prune=prune)
    with pytest.raises(ValueError, match="prune: "):
        pruner.fit(X, y)


def test_refuses_class_balance_without_classes_before_training(noisy):
    X, y, _ = noisy
    net = regressor(module__n_outputs=1, max_epochs=10**9)
    with pytest.raises(ValueError, match="labels: "):
        GEXPruner(net, class_balance=0.5).fit(X, y.astype(float))
