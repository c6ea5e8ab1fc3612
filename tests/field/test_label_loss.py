"""What makes labels count more in training does not judge them."""

import warnings

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.datasets import make_blobs
from sklearn.frozen import FrozenEstimator
from skorch import NeuralNet, NeuralNetBinaryClassifier, NeuralNetClassifier
from torch import nn
from torch.utils.data import TensorDataset

from skgex import GEXDetector
from skgex._ensemble import growth
from skgex._nets.evaluation import evaluate, per_sample_criterion
from skgex.exceptions import SuspiciousMaskWarning

N, LENGTH, N_CLASSES = 40, 6, 3


class Linear(nn.Module):
    """Logits per class, or per token and class, or flat."""

    def __init__(self, n_inputs=4, n_outputs=N_CLASSES, axes=None):
        super().__init__()
        self.layer, self.axes = nn.Linear(n_inputs, n_outputs), axes

    def forward(self, X):
        outputs = self.layer(X)
        return outputs.transpose(*self.axes) if self.axes else outputs.squeeze(1)


def net_of(kind=NeuralNetClassifier, **params):
    settings = {
        "criterion": nn.CrossEntropyLoss,
        "max_epochs": 3,
        "lr": 0.1,
        "batch_size": 16,
        "train_split": None,
        "verbose": 0,
    }
    return kind(Linear, **(settings | params))


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="module")
def blobs():
    X, y = make_blobs(N, 4, centers=N_CLASSES, random_state=0)
    return X.astype(np.float32), y


@pytest.fixture(scope="module")
def tokens():
    """Tokens of rows of different lengths; the first row has none at all."""
    rng = np.random.RandomState(0)
    X = rng.randn(N, LENGTH, 4).astype(np.float32)
    y = rng.randint(N_CLASSES, size=(N, LENGTH))
    lengths = np.r_[0, rng.randint(1, LENGTH + 1, N - 1)]
    y[np.arange(LENGTH) >= lengths[:, None]] = -100
    return X, y


def log_probabilities(net, X):
    layer = net.module_.layer
    weight, bias = (p.detach().double().numpy() for p in layer.parameters())
    return log_softmax(X @ weight.T + bias, axis=-1)


@pytest.mark.parametrize(
    "params",
    [
        {"criterion__weight": torch.tensor([1.0, 5.0, 0.2])},
        {"criterion__label_smoothing": 0.3},
        {
            "criterion__label_smoothing": 0.3,
            "criterion__weight": torch.tensor([1.0, 5.0, 0.2]),
        },
        {"criterion": nn.CrossEntropyLoss(torch.tensor([9.0, 1.0, 1.0]))},
    ],
    ids=str,
)
def test_the_loss_is_minus_the_log_of_the_labels_probability(blobs, params):
    X, y = blobs
    net = net_of(**params).fit(X, y)
    before = {k: v.clone() for k, v in net.criterion_.state_dict().items()}
    expected = -log_probabilities(net, X)[np.arange(N), y]
    np.testing.assert_allclose(
        evaluate(net, X, y).losses, expected, rtol=1e-4, atol=1e-5
    )
    for name, value in net.criterion_.state_dict().items():
        torch.testing.assert_close(value, before[name])


