import copy

import numpy as np
import pytest
import torch
from detecting import FAST, fit
from sklearn.frozen import FrozenEstimator
from skorch.dataset import ValidSplit
from tiny import BareCriterion, flip_every, learner, make_blobs

from skgex import GEXDetector
from skgex.exceptions import (
    DivergenceWarning,
    HeldOutRowsWarning,
    MemorisationWarning,
    RefitWarning,
    SlowCriterionWarning,
)
from skgex.influence import _ensemble_map


def test_a_net_that_memorised_nothing_is_told_where_it_matters(data):
    X, y, _ = data
    lazy = learner(max_epochs=1)
    with pytest.warns(MemorisationWarning, match="statistic='relative_loss'") as caught:
        GEXDetector(lazy, statistic="self_influence", **FAST).fit(X, y)
    assert caught[0].filename == __file__
    fit(X, y, lazy)  # silent, for the mean loss does not need it


@pytest.mark.filterwarnings("ignore::skgex.exceptions.DivergenceWarning")
def test_a_net_that_memorised_wrong_labels_is_told():
    X, y = make_blobs()
    greedy = learner(max_epochs=100, module__hidden=64)
    settings = {"early_stopping": False, "n_members": 2, "n_steps": 4}
    detector = GEXDetector(greedy, random_state=0, **settings)
    with pytest.warns(MemorisationWarning, match="fits 100% .* has memorised labels"):
        detector.fit(X, flip_every(y, 5)[0])
    assert "has memorised labels" in detector.summary()


def test_members_that_forgot_are_told(data):
    """Their weights decay as those of the net never did, and .87 of it is lost."""
    X, y, _ = data
    settings = {"optimizer": torch.optim.SGD, "lr": 0.5, "max_epochs": 30}
    net = learner(optimizer__weight_decay=0.0, **settings).fit(X.astype(np.float32), y)
    net.optimizer__weight_decay = 6.0
    with pytest.warns(DivergenceWarning, match=r"Most members forgot .* rate 0\.1: "):
        GEXDetector(FrozenEstimator(net), **FAST).fit(X, y)


def test_members_that_diverge_at_every_rate_are_refused(data, monkeypatch):
    X, y, _ = data

    def diverged(evaluation, chance):
        return np.ones(evaluation.n_members, dtype=bool)

    monkeypatch.setattr(_ensemble_map, "diverged", diverged)
    detector = GEXDetector(learner(), **{**FAST, "lr": "auto"})
    with pytest.raises(ValueError, match="lr='auto': all members diverged, at"):
        detector.fit(X, y)
    assert not hasattr(detector, "scores_")


def test_divergence_is_told(data):
    X, y, _ = data
    with pytest.warns(DivergenceWarning, match="3 of 3 members diverged") as caught:
        detector = GEXDetector(learner(), **{**FAST, "lr": 1e4}).fit(X, y)
    assert caught[0].filename == __file__
    assert np.isfinite(detector.scores_).all()
    assert np.isfinite(detector.transform(X)).all()


def test_losses_that_are_not_finite_still_give_an_answer(data):
    X, y, _ = data
    with pytest.warns(DivergenceWarning, match="not finite"):
        detector = fit(X, y, lr=1e30)
    assert np.isfinite(detector.scores_).all()
    assert np.isfinite(detector.score(X, y))


def test_rows_held_out_of_the_training_are_told(data):
    with pytest.warns(HeldOutRowsWarning, match="train_split=None") as caught:
        GEXDetector(learner(train_split=ValidSplit(5)), **FAST).fit(*data[:2])
    assert caught[0].filename == __file__


def test_a_fitted_net_that_is_trained_anew_is_told(data):
    X, y, _ = data
    net = learner().fit(X.astype(np.float32), y)
    state = copy.deepcopy(net.module_.state_dict())
    with pytest.warns(RefitWarning, match="FrozenEstimator") as caught:
        refitted = GEXDetector(net, **FAST).fit(X, y)
    assert caught[0].filename == __file__
    for name, value in net.module_.state_dict().items():
        assert torch.equal(value, state[name])
    fresh = GEXDetector(learner(), **FAST).fit(X, y)
    np.testing.assert_array_equal(refitted.scores_, fresh.scores_)


def test_a_criterion_without_reduction_is_told_to_be_slow(data):
    with pytest.warns(SlowCriterionWarning, match="sample by sample") as caught:
        GEXDetector(learner(criterion=BareCriterion), **FAST).fit(*data[:2])
    assert caught[0].filename == __file__
