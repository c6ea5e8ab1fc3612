"""
Your own net: a small convolutional one
=======================================

Without a net, the detector trains a small one of its own. If you have a net that suits
your data, the detector can use its loss instead: any skorch net will do.
"""

# %%
# A convolutional net
# -------------------
#
# The module returns logits, and its criterion takes them. Pass the class, not an
# instance, and train on all rows (``train_split=None``), since the detector holds out
# rows itself.

import numpy as np
import torch
from sklearn.datasets import load_digits
from skorch import NeuralNetClassifier
from torch import nn

from skgex import GEXDetector
from skgex.datasets import flip_labels
from skgex.inspection import SuspiciousImagesDisplay
from skgex.metrics import detection_report


class ConvNet(nn.Module):
    """Two convolutions and a linear layer."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 2 * 2, 10),
        )

    def forward(self, X):
        return self.layers(X)


net = NeuralNetClassifier(
    ConvNet,
    criterion=nn.CrossEntropyLoss,
    optimizer=torch.optim.SGD,
    optimizer__momentum=0.9,
    lr=0.05,
    max_epochs=10,
    batch_size=64,
    iterator_train__shuffle=True,
    train_split=None,
    verbose=0,
)

# %%
# Images as images
# ----------------
#
# The detector takes samples of any shape that the net takes, here (channels, height,
# width). The display knows that shape, too.

X, y = load_digits(return_X_y=True)
images = (X / 16).astype(np.float32).reshape(-1, 1, 8, 8)
y_noisy, noise_mask = flip_labels(y, 0.2, random_state=0)
detector = GEXDetector(net, n_members=4, random_state=0).fit(images, y_noisy)
SuspiciousImagesDisplay.from_estimator(
    detector, images, y_noisy, n_images=15, noise_mask=noise_mask
)

# %%
# It stopped in time
# ------------------
#
# A net that is trained for long memorises wrong labels, and then finds nothing
# strange about them. So the detector trains a clone of the net only while the loss of
# held-out rows falls.

print(
    f"{detector.n_epochs_} of {net.max_epochs} epochs, learning rate {detector.lr_:g}"
)
report = detection_report(noise_mask, detector.scores_, detector.noise_mask_)
for name, value in report.items():
    print(f"{name:22}{value:.3f}")

# %%
# A net that you have trained already is used as it is:
# ``GEXDetector(FrozenEstimator(net))``.
