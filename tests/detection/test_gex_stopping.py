"""How far GEXDetector trains a net."""

import warnings

import numpy as np
import pytest
from detecting import FAST as QUICK
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score
from tiny import flip_every, learner, make_blobs

from skgex import GEXDetector, GEXPruner
from skgex._utils.random import seeded
from skgex.exceptions import MemorisationWarning
from skgex.influence import GEX

N_EPOCHS = 150
FAST = {**QUICK, "lr": 0.02}


def eager(**params):
    """A net that learns any label by heart."""
    return learner(max_epochs=N_EPOCHS, lr=0.1, module__hidden=64, **params)


@pytest.fixture(scope="module")
def overlapping():
    X, y = make_blobs(180)
    return X, *flip_every(y, 5)


def found(detector, noise_mask):
    return average_precision_score(noise_mask, detector.scores_)


@pytest.mark.slow
def test_more_noise_is_found_before_it_is_learnt_by_heart(overlapping):
    X, y, noise_mask = overlapping
    stopped = GEXDetector(eager(), **FAST).fit(X, y)
    whole = GEXDetector(eager(), early_stopping=False, **FAST).fit(X, y)
    assert stopped.n_epochs_ < whole.n_epochs_ == N_EPOCHS
    assert stopped.memorised_ < whole.memorised_
    assert found(stopped, noise_mask) > found(whole, noise_mask) + 0.1


def test_the_net_is_that_of_so_many_epochs_on_all_rows(overlapping):
    X, y, _ = overlapping
    stopped = GEXDetector(eager(), **FAST).fit(X, y)
    short = eager().set_params(max_epochs=stopped.n_epochs_)
    alone = GEXDetector(short, early_stopping=False, **FAST).fit(X, y)
    # Two of its three members start from the net.
    np.testing.assert_array_equal(stopped.transform(X), alone.transform(X)[:, ::2])


@pytest.mark.slow
def test_what_needs_memory_is_trained_to_the_end(overlapping):
    X, y, _ = overlapping
    kept = GEXDetector(eager(), statistic="self_influence", **FAST)
    with pytest.warns(MemorisationWarning, match=r"fits 9\d% .* train longer"):
        assert kept.fit(X, y).n_epochs_ == N_EPOCHS
    told = GEXDetector(eager(), early_stopping=True, **FAST).fit(X, y)
    assert told.n_epochs_ < N_EPOCHS
    for kind in (GEX, GEXPruner):
        estimator = kind(eager(), **FAST).fit(X, y)
        assert len(estimator.net_.history) == N_EPOCHS


def test_one_trial_serves_the_epochs_and_the_rate(overlapping, work):
    X, y, _ = overlapping
    GEXDetector(eager(), **{**FAST, "lr": "auto"}).fit(X, y)
    assert work.count("fit") == 2


@pytest.mark.parametrize("net", ["frozen", "one epoch"])
def test_there_is_no_trial_where_it_could_change_nothing(overlapping, work, net):
    X, y, _ = overlapping
    if net == "frozen":
        with seeded(0):
            given = FrozenEstimator(learner().fit(X.astype(np.float32), y))
    else:
        given = learner(max_epochs=1)
    work.clear()
    detector = GEXDetector(given, **FAST).fit(X, y)
    assert work.count("fit") == (net == "one epoch")
    assert detector.n_epochs_ == (1 if net == "one epoch" else learner().max_epochs)


@pytest.mark.filterwarnings("ignore::skgex.exceptions.DivergenceWarning")
@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.slow
def test_labels_learnt_by_heart_are_told(overlapping, frozen):
    X, y, _ = overlapping
    rest = {**FAST, "lr": "auto"}
    if frozen:
        with seeded(0):
            net = FrozenEstimator(eager().fit(X.astype(np.float32), y))
    else:
        net, rest = eager(), rest | {"early_stopping": False}
    detector = GEXDetector(net, **rest)
    with pytest.warns(MemorisationWarning, match=r"fits \d+% .* memorised") as caught:
        detector.fit(X, y)
    (told,) = [w for w in caught if w.category is MemorisationWarning]
    assert told.filename == __file__
    assert detector.memorised_ > 0.9
    assert f"fits {detector.memorised_:.0%} of" in str(told.message)


# So sure is the net that members lose nothing but rounding.
@pytest.mark.filterwarnings("ignore::skgex.exceptions.UnmovedMembersWarning")
@pytest.mark.parametrize("case", ["stopped", "predicts as well as it fits"])
def test_labels_that_are_not_learnt_by_heart_are_not_told(overlapping, case):
    X, y, _ = overlapping
    net = eager()
    if case != "stopped":
        X, y = make_blobs(180, spread=0.3)
        with seeded(0):
            net = FrozenEstimator(net.fit(X.astype(np.float32), y))
    with warnings.catch_warnings():
        warnings.simplefilter("error", MemorisationWarning)
        detector = GEXDetector(net, **{**FAST, "lr": "auto"}).fit(X, y)
    assert detector.memorised_ > 0.7
