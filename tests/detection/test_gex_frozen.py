import copy

import numpy as np
import pytest
import torch
from detecting import fit
from sklearn.frozen import FrozenEstimator
from tiny import (
    learner,
    make_blobs,
)


def test_a_frozen_net_is_the_start_and_stays_as_it_was(data, frozen, trained_learner):
    X, y, _ = data
    state = copy.deepcopy(trained_learner.module_.state_dict())
    training = trained_learner.module_.training
    params = trained_learner.get_params(deep=False)
    detector = fit(X, y, frozen)
    detector.predict(X, y)
    for name, value in trained_learner.module_.state_dict().items():
        assert torch.equal(value, state[name])
        np.testing.assert_array_equal(
            detector.ensemble_.trained.weights["module"][name], value.numpy()
        )
    assert trained_learner.module_.training is training
    assert trained_learner.get_params(deep=False) == params
    assert trained_learner.criterion_.reduction == "mean"


def test_the_net_given_back_is_a_new_one(data, detector):
    net = detector.net_
    assert net is not detector.net_
    with torch.no_grad():
        net.module_.output.weight.zero_()
    assert detector.net_.module_.output.weight.abs().sum() > 0


def test_classes_of_a_frozen_net_are_its_outputs(data):
    X, y = make_blobs(n_classes=4)
    wide = learner(module__n_outputs=10)
    with torch.random.fork_rng():
        net = wide.fit(X.astype(np.float32), y + 6)
    subset = y > 0
    detector = fit(X[subset], y[subset] + 6, FrozenEstimator(net))
    np.testing.assert_array_equal(detector.classes_, np.arange(10))
    assert set(detector.suggested_labels_) <= set(range(10))
    assert detector.predict_proba(X).shape == (60, 10)
    assert (detector.suggested_labels_ == y[subset] + 6).mean() > 0.8


def test_another_coding_is_refused(data, frozen):
    X, y, _ = data
    with pytest.raises(ValueError, match="trained with other codes"):
        fit(X, y + 1, frozen)
    with pytest.raises(ValueError, match=r"give the net classes="):
        fit(X, np.array(["a", "b", "c"])[y], frozen)


def test_strings_go_with_the_classes_of_the_net(data):
    X, y, _ = data
    with torch.random.fork_rng():
        net = learner(classes=["c", "b", "a"]).fit(X.astype(np.float32), y)
    detector = fit(X, np.array(["c", "b", "a"])[y], FrozenEstimator(net))
    codes = fit(X, y, FrozenEstimator(net.set_params(classes=None)))
    np.testing.assert_array_equal(detector.classes_, ["c", "b", "a"])
    np.testing.assert_array_equal(detector.scores_, codes.scores_)


def test_a_rate_can_be_chosen_for_a_frozen_net(data, frozen):
    X, y, _ = data
    detector = fit(X, y, frozen, lr="auto")
    assert 0 < detector.lr_ < 5
