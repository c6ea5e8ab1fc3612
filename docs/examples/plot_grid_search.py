"""
Choose parameters without ground truth
======================================

How should one choose the features for a detector, or its parameters, if nobody knows
which labels are wrong? Its ``score`` needs no ground truth: it is the log-likelihood of
held-out labels, as they were given, under the ensemble. So ``GridSearchCV`` works as
usual.
"""

# %%
# Search
# ------
#
# Digits are compressed to a few principal components before the detector sees them. How
# few may they be? (All other parameters are set, so that little time is needed.)
# ``memory`` caches the nets and the members, and the folds are stratified by hand,
# since scikit-learn does that for classifiers only.

from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.metrics import detection_report

X, y = load_digits(return_X_y=True)
X, y = X[:700], y[:700]
y_noisy, noise_mask = flip_labels(y, 0.2, random_state=0)
grid = {"pca__n_components": [2, 4, 8, 32]}
with TemporaryDirectory() as cache:
    detector = GEXDetector(
        n_members=4,
        lr=0.2,
        noise_type="instance_dependent",
        memory=cache,
        random_state=0,
    )
    pipeline = make_pipeline(PCA(random_state=0), detector)
    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    search = GridSearchCV(pipeline, grid, cv=folds, refit=False).fit(X, y_noisy)
    print(search.best_params_)

    # How well would each setting have found the wrong labels? Nobody knows that in
    # practice; here we look.
    found = []
    for params in search.cv_results_["params"]:
        fitted = pipeline.set_params(**params).fit(X, y_noisy)[-1]
        report = detection_report(noise_mask, fitted.scores_)
        found.append(report["average_precision"])

# %%
# What the search saw, and what it did not
# ----------------------------------------
#
# Each point is a setting: to the right what the search could see, upwards how well the
# wrong labels were found. Two components are too few to tell digits apart: held-out
# labels are predicted worst, and fewest of the wrong labels are found. The choice of
# the search finds nearly all.

table = pd.DataFrame(search.cv_results_["params"])
table.columns = [name.split("__")[1] for name in table.columns]
table["held-out score"] = search.cv_results_["mean_test_score"]
table["average precision"] = found

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.scatter(table["held-out score"], table["average precision"], s=60, color="#0072B2")
for number, score, precision in table.itertuples(index=False):
    ax.annotate(
        f"{number} components",
        (score, precision),
        xytext=(0, -14),
        textcoords="offset points",
        ha="center",
        fontsize=9,
    )
ax.margins(0.2)
ax.set(
    xlabel="mean held-out log-likelihood [nats]",
    ylabel="average precision (hidden)",
)

# %%
# All settings, the best of the search first:

table.sort_values("held-out score", ascending=False)
