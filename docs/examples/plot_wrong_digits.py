"""
Find wrong labels among handwritten digits
==========================================

1,797 pictures of handwritten digits, each with a label from 0 to 9. Somebody was
careless: a tenth of the labels are wrong. Which ones?
"""

# %%
# Data with wrong labels
# ----------------------
#
# The digits come with scikit-learn. ``flip_labels`` makes 180 of their labels wrong,
# and also returns the truth, ``noise_mask``. The detector never sees that.

import textwrap

from sklearn.datasets import load_digits

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.inspection import SuspiciousImagesDisplay

X, y = load_digits(return_X_y=True)
y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)

# %%
# Find them
# ---------
#
# A detector is fitted like any estimator of scikit-learn. It trains a small net, then
# asks how each label fares in several nets nearby: a label that other rows do not
# support is suspicious. Nothing has to be set, not even how many labels are wrong.

detector = GEXDetector(random_state=0).fit(X, y_noisy)
print(textwrap.fill(detector.summary(), 62))

# %%
# Look at them
# ------------
#
# Above each picture stands the label that it was given, and the one that the detector
# suggests. "known" is the truth.

SuspiciousImagesDisplay.from_estimator(detector, X, y_noisy, noise_mask=noise_mask)

# %%
# As a table
# ----------
#
# ``issues`` lists all rows, the most suspicious first.

detector.issues().head(10).drop(columns=["row", "score_std"])

# %%
# Was it right?
# -------------
#
# Here the truth is known, so that we can count.

flagged = detector.noise_mask_
print(f"wrong labels:           {noise_mask.sum()}")
print(f"flagged:                {flagged.sum()}")
print(f"flagged, and wrong:     {(flagged & noise_mask).sum()}")
print(f"wrong, but not flagged: {(noise_mask & ~flagged).sum()}")

# %%
# The rows to keep are those of ``get_support``, as with scikit-learn's feature
# selectors.

keep = detector.get_support()
X_kept, y_kept = X[keep], y_noisy[keep]
print(f"{len(X_kept)} rows kept, {noise_mask[keep].mean():.1%} wrong")
