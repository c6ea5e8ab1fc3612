"""Seconds that methods take to rank letter's rows, and how well they rank them."""

import copy
import time
from functools import partial

import torch
from _data import load
from _detection_methods import RIVALS, cleanlab
from captum.influence import TracInCP, TracInCPFast
from captum.influence._core.arnoldi_influence_function import (
    ArnoldiInfluenceFunction,
)
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from skgex import GEXDetector
from skgex._nets.snapshot import revive
from skgex._nets.training import train
from skgex._utils.random import seeded
from skgex.datasets import flip_labels

N_CHECKPOINTS = 5
BATCH_SIZE = 128


class Task:
    """Letter's rows with a tenth of the labels wrong, and a net trained on them.

    The net and its number of epochs are those that ``GEXDetector()`` chooses.
    """

    def __init__(self, data_dir):
        self.X, y = load("letter", data_dir)
        self.y, self.wrong = flip_labels(y, 0.1, random_state=0)
        made = GEXDetector(random_state=0).fit(self.X, self.y)
        self.lr = made.lr_
        self.recipe = clone(made.ensemble_.trained.net)
        self.trained = train(self.recipe, self.X, self.y, 0)
        self.checkpoints = self._states()

    def _states(self):
        """Train again, and keep the weights at evenly spaced epochs."""
        states, net = [], clone(self.recipe)
        per_state = max(1, self.recipe.max_epochs // N_CHECKPOINTS)
        with seeded(0):
            net.set_params(max_epochs=per_state).initialize()
            for _ in range(N_CHECKPOINTS):
                net.partial_fit(self.X, self.y)
                states.append(copy.deepcopy(net.module_.state_dict()))
        return states

    def captum(self):
        """Return the module, the loss and the rows in the form that captum takes."""
        rows = TensorDataset(torch.from_numpy(self.X), torch.from_numpy(self.y))
        loss = nn.CrossEntropyLoss(reduction="sum")
        return revive(self.trained).module_, loss, DataLoader(rows, BATCH_SIZE)


def post_hoc(task):
    net = FrozenEstimator(revive(task.trained))
    return GEXDetector(net, random_state=0).fit(task.X, task.y).scores_


def with_rate(task):
    net, lr = FrozenEstimator(revive(task.trained)), task.lr
    return GEXDetector(net, lr=lr, random_state=0).fit(task.X, task.y).scores_


def from_scratch(task):
    return GEXDetector(task.recipe, random_state=0).fit(task.X, task.y).scores_


def by_cleanlab(task):
    return cleanlab(task.recipe, task.X, task.y, 0)[0]


def by_el2n(task):
    return RIVALS["EL2N"](task.recipe, task.X, task.y, 0)[0]


def tracin(task):
    module, loss, rows = task.captum()
    influence = TracInCP(
        module,
        rows,
        task.checkpoints,
        checkpoints_load_func=put,
        loss_fn=loss,
        sample_wise_grads_per_batch=True,
    )
    return influence.self_influence().numpy()


def tracin_last_layer(task):
    module, loss, rows = task.captum()
    last = [part for part in module.modules() if isinstance(part, nn.Linear)][-1]
    influence = TracInCPFast(
        module,
        last,
        rows,
        task.checkpoints,
        checkpoints_load_func=put,
        loss_fn=loss,
    )
    return influence.self_influence().numpy()


def arnoldi(task):
    module, loss, rows = task.captum()
    influence = ArnoldiInfluenceFunction(
        module,
        rows,
        module.state_dict(),
        checkpoints_load_func=put,
        loss_fn=loss,
        sample_wise_grads_per_batch=True,
    )
    return influence.self_influence(rows).detach().numpy()


def put(module, state):
    """Load a checkpoint for captum; all have the same weight."""
    module.load_state_dict(state)
    return 1.0


METHODS = {
    "GEXDetector, net given": post_hoc,
    "GEXDetector, net and rate given": with_rate,
    "TracInCP, 5 checkpoints": tracin,
    "TracInCP, last layer": tracin_last_layer,
    "Arnoldi": arnoldi,
    "GEXDetector, from scratch": from_scratch,
    "cleanlab, 5 folds": by_cleanlab,
    "EL2N, 5 nets": by_el2n,
}


def peer_cases(data_dir):
    """Return a measurement per method; the first one called creates the task."""
    made = []

    def measure(method):
        if not made:
            made.append(Task(data_dir))
        start = time.process_time()
        scores = method(made[0])
        return {
            "seconds": time.process_time() - start,
            "average precision": average_precision_score(made[0].wrong, scores),
        }

    return {name: partial(measure, method) for name, method in METHODS.items()}
