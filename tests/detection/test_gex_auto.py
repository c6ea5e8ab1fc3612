"""As many members as a stable ranking takes."""

import numpy as np
import pytest
from detecting import KINDS, assert_alike, statistics, to_the_end
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from tiny import flip_every, learner, make_blobs

from skgex import GEXDetector, GEXPruner
from skgex._ensemble import growth as _grow
from skgex.exceptions import ConvergenceWarning
from skgex.influence import GEX, _ensemble_map

AUTO = {"n_members": "auto", "n_steps": 4, "lr": 0.1, "random_state": 0}


def auto(kind=GEX, **params):
    return kind(learner(), **{**AUTO, **to_the_end(kind), **params})


@pytest.fixture
def stops(monkeypatch):
    """Sets after how many members the ranking is taken for stable."""

    def set_to(n_members):
        def is_stable(rank, first, second):
            return first.n_members + second.n_members >= n_members

        monkeypatch.setattr(_ensemble_map, "is_stable", is_stable)

    return set_to


@pytest.mark.slow
@pytest.mark.parametrize(
    "params", [{}, {"chain": True}, {"max_samples": 0.6}, {"keep_members": False}]
)
@pytest.mark.parametrize("n_members", [16, 32])
def test_members_are_those_of_the_number_it_stopped_at(
    noisy, work, stops, n_members, params
):
    X, y, _ = noisy
    stops(n_members)
    estimator = auto(GEXDetector, **params).fit(X, y)
    assert estimator.n_members_ == n_members
    assert len(work) == 1 + n_members
    fixed = auto(GEXDetector, **{**params, "n_members": n_members}).fit(X, y)
    assert fixed.n_members_ == n_members
    for name in ("scores_", "scores_std_", "self_influence_", "noise_mask_"):
        np.testing.assert_array_equal(getattr(estimator, name), getattr(fixed, name))
    assert estimator.threshold_ == fixed.threshold_
    if not params.get("keep_members", True):
        assert estimator.ensemble_.members is None
        return
    assert_alike(estimator, fixed, X, y)
    for one, other in zip(
        estimator.ensemble_.members, fixed.ensemble_.members, strict=True
    ):
        for name, value in one["module"].items():
            np.testing.assert_array_equal(value, other["module"][name])


def test_a_ranking_that_is_clear_takes_few_members_and_an_unclear_one_more():
    X, y = make_blobs()
    y, _ = flip_every(y, 10)
    clear = auto(GEXDetector).fit(X, y)
    assert clear.n_members_ == 16
    # Half of the members each row is judged by, and rows apart by that much less.
    unclear = auto(GEXDetector, n_steps=8, max_samples=0.6).fit(X, y)
    assert unclear.n_members_ > 16


@pytest.mark.parametrize(
    ("kind", "rank"),
    [
        (GEX, lambda e: e.self_influence_),
        (GEXPruner, lambda e: -e.self_influence_),
        (GEXDetector, statistics),
    ],
)
def test_it_asks_whether_two_halves_rank_alike(noisy, monkeypatch, kind, rank):
    X, y, _ = noisy
    asked = []

    def stability(first, second):
        asked.append((first, second))
        return 1.0

    monkeypatch.setattr("skgex.influence._ensemble_map.stability", stability)
    estimator = auto(kind).fit(X, y)
    ((first, second),) = asked
    few = auto(kind, n_members=8).fit(X, y)
    np.testing.assert_allclose(first, rank(few), rtol=1e-4, atol=1e-7)
    if kind is not GEXDetector:  # whose scores are divided by each half's own entropy
        mean = (first + second) / 2
        np.testing.assert_allclose(mean, rank(estimator), rtol=1e-6)


def test_no_more_than_the_limit_and_a_word_about_it(work):
    X, y = make_blobs(spread=2.0)
    with pytest.warns(ConvergenceWarning, match="stopped at 64.*% of the rows"):
        estimator = auto().fit(X, flip_every(y, 10)[0])
    assert estimator.n_members_ == 64
    assert len(work) == 1 + 64
    assert estimator.transform(X).shape == (60, 64)


@pytest.mark.slow
@pytest.mark.parametrize("chain", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_from_sixteen_to_auto_and_back(noisy, work, stops, kind, chain):
    X, y, _ = noisy
    stops(32)
    estimator = auto(kind, n_members=16, warm_start=True, chain=chain).fit(X, y)
    estimator.set_params(n_members="auto").fit(X, y)
    assert len(work) == 1 + 32
    assert_alike(estimator, auto(kind, chain=chain).fit(X, y), X, y)
    work.clear()
    estimator.set_params(n_members=16).fit(X, y)
    assert work == []
    assert estimator.n_members_ == 16
    assert_alike(estimator, auto(kind, n_members=16, chain=chain).fit(X, y), X, y)


def test_members_beyond_those_it_begins_with_are_not_forgotten(noisy, work, stops):
    X, y, _ = noisy
    stops(32)
    estimator = auto(n_members=32, warm_start=True).fit(X, y)
    work.clear()
    estimator.set_params(n_members="auto").fit(X, y)
    assert work == []
    assert estimator.n_members_ == 32


def test_memory_serves_it_and_is_served_by_it(noisy, work, stops, tmp_path):
    X, y, _ = noisy
    stops(32)
    memory = {"memory": str(tmp_path)}
    first = auto(**memory).fit(X, y)
    assert len(work) == 1 + 32
    again = auto(**memory).fit(X, y)
    fixed = auto(n_members=20, **memory).fit(X, y)
    assert len(work) == 1 + 32
    assert_alike(again, first, X, y)
    np.testing.assert_array_equal(fixed.transform(X), first.transform(X)[:, :20])


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.slow
def test_jobs_do_not_matter(noisy, stops, monkeypatch, batched):
    X, y, _ = noisy
    stops(32)
    if not batched:
        monkeypatch.setattr(_grow, "can_batch", lambda *_: False)
    assert_alike(auto().fit(X, y), auto(n_jobs=2).fit(X, y), X, y)


def test_it_can_be_searched_over(noisy, tmp_path):
    X, y, _ = noisy
    search = GridSearchCV(
        auto(GEXDetector, memory=str(tmp_path)),
        {"n_members": [2, "auto"]},
        cv=StratifiedKFold(2, shuffle=True, random_state=0),
        error_score="raise",
    )
    search.fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("n_members", ["many", 0, None])
def test_nothing_else_is_a_number_of_members(noisy, n_members):
    with pytest.raises(ValueError, match="n_members"):
        auto(n_members=n_members).fit(*noisy[:2])
