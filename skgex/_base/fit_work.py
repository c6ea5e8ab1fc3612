"""The phases that fits share, and how much work a net's training is.

Work is counted in epochs: a unit is the training on all rows, once.
"""

from sklearn.frozen import FrozenEstimator
from skorch import NeuralNet

from skgex._base.validation import GivenNet
from skgex._nets.early_stopping import DEFAULT_HELD_OUT
from skgex._nets.epoch_progress import TYPICAL_EPOCHS
from skgex._nets.evaluation import EVALUATION
from skgex._nets.training import HELD_OUT, Trial
from skgex._utils.progress import expect

CHECK = "checking the data"
TRIAL = "trial training"
TRAINING = "training the net"


def likely_epochs(net: GivenNet) -> float:
    """Return for how many epochs a net will probably be trained."""
    if net is None:
        return TYPICAL_EPOCHS
    inner = net.estimator if isinstance(net, FrozenEstimator) else net
    return getattr(inner, "max_epochs", 1)


def likely_trial(net: GivenNet) -> float:
    """Return how much work the trial of a net will probably be."""
    held_out = DEFAULT_HELD_OUT if net is None else HELD_OUT
    return likely_epochs(net) * ((1 - held_out) + EVALUATION * held_out)


def expect_training(
    net: GivenNet,
    *,
    stops_early: bool = False,
    name: str = TRAINING,
    n_times: float = 1,
) -> None:
    """Announce the training of a net, and the trial that says when it stops.

    Parameters
    ----------
    net : NeuralNet, FrozenEstimator or None
        As given.
    stops_early : bool, default=False
        Whether there is a trial of a given net.
    name : str, default="training the net"
        Of the phase.
    n_times : float, default=1
        How often the net is trained on all rows in that phase.
    """
    if net is None or stops_early:
        expect({TRIAL: likely_trial(net)})
    expect({name: n_times * likely_epochs(net)})


def expect_chosen(
    recipe: NeuralNet,
    trial: Trial | None,
    *,
    name: str = TRAINING,
    n_times: float = 1,
) -> None:
    """Correct what was announced, once a trial has said when the training stops."""
    if trial is None:
        return
    n_seen, n_held_out = len(trial.seen), len(trial.held_out)
    rows = (n_seen + EVALUATION * n_held_out) / (n_seen + n_held_out)
    expect({TRIAL: rows * len(trial.trained.history)})
    expect({name: n_times * recipe.max_epochs})
