import numpy as np
from detecting import fit
from tiny import (
    learner,
)


def test_automatic_steps_are_one_pass_and_no_fewer_than_64(data):
    X, y, _ = data
    assert fit(X, y, n_steps="auto").n_steps_ == 64
    net = learner(batch_size=1, max_epochs=2)
    X, y = np.tile(X, (2, 1)), np.tile(y, 2)
    assert fit(X, y, net, n_steps="auto", n_members=1).n_steps_ == 120


def test_parameters_reach_the_members(data, detector):
    X, y, _ = data
    assert detector.lr_ == 0.1
    assert detector.n_steps_ == 8
    assert len(detector.ensemble_.members) == 3
    for change in (
        {"lr": 0.05},
        {"n_steps": 9},
        {"momentum": 0.5},
        {"schedule": "constant"},
        {"chain": True},
        {"max_samples": 0.9},
        {"random_state": 1},
    ):
        other = fit(X, y, **change)
        assert not np.allclose(other.scores_, detector.scores_), change


def test_more_members_extend_fewer(data, detector):
    X, y, _ = data
    more = fit(X, y, n_members=5)
    # Some processors round stacked products by how many there are.
    few = detector.transform(X)
    np.testing.assert_allclose(more.transform(X)[:, :3], few, rtol=1e-6, atol=1e-9)


def test_memory_trains_one_net_over_a_grid(data, tmp_path, monkeypatch):
    X, y, _ = data
    trained = []
    original = learner().partial_fit.__func__

    def counted(self, *args, **kwargs):
        trained.append(1)
        return original(self, *args, **kwargs)

    net = learner()
    monkeypatch.setattr(type(net), "partial_fit", counted)
    for n_members in (1, 2):
        for n_steps in (3, 4):
            fit(X, y, net, n_members=n_members, n_steps=n_steps, memory=str(tmp_path))
    assert len(trained) == 1
    cached = fit(X, y, net, memory=str(tmp_path))
    assert len(trained) == 1
    np.testing.assert_array_equal(cached.scores_, fit(X, y, net).scores_)
    assert len(trained) == 2
    fit(X, y, net, memory=str(tmp_path), random_state=1)
    assert len(trained) == 3
    fit(X, (y + 1) % 3, net, memory=str(tmp_path))
    assert len(trained) == 4


def test_memory_keeps_the_rate_of_equal_ensembles(data, tmp_path, monkeypatch):
    from skgex._ensemble import learning_rate as _rate

    X, y, _ = data
    grown = []
    original = _rate.grow_member

    def counted(*args, **settings):
        grown.append(1)
        return original(*args, **settings)

    monkeypatch.setattr(_rate, "grow_member", counted)
    for n_members in (1, 2):
        fit(X, y, lr="auto", n_members=n_members, memory=str(tmp_path))
    looked = len(grown)
    fit(X, y, lr="auto", n_members=3, memory=str(tmp_path))
    assert looked > 0
    assert len(grown) == looked
