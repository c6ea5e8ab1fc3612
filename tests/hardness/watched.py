"""What the tests of the hardness estimators share: data, nets, and their records."""

import numpy as np
from tiny import classifier, flip_every, learner, make_blobs

from skgex._nets.batches import SliceLoader
from skgex._nets.trajectory import train_with_trajectory
from skgex._utils.random import draw_seeds

X, clean = make_blobs()
y, noise_mask = flip_every(clean, 10)
ROWS = np.arange(len(y))


def net(**kwargs):
    """A net in float64 that shuffles, drops out and learns for six epochs."""
    settings = {"max_epochs": 6, "lr": 0.3, "iterator_train__shuffle": True}
    return classifier(**{**settings, "module__dropout": 0.2, **kwargs})


def seeds_of(random_state):
    """The seeds that estimators draw: of the net, of a trial, and of their own."""
    return draw_seeds(np.random.RandomState(random_state), 3)


def trajectory_of(net, random_state=0):
    """The training that estimators with this net and state watch."""
    return train_with_trajectory(net, X, y, seeds_of(random_state)[0])


def softmax(logits):
    """Rows of probabilities, by the definition."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def easy():
    """300 rows, a tenth of them flipped, and a net that learns them well."""
    X, y = make_blobs(300, spread=0.5)
    noisy, noise_mask = flip_every(y, 10)
    slices = {"iterator_train": SliceLoader, "iterator_valid": SliceLoader}
    return X, noisy, noise_mask, learner(iterator_train__shuffle=True, **slices)
