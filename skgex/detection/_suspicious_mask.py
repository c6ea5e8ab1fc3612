"""Doubts of masks that are more likely to be wrong than the labels are."""

from collections.abc import Iterator

import numpy as np

from skgex.detection._doubts import Doubt
from skgex.detection._threshold import parse_percentage
from skgex.exceptions import SuspiciousMaskWarning

# More wrong labels than right ones cannot be told by an ensemble that learnt from them.
MOST = 0.5


def doubts_of_mask(
    mask: np.ndarray, labels: np.ndarray | None, threshold: str | float
) -> Iterator[Doubt]:
    """Doubt if more than half of all rows, or of a class, are flagged.

    If a share above one half was asked for, as by "60%", it takes more than that, or
    all of a class.

    Parameters
    ----------
    mask : ndarray of shape (n_samples,), dtype=bool
        True = flagged.
    labels : ndarray of shape (n_samples,) or None
        The given class labels; None if labels are not classes.
    threshold : str or float
        The detector's.
    """
    asked = parse_percentage(threshold) if isinstance(threshold, str) else None
    most = max(MOST, asked or 0.0)
    if mask.mean() > most:
        yield Doubt(
            f"{mask.mean():.0%} of the labels are flagged ({mask.sum()} of "
            f"{len(mask)}). More wrong labels than right ones cannot be found from the "
            "labels alone: the net may not have learnt the task, or X says little of "
            "the labels. Look at the net's held-out accuracy, or pass threshold='10%' "
            "for an expected noise rate.",
            SuspiciousMaskWarning,
        )
    if labels is None:
        return
    classes, codes = np.unique(labels, return_inverse=True)
    flagged = np.bincount(codes[mask], minlength=len(classes))
    counts = np.bincount(codes)
    named = classes[(flagged > most * counts) | (flagged == counts)]
    if len(named):
        yield Doubt(
            f"More than half of the labels of {len(named)} of {len(classes)} classes "
            f"are flagged: {', '.join(map(str, named[:10]))}"
            f"{', ...' if len(named) > 10 else ''}. "
            "The net may not have learnt these classes, for instance because they are "
            "rare. Look at their rows before they are dropped.",
            SuspiciousMaskWarning,
        )
