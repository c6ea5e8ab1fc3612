"""Products with second derivatives, and equations that are solved by such products.

This file knows torch alone, no net. The parameters are one flat vector ``theta`` of
shape (n_parameters,). Vectors are rows, of shape (n_vectors, n_parameters), and so are
products. A symmetric matrix is an ``Operator``: a function that multiplies each row.
"""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

Operator = Callable[[Tensor], Tensor]


def jacobian_products(
    function: Callable[[Tensor], Tensor], theta: Tensor, vectors: Tensor
) -> Tensor:
    """Differentiate a function along each vector.

    This is forward-mode differentiation. If some operation of the function has none,
    reverse mode is applied twice.

    Parameters
    ----------
    function : callable
        Of ``theta``; returns a tensor of shape (n_values,).
    theta : Tensor of shape (n_parameters,)
    vectors : Tensor of shape (n_vectors, n_parameters)

    Returns
    -------
    products : Tensor of shape (n_vectors, n_values)
        J v for each v.
    """
    theta = theta.detach()
    try:
        return torch.func.vmap(
            lambda vector: torch.func.jvp(function, (theta,), (vector,))[1],
            randomness="same",
        )(vectors)
    except RuntimeError:
        theta = theta.clone().requires_grad_()
        with torch.enable_grad():
            values = function(theta)
            weights = torch.zeros_like(values, requires_grad=True)
            # J' w is linear in the weights w; its derivative along w is J.
            (transposed,) = torch.autograd.grad(
                values, theta, weights, create_graph=True, materialize_grads=True
            )
        return vector_products(transposed, weights, vectors)


def vector_products(values: Tensor, inputs: Tensor, vectors: Tensor) -> Tensor:
    """Multiply the Jacobian of a graph by each vector from the left.

    Parameters
    ----------
    values : Tensor of shape (n_values,)
        Computed from ``inputs``; the graph is kept.
    inputs : Tensor of shape (n_inputs,)
    vectors : Tensor of shape (n_vectors, n_values)

    Returns
    -------
    products : Tensor of shape (n_vectors, n_inputs)
        J' v for each v; zeros where the values do not depend on the inputs.
    """
    if not values.requires_grad:
        return vectors.new_zeros(len(vectors), *inputs.shape)

    def pull_back(weights: Tensor, batched: bool) -> Tensor:
        return torch.autograd.grad(
            values,
            inputs,
            weights,
            retain_graph=True,
            is_grads_batched=batched,
            materialize_grads=not batched,
            allow_unused=True,
        )[0]

    try:
        products = pull_back(vectors, batched=True)
    except RuntimeError:  # some operation cannot be batched
        products = torch.stack([pull_back(v, batched=False) for v in vectors])
    if products is None:
        return vectors.new_zeros(len(vectors), *inputs.shape)
    return products


def hessian_products(
    loss: Callable[[Tensor], Tensor], theta: Tensor, vectors: Tensor
) -> Tensor:
    """Multiply the Hessian of a scalar loss by each vector.

    Parameters
    ----------
    loss : callable
        Of ``theta``; returns a scalar tensor.
    theta : Tensor of shape (n_parameters,)
    vectors : Tensor of shape (n_vectors, n_parameters)

    Returns
    -------
    products : Tensor of shape (n_vectors, n_parameters)
    """
    theta = theta.detach().requires_grad_()
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(
            loss(theta), theta, create_graph=True, materialize_grads=True
        )
    return vector_products(gradient, theta, vectors)


def gauss_newton_products(
    outputs: Callable[[Tensor], Tensor],
    loss: Callable[[Tensor], Tensor],
    theta: Tensor,
    vectors: Tensor,
) -> Tensor:
    """Multiply the generalised Gauss-Newton matrix J' ∇²ℓ J by each vector.

    It has no negative eigenvalue if the loss is convex in the outputs.

    Parameters
    ----------
    outputs : callable
        Of ``theta``; returns all outputs as one tensor of shape (n_values,).
    loss : callable
        Of such outputs; returns a scalar tensor.
    theta : Tensor of shape (n_parameters,)
    vectors : Tensor of shape (n_vectors, n_parameters)

    Returns
    -------
    products : Tensor of shape (n_vectors, n_parameters)
    """
    moved = jacobian_products(outputs, theta, vectors)
    theta = theta.detach().requires_grad_()
    with torch.enable_grad():
        values = outputs(theta)
    bent = hessian_products(loss, values, moved)
    return vector_products(values, theta, bent)


def dense(operator: Operator, theta: Tensor, block: int = 64) -> Tensor:
    """Write an operator out as a matrix in float64.

    Parameters
    ----------
    operator : callable
    theta : Tensor of shape (n_parameters,)
        Sets size, dtype and device.
    block : int
        Columns that are computed at once.

    Returns
    -------
    matrix : Tensor of shape (n_parameters, n_parameters), dtype=float64
        Symmetric to the last bit, in main memory.
    """
    n = len(theta)
    rows = []
    for start in range(0, n, block):
        unit = theta.new_zeros(min(block, n - start), n)
        unit[:, start : start + len(unit)].fill_diagonal_(1)
        rows.append(operator(unit).cpu().double())
    matrix = torch.cat(rows)
    return (matrix + matrix.T) / 2


