"""
Which assumption on noise?
==========================

Where classes overlap, labels alone cannot tell a wrong label from a right one of an
unusual row. An assumption must be made, and it can be yours: ``noise_type``.
"""

# %%
# No wrong labels, or guesses
# ---------------------------
#
# Tumours by two of their measurements, so that the classes overlap. The first labels
# are right, also those of unusual tumours. The second ones were given by somebody who
# guesses where unsure: the more doubtful a row, the more probably its label is wrong.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import StandardScaler

from skgex import GEXDetector

data = load_breast_cancer(as_frame=True)
names = ["mean texture", "mean perimeter"]
X, y = StandardScaler().fit_transform(data.data[names]), data.target.to_numpy()

proba = cross_val_predict(LogisticRegression(), X, y, method="predict_proba")
proba = proba[np.arange(len(y)), y]
doubt = np.where(proba > 0.5, 1 - proba, 0)
random = np.random.RandomState(0)
guessed = random.choice(len(y), 57, replace=False, p=doubt / doubt.sum())
y_guessed = y.copy()
y_guessed[guessed] = 1 - y[guessed]

# %%
# Two assumptions
# ---------------
#
# ``"class_conditional"`` assumes that wrong labels fall on all rows of a class alike,
# as slips of the pen do, and leaves rows alone where classes overlap.
# ``"instance_dependent"`` assumes that they are those of hard rows, and flags each
# label that the ensemble clearly contradicts.

figure, axes = plt.subplots(
    2, 2, figsize=(10, 8.5), sharex=True, sharey=True, layout="constrained"
)
kinds = ["class_conditional", "instance_dependent"]
labels = {"all labels right": y, "guesses": y_guessed}
for line, (name, given) in zip(axes, labels.items(), strict=True):
    for ax, noise_type in zip(line, kinds, strict=True):
        detector = GEXDetector(noise_type=noise_type, random_state=0).fit(X, given)
        flagged, wrong = detector.noise_mask_, given != y
        for label, color in enumerate(["#56B4E9", "#CCCCCC"]):
            ax.scatter(*X[given == label].T, s=14, c=color)
        ax.scatter(*X[wrong].T, s=14, c="black")
        ax.scatter(*X[flagged].T, s=60, facecolors="none", edgecolors="#D55E00")
        found = f"{(flagged & wrong).sum()} of {wrong.sum()} wrong labels"
        ax.set_title(
            f'{name}, noise_type="{noise_type}"\n{flagged.sum()} flagged, {found}',
            fontsize=10,
        )
for ax in axes[-1]:
    ax.set_xlabel(names[0])
for ax in axes[:, 0]:
    ax.set_ylabel(names[1])

# %%
# Blue and grey are the classes as given, black dots are wrong labels, vermilion rings
# are flags. If all labels are right, the first assumption raises fewer false alarms. If
# they are guesses, the second one finds far more of the wrong ones.
#
# Nothing in the labels tells which of the two is right. By default (``"auto"``) the
# detector makes the first assumption unless classes hardly overlap, and a warning says
# where the two differ much. ``noise_type_`` is the one that was made. If people gave
# the labels, think of ``noise_type="instance_dependent"``.
