import numpy as np
import pytest
import torch
from convex import (
    derivatives,
    exact_influence,
    logistic_regression,
    losses_at,
    make_rows,
)
from numpy.testing import assert_allclose
from tiny import classifier

from skgex.influence import LaplaceInfluence

X, Y = make_rows(60)
DAMPING = 0.2


def fitted(**kwargs):
    kwargs = {"damping": DAMPING, "curvature": "hessian", "random_state": 0, **kwargs}
    return LaplaceInfluence(logistic_regression(), **kwargs).fit(X, Y)


def spread(estimator, inner):
    """How far the draws' covariance is from a matrix, in standard errors."""
    draws = estimator.offsets_
    products = draws[:, :, None] * draws[:, None]
    errors = products.std(axis=0) / len(draws) ** 0.5
    return np.abs(products.mean(axis=0) - inner) / errors


def test_theorem_4_1():
    """The mean product of linearised deviations is the influence function."""
    n_members = 4000
    estimator = fitted(n_members=n_members, rank=None)
    expected = exact_influence(estimator, X, Y, damping=DAMPING)
    features = estimator.transform(X, Y)
    products = features[:, None] * features[None]
    mean, error = products.mean(axis=2), products.std(axis=2) / n_members**0.5
    deviations = (mean - expected) / error
    assert np.abs(deviations).max() < 5
    assert 0.5 < deviations.std() < 1.5  # neither biased nor exact by construction
    assert_allclose(estimator.influence(X, Y, X, Y), mean, rtol=1e-9, atol=1e-12)
    assert_allclose(estimator.self_influence_, np.diag(mean), rtol=1e-9)


def test_full_draws_have_the_covariance_of_the_posterior():
    estimator = fitted(n_members=4000, rank=None)
    _, hessian = derivatives(estimator.net_, X, Y)
    covariance = np.linalg.inv(hessian + DAMPING * np.eye(15)) / len(X)
    assert spread(estimator, covariance).max() < 5


def test_draws_of_low_rank_have_its_covariance():
    estimator = fitted(n_members=4000, rank=4)
    _, hessian = derivatives(estimator.net_, X, Y)
    values, vectors = np.linalg.eigh(hessian)
    cut = np.where(np.arange(15) >= 11, values, 0.0)  # ascending: the last are largest
    covariance = (vectors / (cut + DAMPING)) @ vectors.T / len(X)
    assert spread(estimator, covariance).max() < 5
    # A rank that is too low is seen: the test can fail.
    full = np.linalg.inv(hessian + DAMPING * np.eye(15)) / len(X)
    assert spread(estimator, full).max() > 5


def test_true_deviations_are_losses_at_the_draws():
    estimator = fitted(n_members=3, rank=None, linear=False)
    net = estimator.net_
    theta = torch.cat([p.detach().reshape(-1) for p in net.module_.parameters()])
    samples, labels = torch.as_tensor(X), torch.as_tensor(Y)
    expected = np.stack(
        [
            losses_at(theta + torch.as_tensor(offset), samples, labels)
            - losses_at(theta, samples, labels)
            for offset in estimator.offsets_
        ],
        axis=1,
    )
    assert_allclose(estimator.transform(X, Y), expected, atol=1e-12)


def test_linear_and_true_deviations_agree_for_small_offsets():
    settings = {"n_members": 5, "rank": None, "damping": 1e8}
    true = fitted(linear=False, **settings).transform(X, Y)
    assert_allclose(fitted(**settings).transform(X, Y), true, rtol=0, atol=1e-7)
    assert np.abs(true).max() > 1e-6


def test_negative_curvature_is_named():
    net = classifier(module__hidden=3, max_epochs=1)
    estimator = LaplaceInfluence(
        net, curvature="hessian", rank=None, damping=1e-6, random_state=0
    )
    with pytest.raises(ValueError, match=r"damping: .*gauss_newton"):
        estimator.fit(X, Y)
