import numpy as np
import pytest
from tiny import PairDataset, learner

from skgex import GEXDetector, GEXPruner
from skgex.influence import GEX

KINDS = [GEX, GEXDetector, GEXPruner]
FAST = {"n_members": 3, "n_steps": 4, "lr": 0.1, "random_state": 0}


@pytest.fixture(params=KINDS)
def pair(request, noisy):
    """An estimator that forgot its members, and one that did not."""
    X, y, _ = noisy
    kind = request.param
    forgetful = kind(learner(), keep_members=False, **FAST).fit(X, y)
    return forgetful, kind(learner(), **FAST).fit(X, y)


def test_fitted_rows_are_judged_alike(pair, noisy):
    X, y, _ = noisy
    forgetful, other = pair
    assert forgetful.ensemble_.members is None
    rows = np.array([3, 0, 50])
    for asked in ((X,), (X, y), (X[rows], y[rows])):
        for name in ("transform", "self_influence"):
            np.testing.assert_array_equal(
                getattr(forgetful, name)(*asked), getattr(other, name)(*asked)
            )
    np.testing.assert_array_equal(
        forgetful.get_feature_names_out(), other.get_feature_names_out()
    )
    assert forgetful.score(X, y) == other.score(X, y)
    if not isinstance(other, GEXDetector | GEXPruner):
        return
    np.testing.assert_array_equal(forgetful.predict(X), other.predict(X))


def test_new_rows_are_refused(pair, noisy):
    X, y, _ = noisy
    forgetful, _ = pair
    mixed = np.concatenate([X[:4], X[:3] + 1])
    for ask in (
        lambda: forgetful.transform(mixed),
        lambda: forgetful.self_influence(mixed, y[:7]),
        lambda: forgetful.predict_proba(mixed),
        lambda: forgetful.score(mixed, y[:7]),
        lambda: forgetful.influence(X, y, mixed, y[:7]),
    ):
        with pytest.raises(ValueError, match=r"X: 3 rows were not seen .*keep_members"):
            ask()


def test_known_rows_with_other_labels_are_refused(pair, noisy):
    X, y, _ = noisy
    with pytest.raises(ValueError, match=r"X: 60 rows .* with these labels"):
        pair[0].transform(X, (y + 1) % 3)


def test_a_dataset_is_never_known(noisy):
    X, y, _ = noisy
    data = PairDataset(X.astype(np.float32), y)
    forgetful = GEX(learner(), keep_members=False, **FAST).fit(data)
    assert forgetful.self_influence_.shape == (len(X),)
    with pytest.raises(ValueError, match="keep_members=False"):
        forgetful.transform(data)


@pytest.mark.parametrize("chain", [False, True])
def test_more_may_follow(noisy, chain):
    X, y, _ = noisy
    settings = {**FAST, "chain": chain, "keep_members": False}
    few = GEX(learner(), warm_start=True, **settings).fit(X, y)
    few.set_params(n_members=9).fit(X, y)
    at_once = GEX(learner(), **{**settings, "n_members": 9}).fit(X, y)
    np.testing.assert_allclose(few.transform(X), at_once.transform(X), rtol=1e-5)
