"""Training of the net that an estimator is given, or of the default net.

``memory`` caches every training, so that estimators with equal nets, data and seeds
share it.
"""

from typing import TypeAlias

from joblib import Memory
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from skorch import NeuralNet

from skgex._base.fit_work import TRAINING, TRIAL, expect_chosen, expect_training
from skgex._base.parameters import NetNeed
from skgex._base.validation import GivenNet
from skgex._data.records import Data
from skgex._nets.default_net import make_default_net
from skgex._nets.early_stopping import stop_given_net
from skgex._nets.fresh_weights import untrained
from skgex._nets.net_choice import choose_default_net
from skgex._nets.skorch_adapter import holds_rows_out, unwrap
from skgex._nets.snapshot import TrainedNet, snapshot
from skgex._nets.training import Trial, train
from skgex._nets.trajectory import Trajectory, train_with_trajectory
from skgex._utils.memory import check_memory
from skgex._utils.progress import phase
from skgex._utils.random import Seeds
from skgex._utils.warnings import warn_caller
from skgex.exceptions import HeldOutRowsWarning, RefitWarning

AnyMemory: TypeAlias = str | Memory | None


def unfitted_net(net: GivenNet, data: Data, need: NetNeed) -> NeuralNet:
    """Return an unfitted net: a clone of the given one, or one made for the data."""
    if net is None:
        return make_default_net(data.X, data.n_classes)
    _warn_of_training(net, need)
    return clone(net)


def untrained_net(net: NeuralNet | FrozenEstimator, seed: int) -> NeuralNet:
    """Return a given net to be trained: a frozen one without what it has learnt."""
    inner, frozen = unwrap(net)
    return untrained(inner, seed) if frozen else inner


def choose_epochs(
    net: GivenNet,
    data: Data,
    need: NetNeed,
    seed: int,
    memory: AnyMemory,
    *,
    stops_early: bool = False,
) -> tuple[NeuralNet, Trial | None]:
    """Return the unfitted net to train, with the number of epochs it is trained for.

    Parameters
    ----------
    net : NeuralNet or None
        None stands for a default net, which always stops early.
    data : Data
    need : NetNeed
        Of the estimator.
    seed : int
        Of the trial training.
    memory : str, joblib.Memory or None
    stops_early : bool, default=False
        Train a given net only for as many epochs as the loss of held-out labels falls.

    Returns
    -------
    recipe : NeuralNet
        Unfitted.
    trial : Trial or None
        The trial that says for how many epochs; None if there was none.
    """
    cache = check_memory(memory)
    if net is None:
        with phase(TRIAL):
            recipe, trial, n_epochs = cache.cache(choose_default_net)(
                data.X, data.targets, data.n_classes, data.split_by, seed
            )
        return recipe.set_params(max_epochs=n_epochs), trial
    recipe = unfitted_net(net, data, need)
    if not stops_early or recipe.max_epochs < 2:
        return recipe, None
    with phase(TRIAL):
        trial, n_epochs = cache.cache(stop_given_net)(
            recipe, data.X, data.targets, data.split_by, seed
        )
    return recipe.set_params(max_epochs=n_epochs), trial


def train_net(
    net: GivenNet,
    data: Data,
    need: NetNeed,
    seeds: Seeds,
    memory: AnyMemory,
    *,
    stops_early: bool = False,
) -> tuple[TrainedNet, Trial | None]:
    """Train the net, unless it came frozen.

    Parameters
    ----------
    net, data, need, memory, stops_early
        As for :func:`choose_epochs`; the net may be a FrozenEstimator.
    seeds : Seeds

    Returns
    -------
    trained : TrainedNet
    trial : Trial or None
        As from :func:`choose_epochs`.
    """
    if isinstance(net, FrozenEstimator):
        return snapshot(net.estimator), None
    expect_training(net, stops_early=stops_early)
    recipe, trial = choose_epochs(
        net, data, need, seeds.trial, memory, stops_early=stops_early
    )
    expect_chosen(recipe, trial)
    return train_recipe(recipe, data, seeds.net, memory), trial


def train_recipe(
    recipe: NeuralNet, data: Data, seed: int, memory: AnyMemory
) -> TrainedNet:
    """Train an unfitted net, or take a recorded training of the same from memory."""
    cache, training = check_memory(memory), (recipe, data.X, data.targets, seed)
    recorded = cache.cache(train_with_trajectory)
    with phase(TRAINING):
        if recorded.check_call_in_cache(*training, data.has_classes):
            return recorded(*training, data.has_classes).trained
        return cache.cache(train)(*training)


def record_training(
    net: GivenNet, data: Data, need: NetNeed, seeds: Seeds, memory: AnyMemory
) -> Trajectory:
    """Train the net as :func:`train_net` does, and record it epoch by epoch.

    Outputs are kept only where samples have classes: elsewhere they are as large as
    the targets.
    """
    recipe, _ = choose_epochs(net, data, need, seeds.trial, memory)
    recorded = check_memory(memory).cache(train_with_trajectory)
    with phase(TRAINING):
        return recorded(recipe, data.X, data.targets, seeds.net, data.has_classes)


def _warn_of_training(net: NeuralNet, need: NetNeed) -> None:
    if net.initialized_:
        message = "net was fitted already; a clone of it is trained from the beginning."
        if need is NetNeed.TRAINED:
            message += " To use its present weights, pass FrozenEstimator(net) instead."
        warn_caller(message, RefitWarning)
    if holds_rows_out(net):
        warn_caller(
            "net holds rows out of its training by its train_split; it cannot "
            "memorise their labels. Pass train_split=None to train on all.",
            HeldOutRowsWarning,
        )
