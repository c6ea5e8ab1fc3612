"""Equal values have equal hashes in all processes, and others have others."""

import copy
import os
import subprocess
import sys

import joblib
import numpy as np
import pytest
import torch
from joblib import Memory
from tiny import MLP, classifier, make_blobs
from torch import nn
from torch.utils.data import WeightedRandomSampler
from watching import watch

from skgex._base import net_training
from skgex._utils.value_hash import hash_of
from skgex.hardness import TrainingLoss


def tied():
    """A net whose two layers share their weights."""
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    return net


VALUES = {
    "tensor": lambda: torch.arange(5),
    "view": lambda: torch.arange(10)[::2],
    "bfloat16": lambda: torch.arange(5).bfloat16(),
    "parameter": lambda: nn.Parameter(torch.ones(3)),
    "buffers": lambda: nn.BatchNorm1d(3),
    "generator": lambda: torch.Generator().manual_seed(5),
    "sampler": lambda: WeightedRandomSampler(
        [0.5, 0.25], 2, generator=torch.Generator().manual_seed(0)
    ),
    "empty": lambda: torch.empty(0),
    "net": lambda: classifier(constant(MLP())),
    "tied": lambda: constant(tied()),
}


def constant(module):
    for parameter in module.parameters():
        nn.init.constant_(parameter, 0.5)
    return module


@pytest.mark.parametrize("name", VALUES)
def test_equal_values_have_equal_hashes(name):
    make, before = VALUES[name], [torch.empty(n) for n in range(50)]  # other addresses
    assert hash_of(make()) == hash_of(make()) == hash_of(copy.deepcopy(make()))
    assert len(before) == 50


@pytest.mark.slow
def test_so_they_have_in_another_process():
    code = (
        "from test_value_hash import *; print(*[hash_of(VALUES[n]()) for n in VALUES])"
    )
    here = os.path.dirname(__file__)
    paths = [here, os.path.dirname(here), os.environ.get("PYTHONPATH", "")]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        capture_output=True,
        check=True,
        text=True,
    )
    assert printed.stdout.split() == [hash_of(make()) for make in VALUES.values()]


@pytest.mark.parametrize(
    ("value", "other"),
    [
        (torch.zeros(3), torch.ones(3)),
        (torch.zeros(3), torch.zeros(4)),
        (torch.zeros(4), torch.zeros(2, 2)),
        (torch.zeros(3), torch.zeros(3, requires_grad=True)),
        (torch.zeros(1), torch.zeros(1, dtype=torch.int32)),
        (torch.arange(4)[:2], torch.arange(4)[2:]),
        (torch.arange(4.0).view(2, 2), torch.arange(4.0).view(2, 2).T),
        (torch.zeros(3), nn.Parameter(torch.zeros(3))),
        (torch.Generator().manual_seed(1), torch.Generator().manual_seed(2)),
        (constant(nn.Linear(2, 2)), constant(nn.Linear(2, 2, dtype=torch.float64))),
        (constant(tied()), constant(nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3)))),
    ],
)
def test_other_values_have_other_hashes(value, other):
    assert hash_of(value) != hash_of(other)


@pytest.mark.parametrize(
    "value", [3, "text", [1.5, None], {"a": np.arange(3)}, classifier(), (1, (2,))]
)
def test_all_else_has_the_hash_of_joblib(value):
    assert hash_of(value) == joblib.hash(value)


def test_an_array_on_disk_equals_one_in_memory(tmp_path):
    array = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "array.npy", array)
    assert hash_of(np.load(tmp_path / "array.npy", mmap_mode="r")) == hash_of(array)


def test_a_net_with_tensors_in_it_is_trained_once(monkeypatch, tmp_path):
    X, y = make_blobs(24)
    trainings = []
    watch(monkeypatch, net_training, "train_with_trajectory", trainings.append)
    for _ in range(2):  # as in another process
        torch.manual_seed(0)
        net = classifier(MLP(), iterator_train__generator=torch.Generator())
        TrainingLoss(net, memory=Memory(tmp_path, verbose=0), random_state=0).fit(X, y)
    assert len(trainings) == 1
