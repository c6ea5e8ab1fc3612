"""
How many members are enough?
============================

The detector asks several nets, the *members* of an ensemble. More of them make the
ranking less random, and cost more time. ``ConvergenceDisplay`` shows whether more would
change anything.
"""

# %%
# Sixteen members
# ---------------
#
# The blue curve compares the most suspicious rows by the first 1, 2, 3, ... members
# with those by all sixteen. It ends at 1 in any case. The green curve is more honest:
# it compares the rows found by so many members with those found by as many *others*.
# Where it is near 1, other members would find the same rows. The black curve is the
# truth.

import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.inspection import ConvergenceDisplay

figure, axes = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained", sharey=True)
for load, ax in zip([load_digits, load_breast_cancer], axes, strict=True):
    X, y = load(return_X_y=True)
    y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)
    pipeline = make_pipeline(
        StandardScaler(), GEXDetector(n_members=16, random_state=0)
    )
    pipeline.fit(X, y_noisy)
    ConvergenceDisplay.from_estimator(pipeline, noise_mask=noise_mask, ax=ax)
    ax.set_title(load.__name__.removeprefix("load_").replace("_", " "))

# %%
# Let the detector decide
# -----------------------
#
# With ``n_members="auto"`` the detector compares two halves of its members itself, and
# grows more until the ranking is stable.

detector = GEXDetector(n_members="auto", random_state=0).fit(
    StandardScaler().fit_transform(X), y_noisy
)
print(f"{detector.n_members_} members")

# %%
# ``scores_std_`` says how sure each single score is.

worst = detector.scores_.argsort()[::-1][:5]
for row in worst:
    print(f"row {row}: {detector.scores_[row]:.2f} ± {detector.scores_std_[row]:.2f}")
