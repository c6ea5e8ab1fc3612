"""
Train on what is left
=====================

Why look for wrong labels? So that a model learns the right thing. ``CleanedClassifier``
is an ordinary classifier that finds wrong labels in ``fit``, acts on them, and then
trains a model of your choice.
"""

# %%
# A tree on labels of which a fifth is wrong
# ------------------------------------------
#
# A decision tree memorises every label, wrong ones as well. The labels of the
# test rows are right.

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.tree import DecisionTreeClassifier

from skgex import CleanedClassifier, GEXDetector
from skgex.datasets import flip_labels

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
y_noisy, noise_mask = flip_labels(y_train, 0.2, random_state=0)

tree = DecisionTreeClassifier(random_state=0)
accuracies = {
    "labels as given": tree.fit(X_train, y_noisy).score(X_test, y_test),
    "right labels": tree.fit(X_train, y_train).score(X_test, y_test),
}

# %%
# Drop, or relabel
# ----------------
#
# Flagged rows are left out, or get the label that the detector suggests. The classifier
# looks at held-out rows first, and acts only as far as that helps it.

for action in ["drop", "relabel"]:
    cleaned = CleanedClassifier(tree, GEXDetector(random_state=0), action=action)
    cleaned.fit(X_train, y_noisy)
    accuracies[f"flagged rows: {action}"] = cleaned.score(X_test, y_test)
    acted = cleaned.acted_mask_
    print(f"{action}: {acted.sum()} rows, {(acted & noise_mask).sum()} of them wrong")

# %%
# The outcome
# -----------

names = ["labels as given", "flagged rows: drop", "flagged rows: relabel"]
names.append("right labels")
figure, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
bars = ax.barh(
    names,
    [accuracies[name] for name in names],
    color=["#D55E00", "#0072B2", "#0072B2", "#767676"],
)
ax.bar_label(bars, fmt="{:.1%}", padding=3)
ax.invert_yaxis()
ax.set(xlim=(0, 1), xlabel="accuracy of the tree on test rows")
ax.spines[["top", "right"]].set_visible(False)
