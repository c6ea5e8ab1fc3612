"""Which default net is chosen, by data of which the better net is known."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import average_precision_score
from tiny import flip_every

from skgex import GEXDetector
from skgex._data.records import take
from skgex._data.sparse_rows import SparseRows
from skgex._nets.default_net import MLP, Linear, make_default_nets
from skgex._nets.early_stopping import stop_default_net
from skgex._nets.evaluation import evaluate
from skgex._nets.net_choice import choose_default_net
from skgex._nets.snapshot import revive


def bent(n_rows=150):
    """Classes by the sign of a product, of which a linear net knows nothing.

    The other features, which are constant, make the data wide.
    """
    X = np.random.RandomState(0).normal(size=(n_rows, 2)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] > 0).astype(np.int64)
    return np.column_stack([X, np.zeros((n_rows, n_rows // 6), np.float32)]), y


def texts(n_rows=200, n_words=400, seed=0):
    """Rare words of three topics, and wrong topics every tenth time."""
    rng = np.random.RandomState(seed)
    y = rng.randint(3, size=n_rows)
    weights = rng.random_sample((3, n_words)) ** 8 + 0.02
    draws = [rng.choice(n_words, 15, p=weights[c] / weights[c].sum()) for c in y]
    counts = np.stack([np.bincount(each, minlength=n_words) for each in draws])
    X = counts / np.linalg.norm(counts, axis=1, keepdims=True)
    return X.astype(np.float32), flip_every(y, 10)[0]


@pytest.mark.parametrize(("make", "module"), [(bent, MLP), (texts, Linear)])
def test_it_is_the_first_that_none_beats_by_a_standard_error(make, module):
    X, y = make()
    choice = choose_default_net(X, y, 3, y, 0)
    assert choice.net.module is module
    losses = []
    for net in make_default_nets(X, 3):
        trial, n_epochs = stop_default_net(net, X, y, y, 0)
        held_out = take(X, y, trial.held_out)
        losses.append(evaluate(revive(trial.trained), *held_out).losses)
        if net.module is choice.net.module and n_epochs == choice.n_epochs:
            chosen = losses[-1]
    for other in losses:
        gains = (chosen - other).astype(np.float64)
        assert gains.mean() <= gains.std() / np.sqrt(len(gains))
    np.testing.assert_array_equal(
        evaluate(revive(choice.trial.trained), *held_out).losses, chosen
    )


def test_sparse_samples_choose_as_dense_ones():
    X, y = texts()
    dense = choose_default_net(X, y, 3, y, 0)
    sparse = choose_default_net(SparseRows(csr_array(X)), y, 3, y, 0)
    assert dense.n_epochs == sparse.n_epochs
    for name, value in dense.trial.trained.weights["module"].items():
        np.testing.assert_array_equal(
            sparse.trial.trained.weights["module"][name], value
        )


def test_wrong_labels_of_sparse_texts_are_found_without_settings():
    X, y = texts()
    wrong = np.arange(len(y)) % 10 == 0
    detector = GEXDetector(random_state=0).fit(csr_array(X), y)
    assert detector.ensemble_.trained.net.module is Linear
    assert average_precision_score(wrong, detector.scores_) > 0.5
