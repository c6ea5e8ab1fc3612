"""
Wrong regression targets
========================

Not only classes can be wrong: somebody mistypes a number, or two columns are swapped.
For regression, pass a skorch net. The score of a row is its mean loss under the
members.
"""

# %%
# Diabetes, with mistyped targets
# -------------------------------
#
# The target says how far the disease of 442 patients progressed within a year. For 40
# of them, somebody typed the digits of the number in reverse: 206 became 602
# (and 151 stayed what it was).

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import scale
from skorch import NeuralNetRegressor
from torch import nn

from skgex import GEXDetector
from skgex.inspection import ScoreDisplay
from skgex.metrics import detection_report

random = np.random.RandomState(0)
X, y = load_diabetes(return_X_y=True)
y_noisy, wrong = y.copy(), random.choice(len(y), 40, replace=False)
y_noisy[wrong] = [int(str(int(value))[::-1]) for value in y[wrong]]
noise_mask = y_noisy != y

# %%
# A small net of one's own
# ------------------------
#
# A net, its loss and its optimizer. skorch makes it an estimator; the detector trains a
# clone of it. Features and targets are scaled to what nets like.


class Net(nn.Module):
    """A hidden layer of 32 units."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, X):
        return self.layers(X)


net = NeuralNetRegressor(
    Net,
    criterion=nn.SmoothL1Loss,
    optimizer=torch.optim.SGD,
    lr=0.05,
    max_epochs=50,
    iterator_train__shuffle=True,
    train_split=None,
    verbose=0,
)
targets = scale(y_noisy).reshape(-1, 1)
detector = GEXDetector(net, random_state=0)
detector.fit(scale(X).astype(np.float32), targets.astype(np.float32))
ScoreDisplay.from_estimator(detector, noise_mask=noise_mask, bins=30)

# %%
# Given and expected values
# -------------------------
#
# ``suggested_labels_`` holds what the ensemble predicts. Far from the diagonal a target
# is suspicious.

expected = detector.suggested_labels_.ravel() * y_noisy.std() + y_noisy.mean()
flagged = detector.noise_mask_
figure, ax = plt.subplots(figsize=(5.5, 5.5), layout="constrained")
ax.plot([0, 350], [0, 350], color="#767676", ls="--", lw=1)
ax.scatter(expected[~flagged], y_noisy[~flagged], s=14, c="#0072B2", label="kept")
ax.scatter(expected[flagged], y_noisy[flagged], s=14, c="#D55E00", label="flagged")
ax.scatter(
    expected[noise_mask],
    y_noisy[noise_mask],
    s=70,
    facecolors="none",
    edgecolors="black",
    label="known to be wrong",
)
ax.set(xlabel="expected by the ensemble", ylabel="target as given")
ax.legend(frameon=False)

# %%
# A mistyped number that happens to be plausible cannot be found.

for name, value in detection_report(noise_mask, detector.scores_, flagged).items():
    print(f"{name:22}{value:.2f}")
