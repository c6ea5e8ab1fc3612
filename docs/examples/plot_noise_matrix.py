"""
Which classes are mistaken for which?
=====================================

Wrong labels are seldom spread evenly. A person who labels animals mistakes wolves for
dogs, not for fish. The *noise matrix* says how often each class is labelled as each
other, and the detector estimates it.
"""

# %%
# Digits whose wrong labels have a pattern
# ----------------------------------------
#
# With ``kind="pair"`` each wrong label is the next class: a 0 is labelled as 1, a 1 as
# 2, and a 9 as 0.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.inspection import NoiseMatrixDisplay

X, y = load_digits(return_X_y=True)
y_noisy, _ = flip_labels(y, 0.15, kind="pair", random_state=0)

# %%
# Estimated, and true
# -------------------
#
# On the left is what the detector found without knowing the truth, on the right what
# was done. Colours are those of wrong labels; numbers are shares of each class, in
# percent.

detector = GEXDetector(random_state=0).fit(X, y_noisy)
figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.5), layout="constrained")
NoiseMatrixDisplay.from_estimator(detector, ax=left)
left.set_title("estimated")
NoiseMatrixDisplay.from_predictions(y, y_noisy, ax=right)
right.set_title("true")

# %%
# The pattern also helps to find the wrong labels: once the surest of them show that 0
# is mistaken for 1, a label 1 on what looks like a 0 is more suspicious than before.
#
# Names instead of numbers
# ------------------------
#
# ``display_labels`` gives the classes names.

names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
NoiseMatrixDisplay.from_estimator(detector, display_labels=names, cmap="Purples")
