import copy
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from skorch import NeuralNetClassifier
from skorch.utils import to_tensor
from tiny import (
    MLP,
    OwnCriterion,
    PairDataset,
    classifier,
)
from torch import nn
from torch.utils.data import DataLoader, Subset

from skgex._data.records import take
from skgex._nets.batch_norm import reestimate_batch_norm
from skgex._nets.batches import endless_batches
from skgex._nets.devices import spread_over_devices
from skgex._nets.evaluation import evaluate
from skgex._nets.skorch_adapter import replace_optimizers
from skgex._nets.snapshot import dtype_of, n_training_steps, revive, snapshot, to_array
from skgex._nets.training import split, train
from skgex._utils.random import seeded


def initialised(net):
    with seeded(0):
        return net.initialize()


def test_rows_are_taken_alike_from_arrays_and_datasets(blobs):
    X, y = blobs
    rows = np.array([5, 3, 11])
    subset, nothing = take(PairDataset(X, y), None, rows)
    assert isinstance(subset, Subset)
    assert nothing is None
    np.testing.assert_array_equal([xi for xi, _ in subset], take(X, y, rows)[0])
    np.testing.assert_array_equal([yi for _, yi in subset], take(X, y, rows)[1])


# Batch norm


def test_batch_norm_is_the_plain_mean_of_batch_statistics(blobs):
    X, _ = blobs
    net = initialised(classifier(module__batch_norm=True))
    parts = [torch.as_tensor(X[rows]) for rows in np.split(np.arange(60), 5)]
    reestimate_batch_norm(net, ((part, None) for part in parts))
    with torch.no_grad():
        hidden = [net.module_.hidden(part) for part in parts]
    norm = net.module_.norm
    mean = torch.stack([part.mean(dim=0) for part in hidden]).mean(dim=0)
    variance = torch.stack([part.var(dim=0) for part in hidden]).mean(dim=0)
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, variance)
    assert norm.momentum == 0.1


def test_batch_norm_is_estimated_over_fifty_batches(blobs):
    X, y = blobs
    net = initialised(classifier(module__batch_norm=True))
    batches = endless_batches(net, X, y)
    reestimate_batch_norm(net, batches)
    assert int(net.module_.norm.num_batches_tracked) == 50


def test_a_net_without_batch_norm_draws_no_batch():
    reestimate_batch_norm(initialised(classifier()), iter([]))


# Snapshot and revival


def state_of(net):
    return copy.deepcopy(net.module_.state_dict())


def assert_equal_states(state, other):
    assert state.keys() == other.keys()
    for name, value in state.items():
        assert torch.equal(value, other[name]), name


@pytest.mark.parametrize("training", [False, True])
def test_the_given_net_stays_as_it_was(blobs, training):
    X, y = blobs
    net = train_in_place(classifier(module__batch_norm=True, callbacks=[]), X, y)
    net.module_.train(training)
    state, optimizer, params = state_of(net), net.optimizer_, net.get_params()
    working = revive(snapshot(net))
    for batch, _ in zip(endless_batches(working, X, y), range(5), strict=False):
        working.train_step(batch)
    evaluate(working, X, y)
    working.set_params(lr=7.0)
    assert_equal_states(state_of(net), state)
    assert net.module_.training is training
    assert net.optimizer_ is optimizer
    after = net.get_params()
    assert after.keys() == params.keys()
    assert all(after[name] is params[name] for name in ("lr", "callbacks", "module"))
    assert net.criterion_.reduction == "mean"


def train_in_place(net, X, y):
    with seeded(0):
        return net.fit(X, y)


@pytest.mark.parametrize(
    "net",
    [
        classifier(module__batch_norm=True),
        classifier(MLP()),  # a module given as an instance
        classifier(criterion=OwnCriterion()),
        classifier(optimizer=torch.optim.Adam, optimizer__weight_decay=0.1),
    ],
    ids=["batch norm", "instance", "criterion instance", "Adam"],
)
def test_a_revived_net_predicts_as_the_trained_one(blobs, net):
    X, y = blobs
    net = train_in_place(clone(net), X, y)
    again = revive(snapshot(net))
    assert_equal_states(state_of(again), state_of(net))
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))
    assert again.module_ is not net.module_