def top_eigenpairs(
    operator: Operator,
    theta: Tensor,
    n_components: int,
    n_iterations: int,
    seed: int,
) -> tuple[Tensor, Tensor]:
    """Find the eigenvalues of largest magnitude by Arnoldi's iteration.

    For a symmetric matrix this is Lanczos' iteration with every vector orthogonalised
    against all vectors before it. If the Krylov space is exhausted, the iteration goes
    on from a random vector. So equal eigenvalues are all found if there are enough
    iterations.

    Parameters
    ----------
    operator : callable
    theta : Tensor of shape (n_parameters,)
        Sets size, dtype and device.
    n_components : int
        How many pairs to return; fewer, if all others are zero up to rounding.
    n_iterations : int
        Products with the operator, and vectors that are held in memory.
    seed : int
        Of the random vectors.

    Returns
    -------
    values : Tensor of shape (n_found,), dtype=float64
        By falling magnitude, in main memory.
    vectors : Tensor of shape (n_found, n_parameters)
        Orthonormal rows.
    """
    basis, projected = _krylov(operator, theta, min(n_iterations, len(theta)), seed)
    values, rotation = torch.linalg.eigh(projected, UPLO="U")
    order = values.abs().argsort(descending=True)[:n_components]
    tolerance = 10 * len(basis) * torch.finfo(theta.dtype).eps
    order = order[values[order].abs() > tolerance * values.abs().max()]
    return values[order], rotation[:, order].T.to(basis) @ basis


def _krylov(
    operator: Operator, theta: Tensor, n_iterations: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Return an orthonormal basis (k, n_parameters), and the operator in it (k, k).

    Only the upper triangle of the latter is filled.
    """
    generator = torch.Generator().manual_seed(seed)
    basis = theta.new_zeros(n_iterations, len(theta))
    projected = torch.zeros(n_iterations, n_iterations, dtype=torch.float64)
    candidate, size = _random_vector(theta, generator), 0.0
    for k in range(n_iterations):
        candidate = _orthogonal_to(basis[:k], candidate)
        # Only rounding errors are left: the basis spans an invariant space.
        if candidate.norm() <= 1e2 * torch.finfo(theta.dtype).eps * size:
            candidate = _random_vector(theta, generator)
            candidate = _orthogonal_to(basis[:k], candidate)
        basis[k] = candidate / candidate.norm()
        candidate = operator(basis[k : k + 1])[0]
        size = candidate.norm()
        projected[: k + 1, k] = (basis[: k + 1] @ candidate).cpu().double()
    return basis, projected


def _random_vector(theta: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(len(theta), generator=generator, dtype=torch.float64).to(theta)


def _orthogonal_to(basis: Tensor, vector: Tensor) -> Tensor:
    for _ in range(2):  # once would leave rounding errors as large as the result
        vector = vector - (basis @ vector) @ basis
    return vector


def conjugate_gradients(
    operator: Operator, targets: Tensor, *, tol: float, max_iter: int
) -> tuple[Tensor, Tensor]:
    """Solve A x = b for each row b.

    Many rows are solved at the same time, each as if it were alone.

    A step updates the residual instead of computing it, and rounding lets the updated
    residual drift away from b - A x: it may fall below any tolerance while b - A x does
    not. So each row whose updated residual is small enough is checked by one more
    product. If b - A x is too large, the row starts anew from it.

    Parameters
    ----------
    operator : callable
        A, positive definite.
    targets : Tensor of shape (n_vectors, n_parameters)
    tol : float
        A row is solved once the norm of b - A x is at most this share of the norm of b.
    max_iter : int
        Products with the operator per row at most, not counting the one that decides
        whether the row is solved.

    Returns
    -------
    solutions : Tensor of shape (n_vectors, n_parameters)
    solved : Tensor of shape (n_vectors,), dtype=bool
        Whether b - A x, computed in the dtype of ``targets``, is small enough.

    Raises
    ------
    ValueError
        If the matrix has a direction of negative curvature.
    """
    solutions, residuals = torch.zeros_like(targets), targets.clone()
    directions = targets.clone()
    squares = _squared_norms(residuals)
    goals = tol**2 * squares
    products_left = torch.full_like(squares, max_iter, dtype=torch.int64)

    def unsolved_rows() -> Tensor:
        return ((squares > goals) & (products_left > 0)).nonzero()[:, 0]

    while len(started := unsolved_rows()):
        while len(rows := unsolved_rows()):
            along, before = directions[rows], squares[rows]
            bent = operator(along)
            curvature = (along * bent).sum(dim=1)
            if (curvature <= 0).any():
                raise ValueError("the matrix is not positive definite.")
            step = (before / curvature)[:, None]
            solutions[rows] += step * along
            residuals[rows] -= step * bent
            squares[rows] = _squared_norms(residuals[rows])
            ratio = (squares[rows] / before)[:, None]
            directions[rows] = residuals[rows] + ratio * along
            products_left[rows] -= 1
        # Checks wait until no row steps any more, and are then made together. So the
        # steps before them are the same, bit for bit, as without any check.
        residuals[started] = targets[started] - operator(solutions[started])
        directions[started] = residuals[started]
        squares[started] = _squared_norms(residuals[started])
        products_left[started] -= 1
    return solutions, squares <= goals


def _squared_norms(rows: Tensor) -> Tensor:
    return rows.square().sum(dim=1)


def lissa(operators: Iterable[Operator], targets: Tensor, scale: float) -> Tensor:
    """Approximate A⁻¹ b by the series Σ_k (I − A/s)^k b/s, for each row b.

    Each step may use another estimate of A, such as that of one mini-batch.

    Parameters
    ----------
    operators : iterable of callable
        Estimates of A, one per step.
    targets : Tensor of shape (n_vectors, n_parameters)
    scale : float
        s, at least half the largest eigenvalue of any estimate.

    Returns
    -------
    solutions : Tensor of shape (n_vectors, n_parameters)

    References
    ----------
    Agarwal, N., Bullins, B. and Hazan, E. "Second-order stochastic optimization for
    machine learning in linear time." JMLR 18 (2017).
    """
    solutions = torch.zeros_like(targets)
    for operator in operators:
        solutions += (targets - operator(solutions)) / scale
    return solutions
