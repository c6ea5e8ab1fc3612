import numpy as np
import pytest
from convex import derivatives, exact_influence, logistic_regression, make_rows
from numpy.testing import assert_allclose
from tiny import classifier

from skgex._nets.curvature import mean_curvature
from skgex._nets.operators import dense
from skgex._nets.sample_losses import SampleLosses
from skgex.influence import Arnoldi

X, Y = make_rows()


def test_full_rank_is_the_exact_influence_function():
    estimator = Arnoldi(logistic_regression(), n_components=15, random_state=0)
    estimator.fit(X, Y)
    expected = exact_influence(estimator, X, Y)
    assert_allclose(estimator.influence(X, Y, X, Y), expected, atol=1e-9)
    assert_allclose(estimator.self_influence_, np.diag(expected), rtol=1e-8)


def test_the_subspace_is_that_of_a_full_eigendecomposition():
    estimator = Arnoldi(
        logistic_regression(), n_components=4, n_iterations=15, random_state=0
    ).fit(X, Y)
    gradients, hessian = derivatives(estimator.net_, X, Y)
    values, vectors = np.linalg.eigh(hessian)
    values, vectors = values[::-1][:4], vectors[:, ::-1][:, :4]
    assert_allclose(estimator.eigenvalues_, values, rtol=1e-9)
    projector = estimator.components_.T @ estimator.components_
    assert_allclose(projector, vectors @ vectors.T, atol=1e-6)
    features = gradients @ vectors / np.sqrt(len(X) * values)
    assert_allclose(np.abs(estimator.transform(X, Y)), np.abs(features), atol=1e-6)


def test_negative_eigenvalues_keep_their_sign():
    net = classifier(module__hidden=3, max_epochs=1)
    estimator = Arnoldi(net, n_components=12, n_iterations=27, random_state=0)
    estimator.fit(X, Y)
    assert estimator.eigenvalues_.min() < 0
    losses = SampleLosses(estimator._trained)
    values, vectors = np.linalg.eigh(
        dense(mean_curvature(losses, X, Y, "hessian"), losses.theta).numpy()
    )
    kept = np.argsort(-np.abs(values))[:12]
    along = losses.all_gradients(X, Y) @ vectors[:, kept]
    expected = (along / values[kept]) @ along.T / len(X)
    assert_allclose(estimator.influence(X, Y, X, Y), expected, atol=1e-8)
    assert_allclose(estimator.self_influence_, np.diag(expected), atol=1e-8)


def test_too_few_iterations_are_refused():
    with pytest.raises(ValueError, match=r"n_iterations: 3 .* n_components=4"):
        Arnoldi(classifier(), n_components=4, n_iterations=3).fit(X, Y)
