"""Fits that follow each other: by ``warm_start``, and by ``memory``."""

import numpy as np
import pytest
from detecting import KINDS, assert_alike, to_the_end
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from skorch import NeuralNet
from tiny import PairDataset, learner
from watching import watch

from skgex import GEXDetector
from skgex._ensemble import growth as _grow
from skgex.influence import GEX

FAST = {"n_members": 8, "n_steps": 4, "lr": 0.1, "random_state": 0}


def cold(kind, **params):
    return kind(**{"net": learner(), **FAST, **to_the_end(kind), **params})


def warm(kind, **params):
    return cold(kind, warm_start=True, **params)


@pytest.mark.parametrize("chain", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_eight_then_sixteen_are_sixteen(noisy, work, kind, chain):
    X, y, _ = noisy
    estimator = warm(kind, chain=chain).fit(X, y)
    assert work.count("fit") == 1
    assert len(work) == 1 + 8
    estimator.set_params(n_members=16).fit(X, y)
    assert work.count("fit") == 1
    assert len(work) == 1 + 16
    at_once = cold(kind, chain=chain, n_members=16).fit(X, y)
    assert_alike(estimator, at_once, X, y)
    if kind is not GEX:
        np.testing.assert_array_equal(estimator.predict(X), at_once.predict(X))


@pytest.mark.parametrize("kind", KINDS)
def test_fewer_members_cost_no_pass(noisy, work, monkeypatch, kind):
    X, y, _ = noisy
    estimator = warm(kind, lr="auto").fit(X, y)
    lr = estimator.lr_
    work.clear()
    n_rows = []
    watch(
        monkeypatch,
        NeuralNet,
        "infer",
        lambda given: n_rows.append(len(given["x"])),
    )
    estimator.set_params(n_members=3).fit(X, y)
    assert work == []
    assert max(n_rows) == 2  # the check of X and y, by a net that is not trained
    assert estimator.lr_ == lr
    alone = cold(kind, n_members=3, lr=lr).fit(X, y)
    every = 2 if kind is GEXDetector else 1  # others start from the trial
    assert estimator.n_members_ == 3
    np.testing.assert_allclose(
        estimator.transform(X), alone.transform(X)[:, ::every], atol=1e-6
    )


def test_what_follows_from_losses_may_change(noisy, work):
    X, y, _ = noisy
    detector = warm(GEXDetector).fit(X, y)
    work.clear()
    changed = {"threshold": "20%", "loss_floor": 0.05}
    detector.set_params(**changed).fit(X, y)
    assert work == []
    anew = cold(GEXDetector, **changed).fit(X, y)
    np.testing.assert_array_equal(detector.self_influence_, anew.self_influence_)
    np.testing.assert_array_equal(detector.noise_mask_, anew.noise_mask_)


@pytest.mark.parametrize(
    "changed",
    [{"lr": 0.3}, {"n_steps": 7}, {"schedule": "constant"}, {"max_samples": 0.5}],
)
def test_other_members_of_the_same_net(noisy, work, changed):
    X, y, _ = noisy
    estimator = warm(GEX).fit(X, y).set_params(**changed).fit(X, y)
    assert work.count("fit") == 1
    assert len(work) == 1 + 8 + 8
    anew = cold(GEX, **changed).fit(X, y)
    assert_alike(estimator, anew, X, y)


def test_a_fit_without_it_begins_anew(noisy, work):
    X, y, _ = noisy
    estimator = warm(GEX).fit(X, y)
    anew = clone(estimator).fit(X, y)
    assert work.count("fit") == 2
    estimator.set_params(warm_start=False).fit(X[::-1], y[::-1])
    assert work.count("fit") == 3
    np.testing.assert_array_equal(
        anew.self_influence_, warm(GEX).fit(X, y).self_influence_
    )


def test_rows_in_the_type_of_the_net_are_the_same_data(noisy, work):
    X, y, _ = noisy
    coarse = X.astype(np.float32)
    for first, second in [(X, coarse), (coarse, X)]:
        work.clear()
        estimator = warm(GEX).fit(first, y)
        assert len(work) == 1 + 8
        estimator.set_params(n_members=10).fit(second, y)
        assert len(work) == 1 + 10


@pytest.mark.parametrize("change", ["X", "y", "order", "length"])
def test_other_data_are_refused(noisy, work, change):
    X, y, _ = noisy
    estimator = warm(GEX).fit(X, y)
    work.clear()
    others = {
        "X": (np.where(np.arange(len(X)) == 7, 0, X.T).T, y),
        "y": (X, np.roll(y, 1)),
        "order": (X[::-1], y[::-1]),
        "length": (X[:-1], y[:-1]),
    }
    with pytest.raises(ValueError, match=r"warm_start=True .* on other data"):
        estimator.fit(*others[change])
    assert work == []
    assert estimator.fit(X, y).transform(X).shape == (len(X), 8)


def test_a_dataset_is_known_by_its_targets(noisy, work):
    X, y, _ = noisy
    X = X.astype(np.float32)
    estimator = warm(GEX).fit(PairDataset(X, y))
    estimator.set_params(n_members=9).fit(PairDataset(X, y))
    assert work.count("fit") == 1
    assert len(work) == 1 + 9
    with pytest.raises(ValueError, match="on other data"):
        estimator.fit(PairDataset(X, np.roll(y, 1)))
    with pytest.raises(ValueError, match="on other data"):
        estimator.fit(X, y)


@pytest.mark.slow
def test_a_search_does_nothing_twice(noisy, work, tmp_path):
    X, y, _ = noisy
    search = GridSearchCV(
        GEXDetector(learner(), memory=str(tmp_path), random_state=0),
        {"n_members": [2, 4], "n_steps": [3, 4], "lr": [0.1, 0.2]},
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
        refit=False,
    )
    search.fit(X, y)
    # A fold's trial and net; four members of each of four settings: the two are among
    # the four.
    assert work.count("fit") == 2 * 2
    assert len(work) == 2 * 2 + 2 * 4 * 4
    work.clear()
    scores = search.cv_results_["mean_test_score"]
    again = clone(search).fit(X, y)
    assert work == []
    np.testing.assert_array_equal(again.cv_results_["mean_test_score"], scores)
    without = clone(search).set_params(estimator__memory=None).fit(X, y)
    np.testing.assert_allclose(without.cv_results_["mean_test_score"], scores, 1e-5)


def test_memory_asks_the_net_once(noisy, tmp_path, monkeypatch):
    X, y, _ = noisy
    asked = []
    ask = _grow.evaluate_trained
    monkeypatch.setattr(
        _grow, "evaluate_trained", lambda *args: asked.append(1) or ask(*args)
    )
    for kind in KINDS:
        for n_members in (1, 2):
            cold(kind, n_members=n_members, memory=str(tmp_path)).fit(X, y)
    assert len(asked) == 1


def test_members_of_another_net_are_others(noisy, work, tmp_path):
    X, y, _ = noisy
    for net in (learner(), learner(max_epochs=16), learner(batch_size=8)):
        cold(GEX, net=net, n_members=2, memory=str(tmp_path)).fit(X, y)
    assert work.count("fit") == 3
    assert len(work) == 3 + 3 * 2


def test_memory_and_warm_start_go_together(noisy, work, tmp_path):
    X, y, _ = noisy
    estimator = warm(GEX, memory=str(tmp_path)).fit(X, y)
    estimator.set_params(n_members=9).fit(X, y).set_params(n_members=2).fit(X, y)
    assert work.count("fit") == 1
    assert len(work) == 1 + 9


@pytest.mark.parametrize("kind", KINDS)
def test_a_chosen_rate_comes_back_after_a_given_one(noisy, work, kind):
    X, y, _ = noisy
    estimator = warm(kind, lr="auto").fit(X, y)
    chosen, n_fits = estimator.lr_, work.count("fit")
    assert estimator.set_params(lr=chosen / 3).fit(X, y).lr_ == chosen / 3
    assert estimator.set_params(lr="auto").fit(X, y).lr_ == chosen
    assert work.count("fit") == n_fits


@pytest.mark.parametrize("kind", KINDS)
def test_a_rate_that_was_never_chosen_is_chosen(noisy, kind):
    X, y, _ = noisy
    estimator = warm(kind).fit(X, y).set_params(lr="auto").fit(X, y)
    anew = cold(kind, lr="auto").fit(X, y)
    assert estimator.lr_ == anew.lr_
    assert_alike(estimator, anew, X, y)
