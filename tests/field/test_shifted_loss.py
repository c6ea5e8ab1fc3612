"""A constant added to the loss changes no influence: losses may be negative."""

import numpy as np
import pytest
from tiny import regressor
from torch import nn

from skgex import GEXDetector, GEXPruner
from skgex.influence import GEX, LaplaceInfluence, LeaveOneOut

QUICK = {"n_members": 2, "n_steps": 8, "random_state": 0}
ESTIMATORS = [
    GEX(lr=0.05, **QUICK),
    GEXDetector(**QUICK),
    GEXDetector(statistic="self_influence", **QUICK),
    GEXPruner(**QUICK),
    LaplaceInfluence(n_members=8, linear=False, rank=5, damping=1.0, random_state=0),
    LeaveOneOut(random_state=0),
]


class ShiftedLoss(nn.MSELoss):
    def forward(self, predicted, target):
        return super().forward(predicted, target) - 5


@pytest.fixture(scope="module")
def data():
    rng = np.random.RandomState(0)
    X = rng.randn(40, 4)
    y = 2 * X[:, :3] + 0.1 * rng.randn(40, 3)
    y[::10] += 5
    return X, y


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_a_shifted_loss_changes_no_answer(estimator, data):
    plain, shifted = (
        estimator.set_params(net=regressor(criterion=loss)).fit(*data).self_influence_
        for loss in (nn.MSELoss, ShiftedLoss)
    )
    np.testing.assert_allclose(shifted, plain, rtol=1e-9)


def test_a_shifted_loss_changes_no_mask(data):
    plain, shifted = (
        GEXDetector(regressor(criterion=loss), **QUICK).fit(*data)
        for loss in (nn.MSELoss, ShiftedLoss)
    )
    assert shifted.lr_ == plain.lr_
    np.testing.assert_array_equal(shifted.noise_mask_, plain.noise_mask_)
    assert plain.noise_mask_.any()
