"""A Dataset with a label that fit never saw: as with arrays, it counts as wrong."""

import numpy as np
import pytest
import torch
from all_estimators import cheap, named
from sklearn.frozen import FrozenEstimator
from skorch import NeuralNetClassifier
from tiny import MLP, PairDataset, learner, make_blobs
from torch import nn

from skgex import GEXDetector
from skgex._utils.random import seeded
from skgex.exceptions import UnknownLabelWarning

X, Y = make_blobs()
X = X.astype(np.float32)
UNSEEN = np.where(np.arange(60) % 20 == 0, 7, Y)


@pytest.mark.parametrize("name", ["GEX", "GEXDetector", "GEXLinear", "TracIn"])
@pytest.mark.parametrize("method", ["scores", "predict", "self_influence"])
def test_a_label_unseen_in_fit(name, method):
    if not hasattr(named(name), method):
        pytest.skip("no such method")
    estimator = cheap(named(name), learner()).fit(PairDataset(X, Y))
    answers = []
    for given in ((PairDataset(X + 1, UNSEEN),), (X + 1, UNSEEN)):
        with pytest.warns(UnknownLabelWarning, match="3 labels were never seen"):
            answers.append(getattr(estimator, method)(*given))
    np.testing.assert_allclose(*answers, rtol=1e-4, atol=1e-6)
    if method == "predict":
        assert answers[0][UNSEEN == 7].all()


def test_a_trained_module_is_wrapped_in_one_line():
    with seeded(0):
        module = learner().fit(X, Y).module_
    detector = GEXDetector(module, n_members=4, random_state=0)
    with pytest.raises(ValueError, match=r"net: .*\.initialize\(\)\)") as caught:
        detector.fit(X, Y)
    assert "NeuralNetClassifier(module, criterion=" in str(caught.value)
    net = NeuralNetClassifier(module, criterion=nn.CrossEntropyLoss).initialize()
    weights = {k: v.clone() for k, v in module.state_dict().items()}
    detector.set_params(net=FrozenEstimator(net)).fit(X, Y)
    assert detector.score(X, Y) > -0.5
    assert type(detector.net_.module_) is MLP
    for name, value in module.state_dict().items():
        assert torch.equal(value, weights[name])
