"""The record of a training, against the training itself and plain forward passes."""

import random

import numpy as np
import pytest
import torch
from joblib import Memory
from skorch.callbacks import Callback, EarlyStopping, LRScheduler
from tiny import MLP, PairDataset, classifier, make_blobs
from torch import nn

from skgex._nets.snapshot import revive
from skgex._nets.training import train
from skgex._nets.trajectory import MIN_CHECKPOINTS, Trajectory, train_with_trajectory

X, y = make_blobs()
EPOCHS = 5


def quiet(text):
    """Swallow what callbacks print."""


class Jolt(Callback):
    """Moves the weights at the end of each epoch."""

    def on_epoch_end(self, net, **kwargs):
        with torch.no_grad():
            net.module_.output.bias += 1


def net_of(**kwargs):
    return classifier(max_epochs=EPOCHS, iterator_train__shuffle=True, **kwargs)


def assert_equal_weights(one, other):
    for name, part in one.items():
        for key, value in part.items():
            np.testing.assert_array_equal(value, other[name][key])


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"callbacks": "disable"},
        {"module__dropout": 0.5, "module__batch_norm": True},
        {"callbacks": [LRScheduler("ExponentialLR", gamma=0.5)]},
        {"callbacks": [EarlyStopping("train_loss", patience=1, sink=quiet)]},
        {"module": MLP()},
        {"warm_start": True},
        {"iterator_valid__shuffle": True},
    ],
    ids=lambda settings: ",".join(settings) or "plain",
)
@pytest.mark.filterwarnings("ignore:You set iterator_valid__shuffle=True")
def test_the_weights_are_those_of_a_plain_training(settings):
    plain = train(net_of(**settings), X, y, 7)
    watched = train_with_trajectory(net_of(**settings), X, y, 7)
    assert_equal_weights(plain.weights, watched.trained.weights)
    assert plain.net.get_params().keys() == watched.trained.net.get_params().keys()
    assert plain.net.warm_start == watched.trained.net.warm_start
    assert len(plain.history) == len(watched.trained.history)


def test_outputs_and_losses_are_those_of_the_checkpoints():
    trajectory = train_with_trajectory(
        net_of(module__dropout=0.5, module__batch_norm=True), X, y, 0
    )
    assert trajectory.epochs == list(range(1, EPOCHS + 1))
    module = MLP(dropout=0.5, batch_norm=True).eval()
    for epoch, weights in enumerate(trajectory.checkpoints):
        state = {k: torch.tensor(v) for k, v in weights["module"].items()}
        module.load_state_dict(state)
        with torch.no_grad():
            logits = module(torch.tensor(X))
            losses = nn.functional.cross_entropy(
                logits, torch.tensor(y), reduction="none"
            )
        np.testing.assert_allclose(trajectory.outputs[epoch], logits, rtol=1e-12)
        np.testing.assert_allclose(trajectory.losses[epoch], losses, rtol=1e-12)


def test_epochs_are_those_of_a_loop_of_gradient_steps():
    """Full batches of SGD, written out."""
    net = classifier(batch_size=len(X), max_epochs=3, lr=0.5)
    trajectory = train_with_trajectory(net, X, y, 3)
    torch.manual_seed(3)
    state = torch.random.get_rng_state()
    module = MLP()
    with torch.random.fork_rng():
        torch.random.set_rng_state(state)
        optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    inputs, targets = torch.tensor(X), torch.tensor(y)
    for outputs in trajectory.outputs:
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(inputs), targets).backward()
        optimizer.step()
        np.testing.assert_allclose(outputs, module(inputs).detach(), rtol=1e-9)


def test_rates_are_those_of_the_epochs():
    schedule = LRScheduler("StepLR", step_size=2, gamma=0.1)
    trajectory = train_with_trajectory(net_of(lr=0.1, callbacks=[schedule]), X, y, 0)
    np.testing.assert_allclose(trajectory.lrs, [0.1, 0.1, 0.01, 0.01, 0.001])


def test_the_last_epoch_of_a_stopped_training_is_recorded():
    """One that a callback breaks off, and then undoes."""
    stop = EarlyStopping(
        "train_loss", patience=2, lower_is_better=False, load_best=True, sink=quiet
    )
    trajectory = train_with_trajectory(net_of(callbacks=[stop]), X, y, 0)
    assert trajectory.epochs == [1, 2, 3]  # the best, and two that are not
    assert_equal_weights(trajectory.checkpoints[0], trajectory.trained.weights)


def test_an_epoch_is_recorded_before_callbacks_move_the_weights():
    trajectory = train_with_trajectory(net_of(callbacks=[Jolt()]), X, y, 0)
    last = trajectory.checkpoints[-1]["module"]["output.bias"]
    final = trajectory.trained.weights["module"]["output.bias"]
    np.testing.assert_allclose(final - last, 1, rtol=1e-12)


def test_checkpoints_are_thinned_out_evenly():
    net = classifier(max_epochs=50, batch_size=60)
    all_of_them = train_with_trajectory(net, X, y, 0)
    few = train_with_trajectory(net, X, y, 0, max_bytes=0)
    assert all_of_them.epochs == list(range(1, 51))
    assert few.epochs == [*range(4, 50, 4), 50]
    assert MIN_CHECKPOINTS <= len(few.epochs) <= 2 * MIN_CHECKPOINTS
    for epoch, weights in zip(few.epochs, few.checkpoints, strict=True):
        assert_equal_weights(weights, all_of_them.checkpoints[epoch - 1])


@pytest.mark.parametrize("n_epochs", range(1, 200, 7))
@pytest.mark.parametrize("n", [1, 2, 5])
def test_late_checkpoints_are_of_the_second_half(n_epochs, n):
    epochs = list(range(1, n_epochs + 1))
    chosen = Trajectory(None, epochs, [], epochs, None, None).late(n)
    assert chosen == sorted(set(chosen))
    assert chosen[-1] == n_epochs - 1
    assert all(epochs[i] > n_epochs / 2 for i in chosen)
    assert len(chosen) == min(n, n_epochs - n_epochs // 2)
    gaps = np.diff(chosen)
    assert len(gaps) == 0 or gaps.max() - gaps.min() <= 1


def test_outputs_need_not_be_kept():
    trajectory = train_with_trajectory(net_of(), X, y, 0, keep_outputs=False)
    assert trajectory.outputs is None
    assert trajectory.losses.shape == (EPOCHS, len(X))


def test_a_dataset_gives_what_its_arrays_give():
    arrays = train_with_trajectory(net_of(), X, y, 0)
    dataset = train_with_trajectory(net_of(), PairDataset(X, y), None, 0)
    np.testing.assert_allclose(dataset.outputs, arrays.outputs, rtol=1e-12)


def test_no_epoch_is_refused():
    with pytest.raises(ValueError, match="net: it was trained for no epoch"):
        train_with_trajectory(classifier(max_epochs=0), X, y, 0)


def test_global_generators_and_the_net_are_left_alone():
    net = net_of(module__dropout=0.5)
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = random.random(), np.random.rand(), torch.rand(1).item()
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    train_with_trajectory(net, X, y, 0)
    assert before == (random.random(), np.random.rand(), torch.rand(1).item())
    assert not net.initialized_


def test_it_can_be_cached(tmp_path):
    cached = Memory(tmp_path, verbose=0).cache(train_with_trajectory)
    first = cached(net_of(), X, y, 0)
    assert cached.check_call_in_cache(net_of(), X, y, 0)
    again = cached(net_of(), X, y, 0)
    np.testing.assert_array_equal(first.outputs, again.outputs)
    assert revive(again.trained).initialized_