def test_the_weight_of_positives_does_not_judge(blobs):
    X, y = blobs
    y = (y > 0).astype(np.float32)
    net = net_of(
        NeuralNetBinaryClassifier,
        criterion=nn.BCEWithLogitsLoss,
        criterion__pos_weight=torch.tensor(7.0),
        module__n_outputs=1,
    ).fit(X, y)
    with torch.no_grad():
        logits = net.module_(torch.as_tensor(X)).double().numpy()
    expected = np.logaddexp(0, np.where(y > 0, -logits, logits))
    np.testing.assert_allclose(
        evaluate(net, X, y).losses, expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("ignored", [-100, 1])
def test_a_row_is_judged_by_the_targets_that_count(tokens, ignored):
    X, y = tokens
    y = np.where(y == -100, ignored, y)
    net = net_of(NeuralNet, module__axes=(1, 2), criterion__ignore_index=ignored)
    net.initialize()
    logs = log_probabilities(net, X)
    expected = [
        -np.mean([logs[i, t, y[i, t]] for t in range(LENGTH) if y[i, t] != ignored])
        if (y[i] != ignored).any()
        else 0.0
        for i in range(N)
    ]
    np.testing.assert_allclose(
        evaluate(net, X, y).losses, expected, rtol=1e-4, atol=1e-5
    )


def test_a_class_of_weight_zero_does_not_count(tokens):
    """The net is not trained on it."""
    X, y = tokens
    weight = torch.tensor([0.0, 1.0, 2.0])
    net = net_of(NeuralNet, module__axes=(1, 2), criterion__weight=weight).initialize()
    ignored = np.where(y == 0, -100, y)
    found = evaluate(net, X, y).losses
    plain = net_of(NeuralNet, module__axes=(1, 2)).initialize()
    plain.module_.load_state_dict(net.module_.state_dict())
    np.testing.assert_allclose(found, evaluate(plain, X, ignored).losses, rtol=1e-5)


class Flattened(NeuralNet):
    """Takes the loss of all tokens of a batch in one long row."""

    def get_loss(self, y_pred, y_true, *args, **kwargs):
        flat = y_pred.transpose(1, 2).reshape(-1, N_CLASSES)
        return super().get_loss(flat, y_true.reshape(-1), *args, **kwargs)


def test_a_loss_of_flattened_tokens_is_that_of_rows(tokens):
    X, y = tokens
    plain = net_of(NeuralNet, module__axes=(1, 2)).initialize()
    flat = net_of(Flattened, module__axes=(1, 2)).initialize()
    flat.module_.load_state_dict(plain.module_.state_dict())
    expected = evaluate(plain, X, y).losses
    np.testing.assert_allclose(evaluate(flat, X, y).losses, expected, rtol=1e-5)


@pytest.mark.parametrize("threshold", ["otsu", "100%", -1.0])
def test_a_row_without_any_target_is_never_flagged(tokens, threshold):
    data = TensorDataset(*map(torch.as_tensor, tokens))
    net = net_of(NeuralNet, module__axes=(1, 2))
    detector = GEXDetector(net, n_members=2, threshold=threshold, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SuspiciousMaskWarning)  # random labels
        detector.fit(data)
    assert detector.scores_[0] == 0
    assert not detector.noise_mask_[0]
    if threshold != "otsu":
        assert detector.noise_mask_[1:].all()


class TwiceTheLoss(nn.CrossEntropyLoss):
    """A criterion of the user's own, with weights."""

    def forward(self, output, y):
        return 2 * super().forward(output, y)


def test_a_criterion_of_ones_own_ignores_what_it_wants(tokens):
    """What it gives for other targets counts in the mean, zeros as well."""
    X, y = tokens
    nets = [
        net_of(NeuralNet, criterion=kind, module__axes=(1, 2)).initialize()
        for kind in (nn.CrossEntropyLoss, TwiceTheLoss)
    ]
    nets[1].module_.load_state_dict(nets[0].module_.state_dict())
    plain, own = (evaluate(net, X, y).losses for net in nets)
    counted = (y != -100).mean(axis=1)
    np.testing.assert_allclose(own, 2 * plain * counted, rtol=1e-5)


def test_a_criterion_of_ones_own_keeps_its_weights(blobs):
    X, y = blobs
    weight = torch.tensor([1.0, 5.0, 0.2])
    net = net_of(criterion=TwiceTheLoss, criterion__weight=weight).fit(X, y)
    with per_sample_criterion(net):
        assert (
            net.criterion_.weight is weight or (net.criterion_.weight == weight).all()
        )
    plain = -log_probabilities(net, X)[np.arange(N), y]
    expected = 2 * weight.numpy()[y] * plain
    np.testing.assert_allclose(
        evaluate(net, X, y).losses, expected, rtol=1e-4, atol=1e-5
    )


def test_both_engines_agree_on_weighted_nets(blobs, monkeypatch):
    X, y = blobs
    net = net_of(criterion__weight=torch.tensor([1.0, 5.0, 0.2]))
    make = lambda: GEXDetector(net, n_members=3, lr=0.1, random_state=0)  # noqa: E731
    together = make().fit(X, y)
    monkeypatch.setattr(growth, "can_batch", lambda *args: False)
    alone = make().fit(X, y)
    np.testing.assert_allclose(together.scores_, alone.scores_, rtol=1e-3, atol=1e-5)


def test_members_are_tuned_without_class_weights(blobs):
    """Around the same weights, a weighted net has the members of a plain one."""
    X, y = blobs
    weighted = net_of(criterion__weight=torch.tensor([1.0, 5.0, 0.2])).fit(X, y)
    plain = net_of().initialize()
    plain.module_.load_state_dict(weighted.module_.state_dict())
    scores = [
        GEXDetector(FrozenEstimator(net), n_members=2, lr=0.1, random_state=0)
        .fit(X, y)
        .scores_
        for net in (weighted, plain)
    ]
    np.testing.assert_allclose(*scores, rtol=1e-5)
