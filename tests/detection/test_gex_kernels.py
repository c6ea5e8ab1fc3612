"""What a user's net does for speed is kept: precision, order of memory, compiler."""

import numpy as np
import pytest
import torch
from detecting import assert_alike, fit
from scipy.stats import spearmanr
from tiny import MLP, ConvNet, classifier, learner


class Lowered(MLP):
    """Multiplies matrices in bfloat16, and notes what comes out of them."""

    dtypes: set = set()  # noqa: RUF012

    def forward(self, X):
        with torch.autocast(X.device.type, torch.bfloat16):
            hidden = self.hidden(X)
            self.dtypes.add(hidden.dtype)
            return self.output(torch.tanh(hidden)).float()


class Layout(ConvNet):
    """Keeps its weights in one order of memory, and notes which images have."""

    is_last: set = set()  # noqa: RUF012

    def __init__(self, memory_format=torch.contiguous_format):
        super().__init__(channels=3)
        self.to(memory_format=memory_format)

    def forward(self, X):
        images = self.conv(X)
        self.is_last.add(images.is_contiguous(memory_format=torch.channels_last))
        return self.output(torch.relu(images).mean(dim=(2, 3)))


@pytest.fixture(scope="module")
def images():
    """Rows of 3 channels and 6 × 6 pixels whose class is their brightest channel."""
    X = np.random.RandomState(0).standard_normal((48, 3, 6, 6)).astype(np.float32)
    y = np.arange(48) % 3
    X[np.arange(48), y] += 1
    return X, y


def test_autocast_reaches_steps_and_losses(data):
    X, y, _ = data
    full = fit(X, y)
    Lowered.dtypes.clear()
    lowered = fit(X, y, learner(module=Lowered))
    assert Lowered.dtypes == {torch.bfloat16}
    weights = lowered.ensemble_.members[0]["module"]["hidden.weight"]
    assert weights.dtype == np.float32
    assert lowered.scores_.dtype == full.scores_.dtype
    assert not np.array_equal(lowered.scores_, full.scores_)
    # bfloat16 keeps 8 bits of a number.
    np.testing.assert_allclose(lowered.scores_, full.scores_, rtol=0.1, atol=0.05)
    assert spearmanr(lowered.scores_, full.scores_).statistic > 0.99


# Processes have to import the compiler, which takes them ten seconds.
@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_compiled_nets_answer_as_others(data, n_jobs):
    X, y, _ = data
    plain = fit(X, y)
    compiled = fit(X, y, learner(compile=True, compile__backend="eager"), n_jobs=n_jobs)
    np.testing.assert_allclose(compiled.scores_, plain.scores_, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        compiled.transform(X[:5] + 1, y[:5]),
        plain.transform(X[:5] + 1, y[:5]),
        rtol=1e-4,
        atol=1e-6,
    )


def test_channels_last_stays_last(images):
    X, y = images
    contiguous = fit(X, y, classifier(Layout))
    Layout.is_last.clear()
    net = classifier(Layout, module__memory_format=torch.channels_last)
    last = fit(X, y, net)
    assert Layout.is_last == {True}
    np.testing.assert_allclose(last.scores_, contiguous.scores_, rtol=1e-4, atol=1e-6)
    assert_alike(last, fit(X, y, net, n_jobs=2), X, y)
