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
# asks how each label fares in several nets nearby: a label that only this one net knows
# by heart is suspicious. Nothing has to be set, not even how many labels are wrong.

detector = GEXDetector(random_state=0).fit(X, y_noisy)
print(detector.summary())

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

detector.issues().head(10)

# %%
# Was it right?
# -------------
#
# Here the truth is known, so that we can count.

flagged = detector.noise_mask_
print(f"{noise_mask.sum()} labels are wrong, {flagged.sum()} are flagged")
print(f"{(flagged & noise_mask).sum()} of the flagged ones are wrong indeed")
print(f"{(noise_mask & ~flagged).sum()} wrong labels were missed")

# %%
# The rows to keep are those of ``get_support``, as with scikit-learn's feature
# selectors.

keep = detector.get_support()
print(f"{X[keep].shape[0]} rows kept, {noise_mask[keep].mean():.1%} of them wrong")
