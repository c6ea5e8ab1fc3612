"""
Why is this picture suspicious?
===============================

A flag alone convinces nobody. ``explain`` names the training rows that speak against a
label, and those that speak for it, and ``NeighborsDisplay`` shows them.
"""

# %%
# The most suspicious digit
# -------------------------
#
# Top left is the picture itself, with the label that it was given and the one that the
# detector suggests. To its right, in vermilion, are the rows that pull hardest against
# the given label; below, in blue, those that pull for it. "(wrong)" is the truth.

from sklearn.datasets import load_digits

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.inspection import NeighborsDisplay

X, y = load_digits(return_X_y=True)
y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)
detector = GEXDetector(random_state=0).fit(X, y_noisy)
NeighborsDisplay.from_estimator(detector, X, y_noisy, noise_mask=noise_mask)

# %%
# The rows against the label look like the picture, and have another label. The rows for
# it are often wrong themselves: one mistake supports the other.
#
# A row that was kept
# -------------------
#
# The same for a row whose label is right: now the rows that look like it are on its
# side.

row = int(detector.scores_.argmin())
NeighborsDisplay.from_estimator(detector, X, y_noisy, row, noise_mask=noise_mask)

# %%
# As text
# -------
#
# A pull says how far the log-odds of the label move, in nats, with those of the other
# row's label.

print(detector.explain([detector.scores_.argmax(), row], n_neighbors=3))
