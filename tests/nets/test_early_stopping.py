import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping
from skorch.dataset import ValidSplit
from tiny import PairDataset, classifier, flip_every, learner, make_blobs, regressor

from skgex._data.records import take
from skgex._nets.default_net import make_default_nets
from skgex._nets.early_stopping import beats, stop_default_net, stop_given_net
from skgex._nets.evaluation import evaluate
from skgex._nets.snapshot import n_training_steps, revive
from skgex._nets.training import make_trial

N_EPOCHS = 12

# The rule of the default net: the share of the rows that it holds out, the epochs
# without a lower loss after which it stops, and the epochs at most.
HELD_OUT, PATIENCE, LONGEST = 0.2, 5, 200


@pytest.fixture(scope="module")
def noisy_blobs():
    X, y = make_blobs(120)
    return X.astype(np.float32), flip_every(y, 4)[0]


def mean_losses(net, X, y, seed):
    """Losses of the held-out rows after each epoch, from trainings of that length."""
    losses = []
    for n_epochs in range(1, N_EPOCHS + 1):
        trial = make_trial(clone(net).set_params(max_epochs=n_epochs), X, y, y, seed)
        held_out = take(X, y, trial.held_out)
        losses.append(evaluate(revive(trial.trained), *held_out).losses)
    return losses


def first_unbeaten(losses):
    best = 0
    for epoch, each in enumerate(losses):
        gains = losses[best] - each
        if gains.mean() > gains.std() / np.sqrt(len(gains)):
            best = epoch
    return best + 1


@pytest.mark.parametrize("lr", [0.03, 0.3, 2.0])
def test_it_returns_to_the_first_epoch_that_none_beats(noisy_blobs, lr):
    X, y = noisy_blobs
    net = learner(max_epochs=N_EPOCHS, lr=lr)
    trial, n_epochs = stop_given_net(net, X, y, y, 3)
    assert n_epochs == first_unbeaten(mean_losses(net, X, y, 3))
    whole = make_trial(net, X, y, y, 3)
    np.testing.assert_array_equal(trial.seen, whole.seen)
    np.testing.assert_array_equal(trial.held_out, whole.held_out)
    alone = make_trial(clone(net).set_params(max_epochs=n_epochs), X, y, y, 3)
    for name, value in alone.trained.weights["module"].items():
        np.testing.assert_array_equal(trial.trained.weights["module"][name], value)
    # The record is that of the whole training, which the search for a rate may cost.
    assert n_training_steps(trial.trained) == n_training_steps(whole.trained)


def test_a_net_that_would_memorise_noise_stops_before_it_does(noisy_blobs):
    X, y = noisy_blobs
    net = learner(max_epochs=200, lr=0.3, module__hidden=64)
    assert 1 <= stop_given_net(net, X, y, y, 0)[1] < 100


@given(st.lists(st.floats(0, 10), min_size=2, max_size=30), st.floats(1e-3, 5))
def test_a_gain_of_all_rows_beats_and_a_loss_does_not(best, gain):
    best = np.array(best)
    assert beats(best - gain, best)
    assert not beats(best + gain, best)
    assert not beats(best, best)


def test_losses_that_overflow_never_beat_and_are_always_beaten():
    finite, infinite = np.ones(4), np.array([1.0, np.inf, 1.0, 1.0])
    assert beats(finite, infinite)
    assert not beats(infinite, finite)
    assert not beats(np.full(4, np.nan), finite)


@pytest.mark.parametrize("callbacks", [None, "disable", [EarlyStopping(patience=1)]])
def test_callbacks_and_validation_of_the_net_s_own_are_kept(noisy_blobs, callbacks):
    X, y = noisy_blobs
    split = ValidSplit(5) if callbacks and callbacks != "disable" else None
    net = learner(max_epochs=N_EPOCHS, lr=0.3, callbacks=callbacks, train_split=split)
    trial, n_epochs = stop_given_net(net, X, y, y, 0)
    whole = make_trial(net, X, y, y, 0)
    assert len(trial.trained.history) == len(whole.trained.history)
    assert 1 <= n_epochs <= len(whole.trained.history)


