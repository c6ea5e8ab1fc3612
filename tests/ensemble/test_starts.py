"""Members that start from another net in turn."""

import dataclasses

import numpy as np
import pytest
import torch
from growing import grow
from tiny import MLP, classifier

from skgex._ensemble import ensemble as _ensemble
from skgex._ensemble import growth as _growth
from skgex._ensemble.cache import MemberCache
from skgex._ensemble.divergence import stood_still
from skgex._ensemble.fine_tuning import FineTuning
from skgex._ensemble.growth import Growth
from skgex._nets.training import train
from skgex._utils.random import seeded

SEEDS = [11, 22, 33, 44]
TUNING = FineTuning(6, 0.1, 0.9, "cosine")


class Projected(MLP):
    """Inputs go through a matrix that is drawn once and never trained."""

    def __init__(self):
        super().__init__(dtype=torch.float64)
        self.register_buffer("matrix", torch.randn(4, 4, dtype=torch.float64))

    def forward(self, X):
        return super().forward(X @ self.matrix)


NETS = {
    "stacked": {},
    "one by one": {"module__batch_norm": True},
    "unlike buffers": {"module": Projected},
}


def two_nets(name, X, y):
    """Train the same net from two seeds."""
    return [train(classifier(**NETS[name]), X, y, seed=seed) for seed in (0, 1)]


@pytest.mark.parametrize("name", NETS)
def test_members_are_those_of_each_net(blobs, name):
    trained, other = two_nets(name, *blobs)
    ensemble, mixed = grow(trained, *blobs, TUNING, SEEDS, start=other.weights)
    alone, first = grow(trained, *blobs, TUNING, SEEDS)
    _, second = grow(other, *blobs, TUNING, SEEDS)
    assert (alone.n_starts, first.n_starts) == (1, 1)
    np.testing.assert_allclose(mixed.losses[:, ::2], first.losses[:, ::2], atol=1e-6)
    np.testing.assert_allclose(mixed.losses[:, 1::2], second.losses[:, 1::2], atol=1e-6)
    np.testing.assert_allclose(mixed.reference, first.reference)
    again = ensemble.evaluate(*blobs)
    for each in ("reference", "losses", "outputs"):
        np.testing.assert_allclose(
            getattr(again, each), getattr(mixed, each), atol=1e-9
        )
    assert ensemble.n_starts == mixed.n_starts == again.n_starts == 2


@pytest.mark.parametrize(
    ("name", "stacks"), [("stacked", True), ("unlike buffers", False)]
)
def test_only_nets_that_differ_by_training_are_stacked(
    blobs, monkeypatch, name, stacks
):
    trained, other = two_nets(name, *blobs)

    def refuse(*args, **kwargs):
        raise AssertionError("stacked")

    ensemble, _ = grow(trained, *blobs, TUNING, SEEDS, start=other.weights)
    monkeypatch.setattr(_growth, "grow_group", refuse)
    monkeypatch.setattr(_ensemble, "evaluate_group", refuse)
    for work in (
        lambda: grow(trained, *blobs, TUNING, SEEDS, start=other.weights),
        lambda: ensemble.evaluate(*blobs),
    ):
        if stacks:
            with pytest.raises(AssertionError, match="stacked"):
                work()
        else:
            work()


def test_a_cache_tells_the_starts_apart(blobs):
    trained, other = two_nets("stacked", *blobs)
    cache = MemberCache()
    growth = Growth(trained, *blobs, TUNING, SEEDS, cache=cache)
    _, one = growth.grow(4)
    split = dataclasses.replace(growth, start=other.weights)
    _, mixed = split.grow(4)
    _, anew = grow(trained, *blobs, TUNING, SEEDS, start=other.weights)
    np.testing.assert_allclose(mixed.losses, anew.losses, atol=1e-6)
    np.testing.assert_array_equal(mixed.losses[:, ::2], one.losses[:, ::2])
    assert len(cache) == 1 + 4 + 2  # θ*, all around it, two around the other
    third = train(classifier(), *blobs, seed=2)
    _, others = dataclasses.replace(growth, start=third.weights).grow(4)
    assert np.abs(others.losses[:, 1] - mixed.losses[:, 1]).max() > 1e-3
    np.testing.assert_array_equal(growth.grow(4)[1].losses, one.losses)


def test_halves_hold_members_of_both(blobs):
    trained, other = two_nets("stacked", *blobs)
    cache = MemberCache()
    growth = Growth(trained, *blobs, TUNING, SEEDS, cache=cache, start=other.weights)
    _, whole = growth.grow(4)
    first, second = growth.halves(4)
    np.testing.assert_array_equal(first.losses, whole.losses[:, :2])
    np.testing.assert_array_equal(second.losses, whole.losses[:, 2:])
    assert first.n_starts == second.n_starts == 2


def test_a_deviation_is_one_from_the_trained_net(blobs):
    trained, other = two_nets("stacked", *blobs)
    _, mixed = grow(
        trained, *blobs, TUNING, SEEDS, start=other.weights, max_samples=0.5
    )
    around = mixed.around_trained()
    np.testing.assert_array_equal(around.losses, mixed.losses[:, ::2])
    some = mixed.counted[:, ::2].any(axis=1)
    assert 0 < some.mean() < 1
    np.testing.assert_array_equal(around.counted[some], mixed.counted[some, ::2])
    assert around.counted[~some].all()
    assert around.around_trained() is around
    rows = np.array([5, 3])
    np.testing.assert_array_equal(
        mixed.take(rows).around_trained().losses, around.losses[rows]
    )


def test_members_that_did_not_move_are_seen_beside_others(blobs):
    trained, other = two_nets("stacked", *blobs)
    still = TUNING._replace(lr=1e-12)
    _, mixed = grow(trained, *blobs, still, SEEDS, start=other.weights)
    assert stood_still(mixed)
    with seeded(0):
        _, moved = grow(trained, *blobs, TUNING, SEEDS, start=other.weights)
    assert not stood_still(moved)
