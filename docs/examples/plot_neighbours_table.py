"""
Why is this row of a table suspicious?
======================================

The rows of a table cannot be looked at like pictures, but their values can be put side
by side: the suspicious row first, then those that speak against its label, then those
that speak for it.
"""

# %%
# Wines from three growers
# ------------------------
#
# Each row is a wine, with thirteen chemical measurements; the label is the grower. Ten
# percent of the labels are flipped. The measurements have different units, so that they
# are scaled first, in a Pipeline.

from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.inspection import NeighborsDisplay

wine = load_wine(as_frame=True)
X, y = wine.data, wine.target.map(lambda grower: f"grower {'ABC'[grower]}")
y_noisy, noise_mask = flip_labels(y, 0.1, random_state=0)
pipeline = make_pipeline(StandardScaler(), GEXDetector(random_state=0))
pipeline.fit(X, y_noisy)

# %%
# The display takes the table as it was before it was scaled: values that a chemist
# knows.

NeighborsDisplay.from_estimator(
    pipeline, X, y_noisy, n_neighbors=3, noise_mask=noise_mask
)

# %%
# Fewer features
# --------------
#
# Name the features that matter to you. Here are those in which the row differs most
# from the typical wine of the grower that it was given to.

detector = pipeline[-1]
row = int(detector.scores_.argmax())
typical = X[y_noisy == y_noisy[row]].median()
distance = ((X.iloc[row] - typical) / X.std()).abs()
NeighborsDisplay.from_estimator(
    pipeline,
    X,
    y_noisy,
    row,
    n_neighbors=3,
    features=distance.nlargest(5).index,
    noise_mask=noise_mask,
)
