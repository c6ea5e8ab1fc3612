"""Curvature against explicit matrices, in float64."""

import numpy as np
import pytest
import torch

from skgex._nets.operators import (
    conjugate_gradients,
    dense,
    gauss_newton_products,
    hessian_products,
    jacobian_products,
    lissa,
    top_eigenpairs,
    vector_products,
)


def matrix_of(eigenvalues, seed=0):
    """A symmetric matrix with given eigenvalues, and its eigenvectors as rows."""
    rng = np.random.RandomState(seed)
    n = len(eigenvalues)
    vectors = np.linalg.qr(rng.standard_normal((n, n)))[0].T
    matrix = vectors.T @ np.diag(eigenvalues) @ vectors
    return torch.tensor(matrix), torch.tensor(vectors)


def operator_of(matrix):
    return lambda vectors: vectors @ matrix


def curve(theta):
    """Three functions that are not polynomials."""
    return torch.stack([theta.sin().sum(), theta.prod(), (theta[0] * theta[1]).exp()])


def loss_of(values):
    return values.square().sum() + values[0] * values[2]


THETA = torch.tensor([0.3, -1.2, 0.7, 0.5], dtype=torch.float64)
VECTORS = torch.tensor(np.random.RandomState(1).standard_normal((3, 4)))


class Backward(torch.autograd.Function):
    """A sine without forward-mode differentiation and without batching."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, slope):
        (x,) = ctx.saved_tensors
        return slope * x.cos()


def test_jacobian_products_are_those_of_the_jacobian():
    jacobian = torch.autograd.functional.jacobian(curve, THETA)
    torch.testing.assert_close(
        jacobian_products(curve, THETA, VECTORS), VECTORS @ jacobian.T
    )


def test_jacobian_products_without_a_forward_mode():
    products = jacobian_products(Backward.apply, THETA, VECTORS)
    torch.testing.assert_close(products, VECTORS * THETA.cos())


class Unbatched(Backward):
    """The same, whose slopes go through NumPy."""

    @staticmethod
    def backward(ctx, slope):
        (x,) = ctx.saved_tensors
        return torch.from_numpy(slope.detach().numpy() * x.cos().numpy())


def test_vector_products_without_batching():
    inputs = THETA.clone().requires_grad_()
    products = vector_products(Unbatched.apply(inputs), inputs, VECTORS)
    torch.testing.assert_close(products, VECTORS * THETA.cos())


def test_vector_products_are_zero_without_dependence_on_the_inputs():
    inputs = THETA.clone().requires_grad_()
    constant = torch.ones(2, dtype=torch.float64)
    weights = torch.ones(3, 2, dtype=torch.float64)
    assert not vector_products(constant, inputs, weights).any()
    other = constant.clone().requires_grad_() * 2
    assert vector_products(other, inputs, weights).shape == (3, 4)
    assert not vector_products(other, inputs, weights).any()


def test_hessian_products_are_those_of_the_hessian():
    def loss(theta):
        return loss_of(curve(theta))

    hessian = torch.autograd.functional.hessian(loss, THETA)
    torch.testing.assert_close(
        hessian_products(loss, THETA, VECTORS), VECTORS @ hessian
    )


def test_gauss_newton_products_are_those_of_the_explicit_matrix():
    jacobian = torch.autograd.functional.jacobian(curve, THETA)
    inner = torch.autograd.functional.hessian(loss_of, curve(THETA))
    torch.testing.assert_close(
        gauss_newton_products(curve, loss_of, THETA, VECTORS),
        VECTORS @ (jacobian.T @ inner @ jacobian),
    )


@pytest.mark.parametrize("block", [1, 3, 100])
def test_dense_writes_the_matrix_out(block):
    matrix, _ = matrix_of([3.0, -1.0, 0.5, 2.0, 7.0])
    torch.testing.assert_close(
        dense(operator_of(matrix), matrix[0], block), matrix, rtol=0, atol=1e-14
    )


def test_top_eigenpairs_are_those_of_largest_magnitude():
    values = np.r_[np.linspace(0, 1, 36), [-9.0, 6.0, 4.0, -3.0]]
    matrix, vectors = matrix_of(values)
    found, rows = top_eigenpairs(operator_of(matrix), matrix[0], 3, 30, seed=0)
    np.testing.assert_allclose(found, [-9, 6, 4], atol=1e-9)
    overlap = (rows @ vectors[[36, 37, 38]].T).abs()
    np.testing.assert_allclose(overlap, np.eye(3), atol=1e-6)


def test_top_eigenpairs_at_full_rank_rebuild_the_matrix():
    values = [5.0, 5.0, 5.0, -2.0, 1.0, 0.0, 0.0]
    matrix, _ = matrix_of(values)
    found, rows = top_eigenpairs(operator_of(matrix), matrix[0], 7, 50, seed=0)
    assert len(found) == 5  # zeros are left out, equal ones all found
    np.testing.assert_allclose(rows.T @ found.diag() @ rows, matrix, atol=1e-12)
    np.testing.assert_allclose(rows @ rows.T, np.eye(5), atol=1e-12)


def test_conjugate_gradients_solve_each_row_as_if_it_were_alone():
    matrix, _ = matrix_of(np.geomspace(1e-2, 10, 20))
    targets = torch.tensor(np.random.RandomState(0).standard_normal((4, 20)))
    targets[2] = 0
    solutions, solved = conjugate_gradients(
        operator_of(matrix), targets, tol=1e-10, max_iter=200
    )
    assert solved.all()
    np.testing.assert_allclose(
        solutions, np.linalg.solve(matrix, targets.T).T, rtol=1e-6, atol=1e-8
    )
    alone, _ = conjugate_gradients(
        operator_of(matrix), targets[3:], tol=1e-10, max_iter=200
    )
    np.testing.assert_allclose(solutions[3:], alone, rtol=1e-9)


def test_conjugate_gradients_report_what_they_did_not_solve():
    matrix, vectors = matrix_of(np.geomspace(1e-2, 10, 20))
    targets = torch.stack([vectors[0], vectors.sum(dim=0)])
    _, solved = conjugate_gradients(operator_of(matrix), targets, tol=1e-6, max_iter=2)
    assert solved.tolist() == [True, False]


SINGLE = torch.finfo(torch.float32).eps


def ill_conditioned(condition, seed):
    """A float32 matrix of norm 1, and targets."""
    matrix, _ = matrix_of(np.geomspace(1 / condition, 1, 60), seed)
    targets = np.random.RandomState(seed).standard_normal((5, 60))
    return matrix.float(), torch.tensor(targets).float()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tol", [1e-2, 1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("condition", [1e1, 1e2, 1e3, 1e4, 1e6])
def test_conjugate_gradients_report_the_truth_in_single_precision(condition, tol, seed):
    """By residuals in float64, up to the rounding of one product in float32."""
    matrix, targets = ill_conditioned(condition, seed)
    solutions, solved = conjugate_gradients(
        operator_of(matrix), targets, tol=tol, max_iter=300
    )
    residuals = (targets.double() - solutions.double() @ matrix.double()).norm(dim=1)
    goals = tol * targets.double().norm(dim=1)
    rounding = SINGLE / 2 * solutions.double().norm(dim=1)
    assert (residuals < goals + rounding)[solved].all()
    assert (residuals > goals - rounding)[~solved].all()
    if tol > 5 * SINGLE * condition and condition < 1e4:
        assert solved.all()


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("condition", "tol"), [(1e2, 1e-5), (1e3, 1e-4), (1e4, 1e-3)])
def test_conjugate_gradients_in_single_precision_solve(condition, tol, seed):
    matrix, targets = ill_conditioned(condition, seed)
    solutions, solved = conjugate_gradients(
        operator_of(matrix), targets, tol=tol, max_iter=1000
    )
    assert solved.all()
    expected = torch.linalg.solve(matrix.double(), targets.double(), left=False)
    errors = (solutions - expected).norm(dim=1)
    # No error is larger than that of a residual along the smallest eigenvalue.
    assert (errors <= 1.2 * tol * condition * targets.norm(dim=1)).all()


def test_conjugate_gradients_start_anew_from_a_residual_that_drifted():
    """A product that is off while the row steps, and right once it is checked."""
    matrix, _ = matrix_of(np.geomspace(0.1, 10, 20))
    targets = torch.tensor(np.random.RandomState(0).standard_normal((1, 20)))
    n_products = []

    def operator(vectors):
        n_products.append(len(vectors))
        return vectors @ matrix * (1 + 1e-4 * (len(n_products) < 20))

    solutions, solved = conjugate_gradients(operator, targets, tol=1e-9, max_iter=99)
    assert solved.all()
    assert (targets - solutions @ matrix).norm() <= 1e-9 * targets.norm()
    assert len(n_products) <= 100


@pytest.mark.parametrize("max_iter", [0, 1, 2, 3, 7, 20, 60])
@pytest.mark.parametrize("condition", [1e1, 1e3])
def test_conjugate_gradients_keep_to_the_number_of_products(condition, max_iter):
    """With a tolerance that no row can meet, and one more product that decides."""
    matrix, targets = ill_conditioned(condition, 0)
    n_products = []

    def operator(vectors):
        n_products.append(len(vectors))
        return vectors @ matrix

    _, solved = conjugate_gradients(operator, targets[:1], tol=1e-9, max_iter=max_iter)
    assert not solved.any()
    assert max_iter <= sum(n_products) <= max_iter + 1


def test_conjugate_gradients_of_residuals_that_are_no_numbers_end():
    operator = lambda vectors: vectors * np.nan  # noqa: E731
    _, solved = conjugate_gradients(operator, torch.ones(2, 3), tol=1e-3, max_iter=9)
    assert not solved.any()


def test_conjugate_gradients_refuse_negative_curvature():
    matrix, _ = matrix_of([1.0, -1.0])
    with pytest.raises(ValueError, match="not positive definite"):
        conjugate_gradients(
            operator_of(matrix), torch.eye(2, dtype=torch.float64), tol=0, max_iter=9
        )


def test_lissa_is_the_truncated_series():
    matrix, _ = matrix_of([1.0, 2.0, 3.0])
    targets = torch.eye(3, dtype=torch.float64)
    step = np.eye(3) - matrix.numpy() / 3
    series = sum(np.linalg.matrix_power(step, k) for k in range(7)) / 3
    given = lissa([operator_of(matrix)] * 7, targets, scale=3.0)
    np.testing.assert_allclose(given, series, atol=1e-12)


def test_lissa_tends_to_the_inverse():
    matrix, _ = matrix_of([1.0, 2.0, 3.0])
    targets = torch.eye(3, dtype=torch.float64)
    given = lissa([operator_of(matrix)] * 200, targets, scale=3.0)
    np.testing.assert_allclose(given, np.linalg.inv(matrix), atol=1e-12)
