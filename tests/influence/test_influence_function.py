import numpy as np
import pytest
import torch
from convex import PENALTY, derivatives, exact_influence, logistic_regression, make_rows
from numpy.testing import assert_allclose
from scipy.stats import spearmanr
from tiny import classifier, regressor

from skgex._nets.curvature import mean_curvature
from skgex._nets.operators import dense
from skgex._nets.sample_losses import SampleLosses
from skgex._nets.snapshot import snapshot
from skgex.exceptions import ConvergenceWarning
from skgex.influence import InfluenceFunction, LeaveOneOut, _influence_function

X, Y = make_rows(120)


def fitted(**kwargs):
    kwargs = {"curvature": "hessian", "damping": 0.0, "random_state": 0, **kwargs}
    return InfluenceFunction(logistic_regression(), **kwargs).fit(X, Y)


@pytest.mark.parametrize("curvature", ["hessian", "gauss_newton"])
def test_dense_is_the_formula(curvature):
    # The penalty is no function of the outputs: Gauss-Newton takes it as damping.
    damping = PENALTY if curvature == "gauss_newton" else 0.0
    estimator = fitted(solver="dense", curvature=curvature, damping=damping)
    expected = exact_influence(estimator, X, Y)
    assert_allclose(estimator.influence(X, Y, X, Y), expected, atol=1e-12)
    assert_allclose(estimator.self_influence_, np.diag(expected), rtol=1e-10)
    assert_allclose(estimator.transform(X, Y), expected, atol=1e-12)


def test_damping_is_added_to_the_mean_hessian():
    estimator = fitted(solver="dense", damping=0.3)
    expected = exact_influence(estimator, X, Y, damping=0.3)
    assert_allclose(estimator.self_influence_, np.diag(expected), rtol=1e-10)


def test_conjugate_gradients_agree_with_the_dense_matrix():
    iterative = fitted(solver="cg", tol=1e-10)
    expected = fitted(solver="dense").influence(X, Y, X[:9], Y[:9])
    assert_allclose(iterative.influence(X, Y, X[:9], Y[:9]), expected, atol=1e-9)


def test_lissa_of_whole_batches_agrees_with_the_dense_matrix():
    series = fitted(solver="lissa", n_iterations=300)
    assert_allclose(
        series.self_influence_, fitted(solver="dense").self_influence_, rtol=1e-4
    )


def test_lissa_of_small_batches_ranks_alike():
    net = logistic_regression().set_params(iterator_valid__batch_size=15)
    series = InfluenceFunction(
        net, solver="lissa", curvature="hessian", damping=0.0, random_state=0
    ).fit(X, Y)
    exact = fitted(solver="dense").self_influence_
    assert spearmanr(series.self_influence_, exact).statistic > 0.95


def test_new_samples_are_judged_by_the_fitted_rows():
    estimator = fitted(solver="dense")
    new, labels = X[:5] + 0.3, Y[:5]
    both = np.r_[X, new], np.r_[Y, labels]
    # The formula with the Hessian of the fitted rows alone.
    _, hessian = derivatives(estimator.net_, X, Y)
    gradients, _ = derivatives(estimator.net_, *both)
    expected = gradients @ np.linalg.solve(hessian, gradients.T) / len(X)
    assert_allclose(
        estimator.influence(new, labels, X, Y), expected[-5:, :-5], atol=1e-12
    )
    assert_allclose(
        estimator.self_influence(new, labels), np.diag(expected)[-5:], atol=1e-12
    )
    assert_allclose(estimator.transform(new, labels), expected[-5:, :-5], atol=1e-12)


def test_a_table_too_large_to_be_kept_is_made_when_it_is_asked_for(monkeypatch):
    kept = fitted(solver="dense")
    monkeypatch.setattr(_influence_function, "MAX_BYTES", 0)
    made = fitted(solver="dense")
    assert_allclose(made.self_influence_, kept.self_influence_, atol=1e-12)
    assert_allclose(
        made.transform(X[:7], Y[:7]), kept.transform(X[:7], Y[:7]), atol=1e-12
    )


@pytest.mark.slow
def test_it_is_the_first_order_of_leaving_out():
    function = fitted(solver="dense")
    truth = LeaveOneOut(logistic_regression(), warm_start=True).fit(X, Y)
    for given, expected in [
        (function.self_influence_, truth.self_influence_),
        (function.influence(X, Y, X, Y).ravel(), truth.influence(X, Y, X, Y).ravel()),
    ]:
        assert spearmanr(given, expected).statistic >= 0.99
        slope = given @ expected / (given @ given)
        assert 0.95 < slope < 1.1  # and falls to 1 as 1 + c / N


def test_it_warns_of_equations_left_unsolved():
    with pytest.warns(ConvergenceWarning, match="raise n_iterations"):
        fitted(solver="cg", tol=1e-12, n_iterations=1)


def test_negative_curvature_is_named():
    net = classifier(module__hidden=3, max_epochs=1)
    estimator = InfluenceFunction(net, curvature="hessian", damping=0.0, random_state=0)
    with pytest.raises(ValueError, match=r"damping: with 0 .*gauss_newton"):
        estimator.fit(X, Y)


def test_a_singular_matrix_is_named():
    net = classifier(module__hidden=3, max_epochs=1)
    estimator = InfluenceFunction(net, solver="dense", damping=0.0, random_state=0)
    with pytest.raises(ValueError, match="damping: with 0 the matrix is singular"):
        estimator.fit(X[:6], Y[:6])  # 18 outputs, 27 parameters


def test_squared_error_at_zero_loss_leaves_most_eigenvalues_zero():
    """Kim et al. 2023: at least P − N K eigenvalues of the Hessian vanish."""

    n_rows, n_outputs = 4, 3
    net = regressor(module__hidden=8)
    torch.manual_seed(0)
    net.initialize()
    rows = X[:n_rows]
    with torch.no_grad():  # targets that the net fits exactly
        targets = net.module_(torch.tensor(rows)).numpy()
    losses = SampleLosses(snapshot(net))
    assert losses.quadratic_forms(rows, targets).max() < 1e-25
    operator = mean_curvature(losses, rows, targets, "hessian")
    values = np.linalg.eigvalsh(dense(operator, losses.theta))
    n_zero = (np.abs(values) < 1e-12 * values.max()).sum()
    assert n_zero >= len(losses.theta) - n_rows * n_outputs > 0
