"""
Few flags, but sure ones
========================

Somebody will look at every flag, and time is short: nine of ten flags should be right.
``threshold="precision 90%"`` asks for just that, and needs no labels that are known to
be right.
"""

# %%
# Digits, with a fifth of the labels flipped
# ------------------------------------------

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.inspection import ScoreDisplay
from skgex.metrics import detection_report

X, y = load_digits(return_X_y=True)
y_noisy, noise_mask = flip_labels(y, 0.2, random_state=0)

# %%
# Ask for a precision
# -------------------
#
# The ranking does not depend on the cut, so that with ``warm_start=True`` the ensemble
# is fitted only once.

detector = GEXDetector(random_state=0, warm_start=True)
wanted = [0.8, 0.9, 0.95]
figure, axes = plt.subplots(
    len(wanted), figsize=(7, 7.5), sharex=True, layout="constrained"
)
for precision, ax in zip(wanted, axes, strict=True):
    detector.set_params(threshold=f"precision {precision:.0%}").fit(X, y_noisy)
    found = detection_report(noise_mask, detector.scores_, detector.noise_mask_)
    ScoreDisplay.from_estimator(detector, noise_mask=noise_mask, bins=40, ax=ax)
    ax.set_title(
        f"precision {precision:.0%} wanted, {found['precision']:.0%} reached, "
        f"{found['recall']:.0%} of the wrong labels found"
    )
    ax.label_outer()

# %%
# A higher precision flags fewer rows. The estimate is cautious: where classes may
# overlap it would rather flag too few, and on these data it reaches more than was asked
# for. If no label is sure enough, none is flagged and a warning says so.