def test_a_module_instance_is_not_trained_in_place(blobs):
    X, y = blobs
    module = MLP()
    before = copy.deepcopy(module.state_dict())
    trained = train(classifier(module), X, y, seed=0)
    assert_equal_states(module.state_dict(), before)
    start = before["hidden.weight"].numpy()
    assert not np.allclose(trained.weights["module"]["hidden.weight"], start)
    again = train(classifier(module), X, y, seed=0)  # from the same start
    for name, value in trained.weights["module"].items():
        np.testing.assert_array_equal(value, again.weights["module"][name])


def test_weights_are_copies(blobs):
    X, y = blobs
    net = train_in_place(classifier(), X, y)
    trained = snapshot(net)
    with torch.no_grad():
        net.module_.hidden.weight.zero_()
    assert np.abs(trained.weights["module"]["hidden.weight"]).max() > 0


def test_frozen_parameters_stay_frozen(blobs):
    X, y = blobs
    net = train_in_place(classifier(), X, y)
    net.module_.hidden.requires_grad_(False)
    again = revive(snapshot(net))
    assert not again.module_.hidden.weight.requires_grad
    assert again.module_.output.weight.requires_grad
    kept = again.module_.hidden.weight.clone()
    (optimizer,) = replace_optimizers(
        again, lambda groups: torch.optim.SGD(groups, lr=0.1)
    )
    again.train_step(next(endless_batches(again, X, y)))
    assert torch.equal(again.module_.hidden.weight, kept)
    assert len(optimizer.param_groups[0]["params"]) == 2


@pytest.mark.parametrize(
    ("optimizer", "settings", "kept"),
    [
        (torch.optim.SGD, {}, 0.01),
        (torch.optim.Adam, {}, 0.01),
        (torch.optim.AdamW, {}, 0.0),
        (torch.optim.NAdam, {"optimizer__decoupled_weight_decay": True}, 0.0),
    ],
)
def test_weight_decay_is_kept_where_it_is_part_of_the_loss(optimizer, settings, kept):
    net = classifier(
        optimizer=optimizer, optimizer__weight_decay=0.01, **settings
    ).initialize()
    (fresh,) = replace_optimizers(net, lambda groups: torch.optim.SGD(groups, lr=1))
    assert fresh.param_groups[0]["weight_decay"] == kept
    assert net.optimizer_ is fresh


def test_parameter_groups_keep_their_own_weight_decay():
    net = classifier(
        optimizer__weight_decay=0.1,
        optimizer__param_groups=[("hidden*", {"weight_decay": 0.5})],
    ).initialize()
    (fresh,) = replace_optimizers(net, lambda groups: torch.optim.SGD(groups, lr=1))
    decays = {
        id(p): group["weight_decay"]
        for group in fresh.param_groups
        for p in group["params"]
    }
    assert decays[id(net.module_.hidden.weight)] == 0.5
    assert decays[id(net.module_.output.weight)] == 0.1


class TwoModules(NeuralNetClassifier):
    """A body and a head, each with an optimizer, trained by the net's own step."""

    def initialize_module(self):
        super().initialize_module()
        self.head_ = nn.Linear(3, 3, dtype=torch.float64)
        return self

    def initialize_optimizer(self, *args, **kwargs):
        super().initialize_optimizer(*args, **kwargs)
        self.head_optimizer_ = torch.optim.SGD(
            self.head_.parameters(), lr=0.1, weight_decay=0.25
        )
        return self

    def infer(self, x, **fit_params):
        return self.head_(super().infer(x, **fit_params))

    def train_step(self, batch, **fit_params):
        self.head_optimizer_.zero_grad()
        step = super().train_step(batch, **fit_params)
        self.head_optimizer_.step()
        return step


def test_every_module_and_optimizer_of_a_net_goes_along(blobs):
    X, y = blobs
    settings = {"criterion": nn.CrossEntropyLoss, "train_split": None, "verbose": 0}
    net = train_in_place(TwoModules(MLP, **settings), X, y)
    trained = snapshot(net)
    assert trained.weights.keys() >= {"module", "head"}
    again = revive(trained)
    np.testing.assert_array_equal(again.predict_proba(X), net.predict_proba(X))
    fresh = replace_optimizers(again, lambda groups: torch.optim.SGD(groups, lr=0.1))
    assert [o.param_groups[0]["weight_decay"] for o in fresh] == [0.0, 0.25]
    before = again.head_.weight.clone()
    again.train_step(next(endless_batches(again, X, y)))
    assert not torch.equal(again.head_.weight, before)


