"""The phases of fitting an ensemble, and how much work they are, in epochs of the net.

Estimates are rough at first. What a unit of work takes is measured as the fit goes on.
"""

from skorch import NeuralNet

from skgex._base.fit_work import TRIAL, likely_epochs, likely_trial
from skgex._base.validation import GivenNet, skorch_net
from skgex._nets.default_net import default_batch_size
from skgex._nets.evaluation import EVALUATION
from skgex._nets.training import HELD_OUT, Trial
from skgex._utils.progress import expect

REFERENCE = "evaluating the net"
CHOICE = "choosing the learning rate"
GROWTH = "growing the ensemble"

# What it costs to choose the learning rate, compared to as many steps of training as it
# may take: usually it takes fewer, and they keep no record.
CHOICE_COST = 0.35

# What a step of a member costs, compared to one of training, if members are stacked.
STACKED_COST = 0.2


def expect_choice(net: GivenNet, trial: Trial | None, *, has_trial: bool) -> None:
    """Announce the choice of the learning rate, and a trial that is made for it alone.

    Parameters
    ----------
    net : NeuralNet, FrozenEstimator or None
        As given.
    trial : Trial or None
        None if it is yet to be made.
    has_trial : bool
        Whether early stopping makes one, so that none has to be made for the choice.
    """
    n_epochs = len(trial.trained.history) if trial else likely_epochs(net)
    expect({CHOICE: CHOICE_COST * (1 - HELD_OUT) * n_epochs})
    if not has_trial:
        expect({TRIAL: likely_trial(net)})


def expect_members(
    net: GivenNet, n_rows: int, n_members: int, n_steps: int, *, stacked: bool
) -> None:
    """Announce the members, and the evaluation of the net before them.

    Parameters
    ----------
    net : NeuralNet, FrozenEstimator or None
        As given.
    n_rows, n_members : int
    n_steps : int
        Of each member.
    stacked : bool
        Whether members are trained as one program, as far as is known.
    """
    cost = STACKED_COST if stacked else 1.0
    passes = n_steps * batch_size_of(skorch_net(net), n_rows) / n_rows
    expect({REFERENCE: EVALUATION, GROWTH: n_members * cost * (passes + EVALUATION)})


def batch_size_of(net: NeuralNet | None, n_rows: int) -> int:
    """Return how many rows a step takes."""
    if net is None:
        return default_batch_size(n_rows)
    return net.batch_size if net.batch_size > 0 else n_rows
