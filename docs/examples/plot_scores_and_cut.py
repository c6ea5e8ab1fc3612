"""
The scores, and where to cut
============================

A detector first *ranks* all rows by a score, and then *cuts*: rows above the cut are
flagged. The ranking is the harder part; the cut is a choice, and can be yours.
"""

# %%
# The histogram of scores
# -----------------------
#
# Most rows have a score near 0: their label is beyond doubt (mind the logarithmic
# scale). Wrong labels lie far to the right. The black outline is the truth, which we
# know here because we flipped the labels ourselves.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.inspection import ScoreDisplay
from skgex.metrics import detection_report

X, y = load_digits(return_X_y=True)
y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)
detector = GEXDetector(random_state=0, warm_start=True).fit(X, y_noisy)
ScoreDisplay.from_estimator(detector, noise_mask=noise_mask)

# %%
# Other cuts
# ----------
#
# - ``"auto"`` flags the labels that are more probably wrong than right.
# - ``"otsu"`` is Otsu's rule, which best divides the scores into two groups.
# - ``"5%"`` flags that share of the rows.
# - ``"precision 90%"`` flags as many as possible such that nine of ten should be wrong.
# - A number is a cut on the scale of the scores.
#
# With ``warm_start=True`` the ensemble is not fitted again: a new cut costs nothing.

cuts = ["auto", "otsu", "5%", "precision 90%"]
figure, axes = plt.subplots(
    len(cuts), figsize=(7, 10), sharex=True, layout="constrained"
)
for cut, ax in zip(cuts, axes, strict=True):
    detector.set_params(threshold=cut).fit(X, y_noisy)
    ScoreDisplay.from_estimator(detector, noise_mask=noise_mask, ax=ax)
    ax.set_title(f'threshold="{cut}"')
    ax.label_outer()
    found = detection_report(noise_mask, detector.scores_, detector.noise_mask_)
    print(f"{cut:14} precision {found['precision']:.2f}, recall {found['recall']:.2f}")

# %%
# Precision is the share of flags that are right, recall the share of wrong labels that
# are flagged. A higher cut gives fewer flags, and surer ones. The ranking is the same
# in all four, and so is its quality:

print(f"average precision {found['average_precision']:.3f}")
