"""Members that went wrong: diverged, forgot what the net had learnt, or did not move.

All is read off losses, compared with those under the trained net and with the chance
level, the loss of a prediction that knows no more than how often each label is given.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import entropy

from skgex._data.label_coding import ClassLabels, Coding
from skgex._ensemble.ensemble_evaluation import EnsembleEvaluation
from skgex._nets.evaluation import per_sample_criterion, sample_losses
from skgex._nets.snapshot import TrainedNet, revive

# Members that keep less than this share of what the net has learnt have forgotten it.
KEPT = 0.5
# Of what it has only memorised they may forget more, but not this share of all.
LOST = 0.8
# A net that has learnt less than this share of the chance level has nothing to forget.
LEARNT = 0.1
# Losses that differ by less than this share differ by rounding.
ROUNDING = 1e-5


@dataclass(frozen=True)
class ChanceLevel:
    """The loss of a prediction that is the same for all rows, in nats.

    Attributes
    ----------
    mean : float
        Infinite where it is not known.
    median : float
        Over the rows; of classes, it is the mean.
    """

    mean: float
    median: float


def chance_level(
    coding: Coding, codes: np.ndarray, evaluation: EnsembleEvaluation, net: TrainedNet
) -> ChanceLevel:
    """Return the chance level of some labels.

    Parameters
    ----------
    coding : Coding
    codes : ndarray of shape (n_samples, ...)
    evaluation : EnsembleEvaluation
        Of the same rows.
    net : TrainedNet
        Whose criterion is used for regression targets.
    """
    if isinstance(coding, ClassLabels):
        _, counts = np.unique(codes, return_counts=True)
        # At least the mean over the classes of the loss of guessing one at random.
        return ChanceLevel(np.log(len(coding.classes)), float(entropy(counts)))
    outputs, targets = evaluation.outputs, evaluation.targets
    if outputs.shape == targets.shape and outputs.dtype.kind == "f":
        losses = _losses_of_mean(net, targets)
        return ChanceLevel(float(losses.mean()), float(np.median(losses)))
    if outputs.ndim == targets.ndim + 1:  # a class per token, pixel or label
        chance = float(np.log(outputs.shape[1]))
        return ChanceLevel(chance, chance)
    return ChanceLevel(np.inf, np.inf)


def _losses_of_mean(net: TrainedNet, targets: np.ndarray) -> np.ndarray:
    """Return the losses if the mean target is predicted for all rows, if they exist."""
    y = torch.as_tensor(targets)
    constant = y.mean(dim=0, keepdim=True).expand_as(y)
    revived = revive(net)
    try:
        with torch.no_grad(), per_sample_criterion(revived):
            return sample_losses(revived, constant, y, None).cpu().numpy()
    except Exception:  # the loss may need more than outputs and targets
        return np.full(len(targets), np.inf)


def diverged(evaluation: EnsembleEvaluation, chance: ChanceLevel) -> np.ndarray:
    """Return which members diverged, (n_members,), dtype=bool.

    Their losses are not finite, or above the chance level in the mean. Where the
    trained net itself is not much better than chance, they must be above its losses by
    half of the chance level as well: a net cannot learn what X does not say.
    """
    finite = np.isfinite(evaluation.losses).all(axis=0)
    reference = np.nan_to_num(evaluation.reference).mean(dtype=np.float64)
    level = max(chance.mean, reference + abs(chance.mean) / 2)
    means = np.nan_to_num(evaluation.losses).mean(axis=0, dtype=np.float64)
    return ~finite | (means > level)


def forgot(
    evaluation: EnsembleEvaluation, chance: ChanceLevel, held_out: float = -np.inf
) -> np.ndarray:
    """Return which members lost most of what the net had learnt, (n_members,).

    Half of the way from the net's loss to the chance level, for the median row. Members
    are meant to forget wrong labels, but those are fewer than half. What the net has
    only memorised may be forgotten, too: up to ``held_out``, the median loss of labels
    that it never saw, in nats.
    """
    reference = float(np.median(evaluation.reference))
    learnt = chance.median - reference
    if not np.isfinite(learnt) or learnt < LEARNT * abs(chance.median):
        return np.zeros(evaluation.n_members, dtype=bool)
    medians = np.median(evaluation.losses, axis=0)
    lost = np.clip((held_out - reference) / learnt, 1 - KEPT, LOST)
    return ~(medians <= reference + lost * learnt)


def stood_still(evaluation: EnsembleEvaluation) -> bool:
    """Return whether no member's losses differ from its net's by more than rounding.

    Only members that start from θ* are looked at.
    """
    reference = evaluation.reference[:, None]
    losses = evaluation.around_trained().losses
    moves = np.square(losses - reference, dtype=np.float64).mean()
    size = np.square(reference, dtype=np.float64).mean()
    return bool(moves <= ROUNDING**2 * size)
