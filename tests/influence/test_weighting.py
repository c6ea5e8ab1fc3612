"""What checkpoints count in TracIn: their learning rate, or all the same."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from skorch.callbacks import LRScheduler
from tiny import classifier, make_blobs
from torch.optim.lr_scheduler import StepLR

from skgex._utils.random import draw_seeds
from skgex.influence import TracIn, TracInRP
from skgex.influence._projections import random_directions

X, Y = make_blobs(20)


def net(**kwargs):
    schedule = LRScheduler(StepLR, step_size=1, gamma=0.5)
    return classifier(max_epochs=8, lr=0.4, callbacks=[schedule], **kwargs)


def terms(estimator):
    """The inner products of gradients at each checkpoint, by finite sums."""
    checkpoints = estimator.checkpoints_
    gradients = [
        losses.all_gradients(X, Y).astype(np.float64)
        for losses, _ in checkpoints.losses("equal")
    ]
    return checkpoints.lrs, gradients


def test_each_checkpoint_counts_its_learning_rate_by_default():
    estimator = TracIn(net(), n_checkpoints=3, random_state=0).fit(X, Y)
    lrs, gradients = terms(estimator)
    expected = sum(lr * g @ g.T for lr, g in zip(lrs, gradients, strict=True))
    assert_allclose(estimator.influence(X, Y, X, Y), expected, rtol=1e-9)


def test_all_checkpoints_count_the_same_on_demand():
    estimator = TracIn(net(), n_checkpoints=3, weighting="equal", random_state=0)
    _, gradients = terms(estimator.fit(X, Y))
    expected = np.mean([g @ g.T for g in gradients], axis=0)
    assert_allclose(estimator.influence(X, Y, X, Y), expected, rtol=1e-9)
    assert_allclose(estimator.self_influence_, np.diag(expected), rtol=1e-9)
    features = estimator.transform(X, Y)
    assert_allclose(features @ features.T, expected, rtol=1e-9)


def test_random_directions_are_weighted_likewise():
    estimator = TracInRP(
        net(), n_checkpoints=3, weighting="equal", n_components=5, random_state=0
    ).fit(X, Y)
    _, gradients = terms(estimator)
    own = draw_seeds(np.random.RandomState(0), 3)[2]
    seeds = draw_seeds(np.random.RandomState(own), 3)
    theta = torch.zeros(gradients[0].shape[1], dtype=torch.float64)
    expected = [
        g @ np.asarray(random_directions(seed, 5, theta)).T / np.sqrt(3)
        for seed, g in zip(seeds, gradients, strict=True)
    ]
    assert_allclose(estimator.transform(X, Y), np.hstack(expected), rtol=1e-6)


class WithoutRate(torch.optim.SGD):
    """Has no learning rate to read."""

    def __init__(self, params, lr):
        super().__init__(params, lr=lr)

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            group.pop("lr", None)
            group["lr"] = float("nan")


@pytest.mark.parametrize("kind", [TracIn, TracInRP])
def test_without_a_rate_the_way_out_is_named(kind):
    bare = classifier(max_epochs=1, batch_size=20, optimizer=WithoutRate)
    with pytest.raises(ValueError, match="weighting='equal'"):
        kind(bare).fit(X, Y)
    estimator = kind(bare, weighting="equal", random_state=0).fit(X, Y)
    assert np.isfinite(estimator.self_influence_).all()


@pytest.mark.parametrize("kind", [TracIn, TracInRP])
def test_another_weighting_is_refused(kind):
    with pytest.raises(ValueError, match="weighting"):
        kind(weighting="rate").fit(X, Y)
