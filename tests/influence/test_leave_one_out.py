import numpy as np
import pytest
import torch
from convex import logistic_regression, losses_at, make_rows
from numpy.testing import assert_allclose
from sklearn.frozen import FrozenEstimator
from tiny import classifier, make_blobs

from skgex.exceptions import UnseenRowsWarning
from skgex.influence import LeaveOneOut

X, Y = make_rows(20)


def optimum(X, y):
    """The parameters of least mean loss, by Newton's method from zero."""
    X, y = torch.as_tensor(X), torch.as_tensor(y)
    theta = torch.zeros(15, dtype=torch.float64)
    for _ in range(12):

        def loss(t):
            return losses_at(t, X, y).mean()

        gradient = torch.autograd.functional.jacobian(loss, theta)
        hessian = torch.autograd.functional.hessian(loss, theta)
        theta = theta - torch.linalg.solve(hessian, gradient)
    assert gradient.norm() < 1e-12
    return theta


@pytest.mark.slow
@pytest.mark.parametrize("warm_start", [False, True])
def test_it_is_the_loss_of_the_optimum_without_the_row(warm_start):
    estimator = LeaveOneOut(
        logistic_regression(), warm_start=warm_start, random_state=0
    ).fit(X, Y)
    samples, labels = torch.as_tensor(X), torch.as_tensor(Y)
    before = losses_at(optimum(X, Y), samples, labels)
    expected = np.stack(
        [
            losses_at(optimum(np.delete(X, i, 0), np.delete(Y, i)), samples, labels)
            - before
            for i in range(len(X))
        ]
    )
    assert_allclose(estimator.influence(X, Y, X, Y), expected, atol=1e-7)
    assert_allclose(estimator.influence(X[3:5], Y[3:5], X, Y), expected[3:5], atol=1e-7)
    assert_allclose(estimator.self_influence_, np.diag(expected), atol=1e-7)
    assert_allclose(estimator.transform(X, Y), expected.T, atol=1e-7)


def test_rows_that_were_not_there_leave_nothing_behind():
    estimator = LeaveOneOut(classifier(), random_state=0).fit(X[:9], Y[:9])
    with pytest.warns(UnseenRowsWarning, match="1 rows"):
        influence = estimator.influence(X[8:10], Y[8:10], X, Y)
    assert influence.shape == (2, 20)
    assert influence[0].all()
    assert not influence[1].any()
    with pytest.warns(UnseenRowsWarning):  # a fitted row with another label
        assert not estimator.self_influence(X[:1], (Y[:1] + 1) % 3).any()


def test_a_warm_start_begins_at_the_trained_net():
    # Nothing is learnt at lr 0, so that members are θ* or else another beginning.
    X, y = make_blobs(6)
    torch.manual_seed(0)
    net = classifier(lr=0.0).fit(X, y)
    warm = LeaveOneOut(FrozenEstimator(net), warm_start=True, random_state=1)
    cold = LeaveOneOut(FrozenEstimator(net), random_state=1)
    assert np.abs(warm.fit(X, y).transform(X, y)).max() < 1e-12
    assert np.abs(cold.fit(X, y).transform(X, y)).min() > 1e-6


@pytest.mark.slow
def test_n_jobs_changes_nothing():
    alone = LeaveOneOut(classifier(), random_state=0).fit(X[:9], Y[:9])
    two = LeaveOneOut(classifier(), random_state=0, n_jobs=2).fit(X[:9], Y[:9])
    np.testing.assert_array_equal(alone.self_influence_, two.self_influence_)
