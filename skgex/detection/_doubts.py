"""What the data could not tell: warned of in fit, and said again in the summary."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from skgex._utils.warnings import warn_caller
from skgex.detection._held_out import HeldOutLabels
from skgex.detection._label_noise import CLASS_CONDITIONAL, Noise
from skgex.exceptions import (
    AmbiguousNoiseWarning,
    EmptyMaskWarning,
    UnpredictableLabelsWarning,
)

# Whether classes overlap is in doubt if the ensemble finds this much more noise than
# held-out labels bear, and more by this number of standard errors; or if one standard
# error is as much as the last number.
MUCH = 0.03
CERTAINTY = 2.0
UNSURE = 0.06


class Doubt(NamedTuple):
    """What makes the flags doubtful.

    Attributes
    ----------
    text : str
    category : type of Warning
    """

    text: str
    category: type[Warning]


def warn_of(doubts: Iterable[Doubt]) -> None:
    """Warn of each doubt."""
    for doubt in doubts:
        warn_caller(*doubt)


def doubts_of_noise(
    noise: Noise, held_out: HeldOutLabels | None, base: float
) -> Iterator[Doubt]:
    """Doubt if X hardly predicts y, or if overlap of classes may be taken for noise.

    Parameters
    ----------
    noise : Noise
    held_out : HeldOutLabels or None
        Nothing is known, and nothing is said, without these.
    base : float
        The share of the most frequent class.
    """
    if held_out is None:
        return
    if not noise.predictable:
        flagged = noise.assumption != CLASS_CONDITIONAL
        yield Doubt(
            f"X hardly predicts y: of {len(held_out.codes)} held-out labels "
            f"{held_out.accuracy:.0%} are predicted, and the most frequent class has "
            f"{base:.0%} of all. "
            + (
                "The flags say little."
                if flagged
                else "No label can be judged, and none is flagged."
            ),
            UnpredictableLabelsWarning,
        )
        return
    more = noise.own_rate - noise.rate.mean
    doubtful = more > max(MUCH, CERTAINTY * noise.rate.std) or noise.rate.std > UNSURE
    if noise.assumption == CLASS_CONDITIONAL and doubtful:
        yield Doubt(
            f"The ensemble disagrees with {noise.own_rate:.0%} of the labels, but "
            f"held-out labels bear {noise.rate.mean:.0%} of wrong ones (standard error "
            f"{noise.rate.std:.1%}) if these fall on all rows of a class alike. Either "
            "classes overlap, or more labels are wrong on rows that are hard to learn: "
            "the data cannot tell. The first is assumed. Pass "
            "noise_type='instance_dependent' for the second, or "
            "noise_type='class_conditional' to silence this.",
            AmbiguousNoiseWarning,
        )


def doubts_of_precision(mask: np.ndarray, threshold: str | float) -> Iterator[Doubt]:
    """Doubt if no label is sure enough for the precision that was asked for."""
    if not mask.any():
        yield Doubt(
            f"threshold={threshold!r}: no label is wrong so surely, and none is "
            "flagged. Ask for less, or look at scores_ and noise_proba_.",
            EmptyMaskWarning,
        )