def test_members_train_on_shuffled_rows_without_callbacks_or_split(blobs):
    net = train_in_place(classifier(), *blobs)
    member = revive(snapshot(net))
    assert member.train_split is None
    assert member.callbacks == "disable"
    loader = member.get_iterator(member.get_dataset(*blobs), training=True)
    assert isinstance(loader, DataLoader)
    assert isinstance(loader.sampler, torch.utils.data.RandomSampler)
    assert not net.get_params().get("iterator_train__shuffle", False)


def test_an_order_that_the_user_chose_is_kept(blobs):
    net = train_in_place(classifier(iterator_train__shuffle=False), *blobs)
    member = revive(snapshot(net))
    loader = member.get_iterator(member.get_dataset(*blobs), training=True)
    assert isinstance(loader.sampler, torch.utils.data.SequentialSampler)


def test_steps_of_training_are_counted(blobs):
    net = train_in_place(classifier(max_epochs=3), *blobs)  # 60 rows, 16 a batch
    assert n_training_steps(snapshot(net)) == 12


# Splits and probes


def test_splits_are_disjoint_complete_and_stratified(blobs):
    _, y = blobs
    seen, held_out = split(60, y, 0.5, seed=0)
    assert sorted([*seen, *held_out]) == list(range(60))
    np.testing.assert_array_equal(np.bincount(y[held_out]), [10, 10, 10])


def test_a_class_of_one_row_is_split_all_the_same():
    strata = np.array([0] * 9 + [1])
    seen, held_out = split(10, strata, 0.2, seed=0)
    assert sorted([*seen, *held_out]) == list(range(10))
    assert len(held_out) == 2


def test_tensors_of_half_precision_become_arrays():
    net = initialised(classifier(module__dtype=torch.bfloat16))
    assert dtype_of(net) == np.float32


class Rotated(MLP):
    """Its first parameter is complex."""

    def __init__(self):
        super().__init__()
        self.turn = nn.Parameter(torch.ones(3, dtype=torch.complex64))


@pytest.mark.parametrize(
    ("module", "expected"),
    [(Rotated, np.float64), (partial(nn.Linear, 4, 3, dtype=torch.cfloat), np.float32)],
)
def test_complex_parameters_are_no_floats(module, expected):
    assert dtype_of(initialised(classifier(module))) == expected


class PlainLoss:
    """A criterion that is no module."""

    reduction = "mean"

    def __call__(self, logits, y):
        return nn.functional.cross_entropy(logits, y, reduction=self.reduction)


def test_a_criterion_need_not_be_a_module(blobs):
    plain = train(classifier(criterion=PlainLoss), *blobs, seed=0)
    module = train(classifier(), *blobs, seed=0)
    assert plain.weights.keys() == {"module"}
    for name, value in module.weights["module"].items():
        np.testing.assert_array_equal(plain.weights["module"][name], value)
    array = to_array(to_tensor(np.ones(3, np.float32), "cpu").bfloat16())
    np.testing.assert_array_equal(array, [1, 1, 1])


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("cuda", ["cuda:0", "cuda:1", "cuda:0"]),
        (torch.device("cuda"), ["cuda:0", "cuda:1", "cuda:0"]),
        ("cuda:1", ["cuda:1"] * 3),
        ("cpu", ["cpu"] * 3),
        (None, [None] * 3),
    ],
)
def test_work_is_dealt_to_all_devices_of_a_kind(blobs, monkeypatch, device, expected):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    trained = train(classifier(), *blobs, seed=0)
    given = trained._replace(net=clone(trained.net).set_params(device=device))
    dealt = list(spread_over_devices(given, "abc"))
    assert [net.net.device for net, _ in dealt] == expected
    assert [part for _, part in dealt] == list("abc")
    assert all(net.weights is trained.weights for net, _ in dealt)
    assert given.net.device == device


def test_no_work_is_lost_where_the_device_is_not_there(blobs, monkeypatch):
    """What the net itself says of it is then to be heard."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    trained = train(classifier(), *blobs, seed=0)
    given = trained._replace(net=clone(trained.net).set_params(device="cuda"))
    assert [part for _, part in spread_over_devices(given, "ab")] == list("ab")


@pytest.mark.parametrize("callbacks", [None, "disable"])
def test_nothing_that_prints_travels(blobs, monkeypatch, callbacks):
    """Ray puts another ``print`` in the place of Python's, so the one cannot."""
    net = train_in_place(classifier(callbacks=callbacks), *blobs)
    trained = snapshot(net)
    monkeypatch.setattr("builtins.print", lambda *args: None)
    pickle.loads(pickle.dumps(trained))
