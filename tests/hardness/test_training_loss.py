"""TrainingLoss, against torch's own losses."""

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from tiny import MLP, make_blobs, plain_net, regressor
from torch import nn
from watched import X, net, trajectory_of, y

from skgex.hardness import TrainingLoss


def test_scores_are_the_losses_under_the_trained_net():
    weights = trajectory_of(net()).trained.weights["module"]
    module = MLP()
    module.load_state_dict({k: torch.tensor(v) for k, v in weights.items()})
    with torch.no_grad():
        logits = module(torch.tensor(X))
        expected = nn.functional.cross_entropy(
            logits, torch.tensor(y), reduction="none"
        )
    scores = TrainingLoss(net(), random_state=0).fit(X, y).scores_
    np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_a_frozen_net_is_taken_as_it_is():
    trained = net().fit(X, y)
    scores = TrainingLoss(FrozenEstimator(trained)).fit(X, y).scores_
    probabilities = trained.predict_proba(X)
    expected = [-np.log(p[label]) for p, label in zip(probabilities, y, strict=True)]
    np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_values_have_losses_too():
    values = make_blobs(seed=1)[0][:, :3]
    fitted = regressor().fit(X, values)
    scores = TrainingLoss(FrozenEstimator(fitted)).fit(X, values).scores_
    expected = ((fitted.predict(X) - values) ** 2).mean(axis=1)
    np.testing.assert_allclose(scores, expected, rtol=1e-9)


def test_samples_without_labels_have_losses_too(tmp_path):
    """A net whose loss needs no labels; watched, since its memory is shared."""
    kwargs = {"criterion": ZeroTarget, "module__n_outputs": 4}
    for memory in (None, str(tmp_path)):
        scorer = TrainingLoss(plain_net(**kwargs), memory=memory, random_state=0)
        assert scorer.fit(X).scores_.shape == (len(X),)


class ZeroTarget(nn.Module):
    """Mean square of the outputs."""

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, outputs, targets):
        each = outputs.square().mean(dim=1)
        return each if self.reduction == "none" else each.mean()