@pytest.mark.parametrize("kind", ["dataset", "regression", "warm start"])
def test_nets_and_data_of_all_kinds(blobs, kind):
    X, y = blobs
    if kind == "dataset":
        net, data = classifier(max_epochs=2), (PairDataset(X, y), None)
    elif kind == "regression":
        net, data = regressor(max_epochs=2), (X, X[:, :3])
    else:
        net, data = classifier(max_epochs=2, warm_start=True), (X, y)
    trial, n_epochs = stop_given_net(net, *data, None, 0)
    assert n_epochs in (1, 2)
    assert sorted([*trial.seen, *trial.held_out]) == list(range(60))
    assert trial.trained.net.warm_start == net.warm_start
    assert isinstance(revive(trial.trained), NeuralNet)


def test_each_held_out_row_is_evaluated_whatever_the_net_s_iterator_leaves_out(blobs):
    X, y = blobs
    net = classifier(max_epochs=2, iterator_valid__drop_last=True)
    assert stop_given_net(net, X, y, y, 0)[1] in (1, 2)


def test_the_net_and_the_generators_are_left_alone(blobs):
    X, y = blobs
    net = classifier(max_epochs=2)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    stop_given_net(net, X, y, y, 0)
    assert torch.equal(torch.get_rng_state(), before)
    assert not net.initialized_
    assert not net.warm_start


def stop_default(n_rows, lr, seed, optimizer=torch.optim.Adam):
    """The trial of a default net on overlapping classes, and its epochs' losses."""
    X, y = make_blobs(n_rows, spread=1.5)
    X = X.astype(np.float32)
    *_, net = make_default_nets(X, 3)
    net.set_params(lr=lr, optimizer=optimizer)
    trial, n_epochs = stop_default_net(net, X, y, y, seed)
    losses = [epoch["valid_loss"] for epoch in trial.trained.history]
    return X, y, trial, n_epochs, losses


def epochs_by_a_loop(losses):
    """Which epoch is best, and after which one training ends; both from 1."""
    best, lowest = 0, np.inf
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            best, lowest = epoch, loss
        if epoch - best == PATIENCE or epoch == LONGEST:
            return best, epoch
    pytest.fail(f"ended after {len(losses)} epochs, with {len(losses) - best} in vain")


@pytest.mark.parametrize("n_rows", [30, 64, 99, 250])
def test_the_default_net_holds_out_a_fifth_of_the_rows(n_rows):
    _, _, trial, _, _ = stop_default(n_rows, 0.05, 0)
    assert len(trial.held_out) == int(HELD_OUT * n_rows)
    assert sorted([*trial.seen, *trial.held_out]) == list(range(n_rows))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("lr", [0.002, 0.02])
def test_the_default_net_stops_five_epochs_after_its_best(lr, seed):
    X, y, trial, n_epochs, losses = stop_default(120, lr, seed)
    assert (n_epochs, len(losses)) == epochs_by_a_loop(losses)
    assert len(losses) == n_epochs + PATIENCE < LONGEST
    held_out = take(X, y, trial.held_out)
    best = evaluate(revive(trial.trained), *held_out).losses.mean()
    assert best == pytest.approx(min(losses), rel=1e-5)


def test_the_default_net_is_trained_for_no_more_than_200_epochs():
    """By steps so small that the loss of held-out rows falls after each epoch."""
    _, _, _, n_epochs, losses = stop_default(60, 1e-4, 0, torch.optim.SGD)
    assert epochs_by_a_loop(losses) == (LONGEST, LONGEST)
    assert n_epochs == len(losses) == LONGEST


@pytest.mark.parametrize("goal", [0.0, 0.3, 0.6, 1.0, np.inf])
def test_a_net_that_cannot_reach_a_goal_stops_sooner(goal):
    """It is on the same way, and ends where as much progress again would not do."""
    X, y = make_blobs(120, spread=1.5)
    X, y = X.astype(np.float32), flip_every(y, 4)[0]
    *_, net = make_default_nets(X, 3)
    longest, _ = stop_default_net(net, X, y, y, 0)
    losses = [epoch["valid_loss"] for epoch in longest.trained.history]
    ends = [
        n
        for n in range(PATIENCE, len(losses) + 1)
        if 2 * losses[n - 1] - losses[n // 2 - 1] > goal
    ]
    trial, n_epochs = stop_default_net(net, X, y, y, 0, goal)
    found = [epoch["valid_loss"] for epoch in trial.trained.history]
    assert found == losses[: min([*ends, len(losses)])]
    assert n_epochs == int(np.argmin(found)) + 1
