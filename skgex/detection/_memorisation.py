"""Doubts if a net has memorised too few, or too many, of its training labels."""

from collections.abc import Iterator

from skgex.detection._doubts import Doubt
from skgex.exceptions import MemorisationWarning

# The paper's statistic, self-influence, needs a net that fits at least this share of
# its labels, that is, gives them a probability above 1/2.
MEMORISED = 0.98

# Losses find few wrong labels if the share of training labels that the net fits exceeds
# by more than this the share of held-out labels that a net like it predicts. For nets
# that were stopped in time the difference is smaller.
OVERFIT = 0.15


def doubts_unless_memorised(fitted: float) -> Iterator[Doubt]:
    """Doubt if a net fits too small a share of its labels for self-influence.

    Parameters
    ----------
    fitted : float
        Share of the training labels that the net gives a probability above 1/2.
    """
    if fitted < MEMORISED:
        yield Doubt(
            f"The net fits {fitted:.0%} of its training labels. "
            "Self-influence finds noise that was memorised: train longer, without "
            "early stopping, augmentation or regularisation, or use "
            "statistic='relative_loss'.",
            MemorisationWarning,
        )


def doubts_if_memorised(fitted: float, predicted: float) -> Iterator[Doubt]:
    """Doubt if a net fits far more labels than it predicts, for scores by loss.

    Parameters
    ----------
    fitted : float
        Share of the training labels that the net gives a probability above 1/2.
    predicted : float
        Share of held-out labels that a net trained on the other rows predicts.
    """
    if fitted > predicted + OVERFIT:
        yield Doubt(
            f"The net fits {fitted:.0%} of its training labels, but trained on half of "
            f"them it predicts {predicted:.0%} of the others: it has memorised labels, "
            "so that the loss of a wrong one can be as low as that of a right one. "
            "Pass the net itself, neither frozen nor with early_stopping=False, or "
            "train it for fewer epochs.",
            MemorisationWarning,
        )
