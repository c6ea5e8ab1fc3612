"""Several integers per row: tokens and masks, as arrays and as a Dataset."""

import numpy as np
import pytest
import torch
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import average_precision_score
from skorch import NeuralNet
from tiny import PairDataset, plain_net
from torch import nn

from skgex import GEXDetector
from skgex._utils.random import seeded

N_TOKENS, N_INDICES = 5, 3
rng = np.random.RandomState(0)
X = rng.standard_normal((120, N_TOKENS, 4)).astype(np.float32)
TRUE = (X @ rng.standard_normal((4, N_INDICES))).argmax(axis=2)
MASK = np.arange(120) % 10 == 0
Y = np.where(MASK[:, None], (TRUE + 1) % N_INDICES, TRUE)


class Tokens(nn.Module):
    """Logits of shape (n_samples, n_indices, n_tokens)."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))

    def forward(self, X):
        return self.layers(X).transpose(1, -1)


class Pixels(nn.Module):
    """Logits of shape (n_samples, 2, height, width)."""

    def __init__(self, n_outputs=2):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, n_outputs, 1)
        )

    def forward(self, X):
        return self.layers(X)


class Flat(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, X):
        return self.layer(X)


class OnlyIntegers(nn.Module):
    """A user's criterion that indexes outputs by targets."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, outputs, y):
        each = outputs.logsumexp(1) - outputs.gather(1, y[:, None])[:, 0]
        if self.reduction == "none":
            return each
        return each.mean()


def net(module=Tokens, **kwargs):
    options = {"criterion": nn.CrossEntropyLoss, "optimizer": torch.optim.Adam}
    return plain_net(module, **{**options, "max_epochs": 12, "lr": 0.03, **kwargs})


def fit(net, X, y=None, **params):
    return GEXDetector(net, n_members=4, lr=0.1, random_state=0, **params).fit(X, y)


def check(detector, X, y, mask, true):
    assert average_precision_score(mask, detector.scores_) > 0.95
    assert detector.suggested_labels_.shape == y.shape
    assert (detector.suggested_labels_[mask] == true[mask]).mean() > 0.6
    np.testing.assert_array_equal(detector.scores(X, y), detector.scores_)
    np.testing.assert_array_equal(detector.predict(X), detector.noise_mask_)
    labels = detector.relabel()
    np.testing.assert_array_equal(
        labels[~detector.noise_mask_], y[~detector.noise_mask_]
    )
    assert labels.dtype.kind == "i"


@pytest.mark.filterwarnings("ignore::skgex.exceptions.UnlabelledRowsWarning")
@pytest.mark.parametrize(
    ("dtype", "criterion"),
    [
        (np.int64, nn.CrossEntropyLoss),
        (np.int8, OnlyIntegers),
        (np.float64, nn.CrossEntropyLoss),
    ],
)
def test_tokens(dtype, criterion):
    detector = fit(net(criterion=criterion), X, Y.astype(dtype))
    check(detector, X, Y, MASK, TRUE)
    new = detector.scores(X + 0.01, TRUE)
    assert average_precision_score(~MASK, -new) > 0.8
    assert detector.scores(X + 0.01).shape == (120,)
    with pytest.raises(ValueError, match=r"y: .*from 0 to 3, .*outputs 0 to 2"):
        detector.scores(X, Y + (Y == 2))
    with pytest.raises(ValueError, match=r"y: rows of shape \(5,\) were fitted"):
        detector.scores(X, Y[:, :3])


def test_tokens_in_a_dataset_give_the_same():
    plain = fit(net(), X, Y)
    other = fit(net(), PairDataset(X, Y))
    # A Dataset's members are not stacked, which rounds otherwise.
    np.testing.assert_allclose(other.scores_, plain.scores_, rtol=1e-4)
    np.testing.assert_array_equal(other.suggested_labels_, plain.suggested_labels_)


def test_tokens_of_a_frozen_net():
    with seeded(0):
        trained = net().fit(X, Y)
    check(fit(FrozenEstimator(trained), X, Y), X, Y, MASK, TRUE)


def test_log_probabilities():
    class LogTokens(Tokens):
        def forward(self, X):
            return super().forward(X).log_softmax(1)

    check(fit(net(LogTokens, criterion=nn.NLLLoss), X, Y), X, Y, MASK, TRUE)


@pytest.mark.parametrize("dtype", [np.int64, bool, np.uint8])
def test_masks_of_pixels(dtype):
    images = (rng.random((80, 1, 6, 6)) > 0.5).astype(np.float32)
    true = images[:, 0].astype(np.int64)
    mask = np.arange(80) < 8
    y = np.where(mask[:, None, None] & (np.arange(6) < 4), 1 - true, true)
    detector = fit(net(Pixels), images, y.astype(dtype))
    check(detector, images, y, mask, true)


def test_masks_of_another_size_are_refused_for_their_size():
    images = np.zeros((40, 1, 6, 6), np.float32)
    with pytest.raises(ValueError, match=r"y: .*criterion cannot take it.*size"):
        fit(net(Pixels), images, np.arange(40 * 18).reshape(40, 3, 6) % 2)
    with pytest.raises(ValueError, match=r"y: .*indices from 0 to 2.*outputs 0 to 1"):
        fit(net(Pixels), images, np.arange(40 * 36).reshape(40, 6, 6) % 3)


def test_masks_of_floats_under_binary_cross_entropy():
    images = (rng.random((40, 1, 6, 6)) > 0.5).astype(np.float32)
    own = net(Pixels, criterion=nn.BCEWithLogitsLoss, module__n_outputs=1)
    detector = fit(own, images, images)
    assert detector.suggested_labels_.shape == images.shape


def test_ignored_indices():
    y = Y.copy()
    y[:, -1] = -100
    detector = fit(net(), X, y)
    assert average_precision_score(MASK, detector.scores_) > 0.9
    y[:, -1] = -1
    with pytest.raises(ValueError, match=r"y: .*class indices from -1 to 2"):
        fit(net(), X, y)
    own = net(criterion__ignore_index=-1)
    again = fit(own, X, y)
    np.testing.assert_array_equal(again.scores_, detector.scores_)
    with pytest.raises(ValueError, match="y: the criterion ignores all"):
        fit(own, X, np.full_like(Y, -1))


@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_one_integer_per_row_is_a_class():
    labels = np.array(["a", "b", "c"])[Y[:, 0]]
    own = net(Flat, criterion=OnlyIntegers)
    detector = fit(own, X[:, 0], Y[:, 0])
    np.testing.assert_array_equal(detector.classes_, np.arange(3))
    column = fit(net(Flat), X[:, 0], Y[:, :1])
    named = fit(net(Flat), X[:, 0], labels)
    np.testing.assert_array_equal(column.scores_, named.scores_)


def test_one_hot_labels_stay_probabilities():
    detector = fit(net(Flat), X[:, 0], np.eye(3)[Y[:, 0]])
    assert detector.suggested_labels_.shape == (120, 3)


def test_ordinal_labels_pass_as_numbers():
    class Cumulative(OnlyIntegers):
        def forward(self, output, target):
            levels = (target[:, None] > torch.arange(output.shape[1])).float()
            loss = nn.functional.binary_cross_entropy_with_logits
            each = loss(output, levels, reduction="none").sum(1)
            return each if self.reduction == "none" else each.mean()

    class Levels(Flat):
        def forward(self, X):
            return super().forward(X)[:, :2]

    own = NeuralNet(Levels, criterion=Cumulative, train_split=None, verbose=0)
    detector = fit(own, X[:, 0], Y[:, 0])
    assert not hasattr(detector, "classes_")
