"""Whether a net has learnt its labels by heart as much, or as little, as it should."""

from skgex._utils.warnings import warn_caller
from skgex.exceptions import MemorisationWarning

# The paper's statistic needs a net that fits this share of its labels: gives them a
# probability above 1/2.
MEMORISED = 0.98

# A loss finds few wrong labels where the share that is fitted exceeds by this much the
# share of held-out labels that a net like it predicts. Nets that stopped in time differ
# by less.
OVERFIT = 0.15


def warn_unless_memorised(fitted: float) -> None:
    """Warn of self-influence under a net that fits too small a share of its labels."""
    if fitted < MEMORISED:
        warn_caller(
            f"The net fits {fitted:.0%} of its training labels. "
            "Self-influence finds noise that was memorised: train longer, without "
            "early stopping, augmentation or regularisation, or use "
            "statistic='relative_loss'.",
            MemorisationWarning,
        )


def warn_if_memorised(fitted: float, predicted: float) -> None:
    """Warn of losses under a net that fits far more labels than it could predict."""
    if fitted > predicted + OVERFIT:
        warn_caller(
            f"The net fits {fitted:.0%} of its training labels, but trained on half of "
            f"them it predicts {predicted:.0%} of the others: it has learnt labels by "
            "heart, and the loss of wrong ones then tells little. Pass the net itself, "
            "neither frozen nor with early_stopping=False, or train it for fewer "
            "epochs.",
            MemorisationWarning,
        )
