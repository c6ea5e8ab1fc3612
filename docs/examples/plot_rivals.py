"""
Other methods, one interface
============================

GEX is one of many ways to rank rows. ``skgex.hardness`` and ``skgex.influence`` hold
others, so that each can be tried on the same data by changing one word.
"""

# %%
# Five ways to rank the same rows
# -------------------------------
#
# ``NoisyLabelDetector`` turns any scorer into a detector. Here are four, beside
# ``GEXDetector``: the mean margin during training (AUM), the error of young nets
# (EL2N), the mean probability during training (DataMap), and the plain loss at its end.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.metrics import average_precision_score, precision_recall_curve

from skgex import GEXDetector, NoisyLabelDetector
from skgex.datasets import flip_labels
from skgex.hardness import AUM, EL2N, DataMap, TrainingLoss
from skgex.inspection import ScoreDisplay

X, y = load_digits(return_X_y=True)
y_noisy, noise_mask = flip_labels(y, 0.2, kind="pair", random_state=0)
detectors = {
    "GEX": GEXDetector(random_state=0),
    "AUM": NoisyLabelDetector(AUM(random_state=0)),
    "EL2N": NoisyLabelDetector(EL2N(n_nets=4, random_state=0)),
    "DataMap": NoisyLabelDetector(DataMap(random_state=0)),
    "training loss": NoisyLabelDetector(TrainingLoss(random_state=0)),
}
for detector in detectors.values():
    detector.fit(X, y_noisy)

# %%
# Precision and recall
# --------------------
#
# From left to right, more and more rows are flagged. A curve that stays high finds many
# wrong labels before the first false alarms.

figure, ax = plt.subplots(figsize=(7, 5), layout="constrained")
colors = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#767676"]
styles = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
for (name, detector), color, style in zip(
    detectors.items(), colors, styles, strict=True
):
    precision, recall, _ = precision_recall_curve(noise_mask, detector.scores_)
    average = average_precision_score(noise_mask, detector.scores_)
    label = f"{name}: {average:.2f} on average"
    ax.plot(recall, precision, color=color, linestyle=style, label=label)
ax.set(
    xlabel="share of the wrong labels that are flagged (recall)",
    ylabel="share of the flags that are right (precision)",
    ylim=(0, 1.05),
)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="lower left")

# %%
# Two histograms
# --------------
#
# Each score has a scale of its own; the axis names it.

figure, axes = plt.subplots(2, figsize=(7, 6.5), layout="constrained")
for name, ax in zip(["GEX", "AUM"], axes, strict=True):
    ScoreDisplay.from_estimator(detectors[name], noise_mask=noise_mask, ax=ax)
    ax.set_title(name)

# %%
# One data set proves little. :doc:`The figures </figures>` compare the methods on many.
