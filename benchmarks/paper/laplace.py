"""The influence function as an ensemble (Theorem 4.1), and the Hessian's null space.

    PYTHONPATH=benchmarks python benchmarks/paper/laplace.py [--seeds 0 1 ...]
        [--out FILE]

The net, the 70 points and their mixed labels are those of circles.py. Theorem 4.1: the
influence function is the covariance of linearised loss deviations under draws from
Laplace's approximation. The relative error of the mean over n draws is set beside the
one that n independent normal draws have in theory. Then the spectrum: of the P
eigenvalues of the Gauss-Newton matrix, N rows and K classes leave at least P - NK at
zero; those of the exact Hessian are set beside them. Runs that are already in the CSV
are not repeated; the spectra are computed each time.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from _results import Results, markdown
from _settings import PICTURES, RESULTS
from circles import make_net, make_task
from matplotlib.figure import Figure
from sklearn.frozen import FrozenEstimator
from torch.func import functional_call, hessian, jacrev

from skgex.influence import InfluenceFunction, LaplaceInfluence

N_DRAWS = tuple(4**k for k in range(1, 8))
DAMPING = 0.01
# An eigenvalue counts as zero below this share of the largest one, in float64.
IS_ZERO = 1e-12


def fitted(seed):
    """Return points, labels, and the net that has been trained on them."""
    X, y, _ = make_task("mixed", seed)
    torch.manual_seed(seed)
    return X, y, make_net(2, len(X), weight_decay=0.0).fit(X, y)


def error(influences, exact):
    """Return the relative error of a matrix, by Frobenius' norm."""
    return np.linalg.norm(influences - exact) / np.linalg.norm(exact)


def theoretical_error(exact, n_draws):
    """Return the root of the mean squared relative error of a mean of outer products.

    That of n normal draws of covariance C is ‖C‖² + (tr C)², divided by n.
    """
    ratio = np.trace(exact) ** 2 / np.linalg.norm(exact) ** 2
    return np.sqrt((1 + ratio) / n_draws)


def run_seed(results, seed, n_seeds):
    """Add the errors of several draws of each size, for one trained net."""
    X, y, net = fitted(seed)
    frozen = FrozenEstimator(net)
    shared = {"damping": DAMPING, "curvature": "gauss_newton"}
    exact = InfluenceFunction(frozen, solver="dense", **shared).fit(X, y)
    exact = exact.influence(X, y, X, y)
    for n_draws in N_DRAWS:
        for draw in range(n_seeds):
            run = {"seed": seed, "n_draws": n_draws, "draw": draw}
            if results.has(**run):
                continue
            laplace = LaplaceInfluence(
                frozen, n_members=n_draws, rank=None, random_state=draw, **shared
            ).fit(X, y)
            results.add(
                **run,
                error=error(laplace.influence(X, y, X, y), exact),
                theory=theoretical_error(exact, n_draws),
            )


def spectra(net, X, y):
    """Return eigenvalues of the Gauss-Newton matrix and of the exact Hessian.

    Both of the mean loss, in float64, by automatic differentiation alone.
    """
    module = net.module_.double()
    inputs, codes = torch.from_numpy(X).double(), torch.from_numpy(y)
    shapes = {name: p.shape for name, p in module.named_parameters()}
    flat = torch.cat([p.detach().ravel() for p in module.parameters()])

    def logits(weights):
        parts = weights.split([shape.numel() for shape in shapes.values()])
        shaped = (p.view(s) for p, s in zip(parts, shapes.values(), strict=True))
        return functional_call(module, dict(zip(shapes, shaped, strict=True)), inputs)

    def loss(weights):
        return torch.nn.functional.cross_entropy(logits(weights), codes)

    jacobian = jacrev(logits)(flat)
    p = logits(flat).softmax(dim=1).detach()
    of_outputs = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    gauss_newton = torch.einsum("nkp,nkl,nlq->pq", jacobian, of_outputs, jacobian)
    matrices = {
        "Gauss-Newton": gauss_newton / len(X),
        "Hessian": hessian(loss)(flat),
    }
    return {
        name: torch.linalg.eigvalsh(matrix).flip(0).numpy()
        for name, matrix in matrices.items()
    }


def draw_errors(results, path):
    """Draw the error against the number of draws, with what theory expects."""
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    rms = [rms_error(results, "error", n) for n in N_DRAWS]
    theory = [rms_error(results, "theory", n) for n in N_DRAWS]
    axes.loglog(N_DRAWS, theory, label="theory, √((1 + (tr C)²/‖C‖²) / n)")
    axes.loglog(N_DRAWS, rms, "o", label="measured")
    axes.set(xlabel="Laplace samples n", ylabel="relative error of the influences")
    axes.legend()
    figure.savefig(path, dpi=110)


def draw_spectra(spectra, n_bound, path):
    """Draw the magnitudes of the eigenvalues in descending order."""
    figure = Figure(figsize=(5, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, values in spectra.items():
        axes.semilogy(np.sort(np.abs(values))[::-1] / np.abs(values).max(), label=name)
    axes.axvline(n_bound, color="gray", linestyle=":", label="NK")
    axes.axhline(IS_ZERO, color="gray", linestyle="--", label="counts as zero")
    axes.set(xlabel="eigenvalue", ylabel="magnitude, relative to the largest")
    axes.legend()
    figure.savefig(path, dpi=110)


def rms_error(results, column, n_draws):
    """Return the root of the mean square of an error over nets and draws."""
    return np.sqrt(np.mean(np.square(results.values(column, n_draws=n_draws))))


def report(results):
    """Print measured and theoretical errors."""
    lines = []
    for n in N_DRAWS:
        measured, theory = (rms_error(results, c, n) for c in ("error", "theory"))
        lines.append([f"{n:,}", f"{measured:.4f}", f"{theory:.4f}"])
    print(markdown(["Laplace samples", "relative error", "in theory"], lines))


def report_spectra(spectra, n_rows, n_classes):
    """Print how many eigenvalues are zero, and how many must be."""
    lines = []
    for name, values in spectra.items():
        is_zero = np.abs(values) < IS_ZERO * np.abs(values).max()
        lines.append(
            [
                name,
                str(len(values)),
                str(len(values) - n_rows * n_classes),
                str(is_zero.sum()),
                f"{values.max():.2g}",
                f"{values.min():.2g}",
            ]
        )
    header = ["matrix", "P", "P - NK", "eigenvalues at zero", "largest", "smallest"]
    print("\n" + markdown(header, lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=range(3))
    parser.add_argument("--n-draws", type=int, default=5, help="of each number")
    parser.add_argument("--pictures", type=Path, default=PICTURES)
    parser.add_argument("--out", type=Path, default=RESULTS / "laplace.csv")
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.pictures.mkdir(parents=True, exist_ok=True)
    results = Results(args.out, ["seed", "n_draws", "draw"], ["error", "theory"])
    for seed in args.seeds:
        run_seed(results, seed, args.n_draws)
    report(results)
    draw_errors(results, args.pictures / "laplace_errors.png")
    X, y, net = fitted(args.seeds[0])
    found = spectra(net, X, y)
    report_spectra(found, len(X), 2)
    draw_spectra(found, 2 * len(X), args.pictures / "spectra.png")


if __name__ == "__main__":
    main()
