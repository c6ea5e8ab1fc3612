"""
How many rows does a model need?
================================

Many rows say what others say as well. ``GEXPruner`` finds those that a model would
learn just as well without: a smaller data set trains faster, and takes less time to
label again.
"""

# %%
# Prune, and train on the others
# ------------------------------
#
# The pruner is fitted once. ``PruningDisplay`` then leaves out more and more rows,
# those needed least first, trains a model on the rest, and scores it on test rows. For
# comparison it also leaves out rows at random.

from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex import DatasetPruner, GEXPruner
from skgex.hardness import EL2N
from skgex.inspection import PruningDisplay, SuspiciousImagesDisplay

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
pruner = GEXPruner(prune=0.5, random_state=0).fit(X_train, y_train)
model = make_pipeline(StandardScaler(), LogisticRegression())
PruningDisplay.from_estimator(
    pruner, model, X_train, y_train, X_test, y_test, random_state=0
)

# %%
# Rows pruned at random are missed sooner than those that the pruner chose. Which are
# they? The plainest digits of all: the scores are turned round here, so that the rows
# pruned first come first.

SuspiciousImagesDisplay.from_predictions(
    X_train, y_train, -pruner.self_influence_, n_images=10
)

# %%
# And these are the rows that the model needs most.

SuspiciousImagesDisplay.from_predictions(
    X_train, y_train, pruner.self_influence_, n_images=10
)

# %%
# Other scores
# ------------
#
# ``DatasetPruner`` prunes by the scores of any other method. Several pruners are drawn
# together if they are passed by name.

pruners = {
    "GEX": pruner,
    "EL2N": DatasetPruner(EL2N(random_state=0), class_balance=0.5).fit(
        X_train, y_train
    ),
}
PruningDisplay.from_estimator(
    pruners, model, X_train, y_train, X_test, y_test, random_state=0
)
