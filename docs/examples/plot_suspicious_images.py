"""
Look at data that nobody has touched
====================================

The other examples flip labels on purpose. Here the digits are as they come, so that all
labels should be right. What does the detector say, and what is on the top of its list?
"""

# %%
# Fit, and look at the top of the list
# ------------------------------------
#
# ``scores_`` ranks all rows, whether they are flagged or not. The first pictures are
# those that deserve a look.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from skgex import GEXDetector
from skgex.inspection import ScoreDisplay, SuspiciousImagesDisplay

X, y = load_digits(return_X_y=True)
detector = GEXDetector(random_state=0).fit(X, y)
print(f"{detector.noise_mask_.sum()} of {len(y)} rows flagged")

SuspiciousImagesDisplay.from_estimator(detector, X, y, n_images=15)

# %%
# *Hard is not wrong*: most of these digits have the label that the detector suggests
# itself. They are hard to read, and are not flagged. The first one is labelled 5, and
# may well be a 9.

ScoreDisplay.from_estimator(detector)

# %%
# Colours, and several pictures side by side
# ------------------------------------------
#
# Every display draws into the axes that it is given. What it drew is kept in its
# attributes (``ax_`` or ``axes_``, ``figure_``, and one for each artist), to be changed
# as one likes.

figure, (left, right) = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
display = SuspiciousImagesDisplay.from_estimator(
    detector, X, y, n_images=9, n_columns=3, ax=left, im_kw={"cmap": "viridis"}
)
counts = np.bincount(y[detector.scores_.argsort()[::-1][:50]], minlength=10)
right.bar(range(10), counts, color="#0072B2")
right.set(
    xticks=range(10), xlabel="label", title="labels of the 50 most suspicious rows"
)
