"""Derivatives of samples' losses against loops of autograd calls, in float64."""

import numpy as np
import pytest
import torch
from sample_losses import CASES, RNG, N, X, Y, fitted
from tiny import MLP, PairDataset, classifier

from skgex._nets import sample_losses as _sample_losses
from skgex._nets.curvature import mean_curvature
from skgex._nets.evaluation import evaluate
from skgex._nets.sample_losses import SampleLosses
from skgex._nets.snapshot import revive, snapshot


def gradients_one_by_one(trained, y, loss):
    """Differentiate the loss of each sample by each parameter of the module."""
    module = revive(trained).module_.eval()
    rows = []
    for xi, yi in zip(torch.tensor(X), torch.tensor(y), strict=True):
        parts = torch.autograd.grad(
            loss(module(xi[None]), yi[None]), list(module.parameters())
        )
        rows.append(torch.cat([part.reshape(-1) for part in parts]).numpy())
    return np.array(rows)


@pytest.fixture(params=CASES)
def case(request):
    net, y, loss = CASES[request.param]
    return fitted(net, y), y, loss


def gradients(losses, X, y):
    return torch.cat(list(losses.gradients(X, y))).detach().numpy()


def test_gradients_are_those_of_a_loop(case):
    trained, y, loss = case
    given = gradients(SampleLosses(trained), X, y)
    expected = gradients_one_by_one(trained, y, loss)
    np.testing.assert_allclose(given[:, : expected.shape[1]], expected, atol=1e-10)


@pytest.mark.parametrize("name", sorted(CASES))
def test_gradients_of_common_nets_are_batched(name):
    net, y, _ = CASES[name]
    losses, calls = SampleLosses(fitted(net, y)), []
    losses._module.module_.register_forward_pre_hook(lambda *_: calls.append(1))
    for n_calls in (1, 1) if name != "recurrent" else (1 + N, N):
        calls.clear()
        gradients(losses, X, y)
        assert len(calls) == n_calls


def test_gradients_without_batching_are_the_same(case):
    trained, y, _ = case
    batched = gradients(SampleLosses(trained), X, y)
    losses = SampleLosses(trained)
    losses._can_batch = False
    np.testing.assert_allclose(gradients(losses, X, y), batched, atol=1e-12)


def test_losses_are_those_of_the_evaluation(case):
    trained, y, _ = case
    losses = SampleLosses(trained)
    given = losses(losses.theta, torch.tensor(X), torch.tensor(y))
    expected = evaluate(revive(trained), X, y).losses
    np.testing.assert_allclose(given.numpy(), expected, rtol=1e-12)


def test_projections_and_derivatives_are_inner_products(case):
    trained, y, _ = case
    losses = SampleLosses(trained)
    directions = torch.tensor(RNG.standard_normal((3, len(losses.theta))))
    expected = gradients(losses, X, y) @ directions.numpy().T
    for given in (
        losses.projections(X, y, directions),
        losses.derivatives(X, y, directions),
    ):
        np.testing.assert_allclose(given, expected, atol=1e-10)


def test_chunks_keep_to_the_bound_and_change_nothing(monkeypatch):
    losses = SampleLosses(fitted(classifier(batch_size=8), Y))
    whole = gradients(losses, X, Y)
    row = losses.theta.nbytes
    for max_bytes, sizes in [(1, [1] * N), (3 * row, [3, 3, 2, 2]), (99 * row, [8, 2])]:
        monkeypatch.setattr(_sample_losses, "MAX_BYTES", max_bytes)
        parts = list(losses.gradients(X, Y))
        assert list(map(len, parts)) == sizes
        np.testing.assert_allclose(torch.cat(parts), whole, rtol=1e-12)


def test_forms_receive_many_rows_at_once(monkeypatch):
    losses = SampleLosses(fitted(classifier(batch_size=2), Y))
    sizes = []

    def form(rows):
        sizes.append(len(rows))
        return rows

    monkeypatch.setattr(_sample_losses, "MAX_BYTES", 5 * losses.theta.nbytes)
    losses.quadratic_forms(X, Y, form)
    assert sizes == [4, 4, 2]
    sizes.clear()
    monkeypatch.setattr(_sample_losses, "MAX_BYTES", losses.theta.nbytes)
    losses.inner_products((X, Y), (X, Y), form)
    assert sizes == [4, 4, 2]


def test_forms_are_those_of_the_gradients(monkeypatch):
    losses = SampleLosses(fitted(classifier(), Y))
    matrix = torch.tensor(RNG.standard_normal((len(losses.theta),) * 2))
    matrix = matrix + matrix.T
    g = gradients(losses, X, Y)
    expected = g @ matrix.numpy() @ g.T
    monkeypatch.setattr(_sample_losses, "MAX_BYTES", 2 * losses.theta.nbytes)
    np.testing.assert_allclose(
        losses.quadratic_forms(X, Y, lambda v: v @ matrix), np.diag(expected)
    )
    np.testing.assert_allclose(
        losses.inner_products((X, Y), (X[:4], Y[:4]), lambda v: v @ matrix),
        expected[:, :4],
    )
    np.testing.assert_allclose(
        losses.inner_products((X[:4], Y[:4]), (X, Y)), g[:4] @ g.T
    )


def test_fixed_parameters_do_not_count():
    net = classifier().fit(X, Y)
    net.module_.hidden.requires_grad_(False)
    losses = SampleLosses(snapshot(net))
    assert len(losses.theta) == sum(p.numel() for p in net.module_.output.parameters())


class Spare(MLP):
    """Has a parameter that it does not use."""

    def __init__(self):
        super().__init__()
        self.spare = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))


def test_a_parameter_that_is_not_used_has_no_gradient():
    trained = fitted(classifier(Spare), Y)
    for can_batch in (True, False):
        losses = SampleLosses(trained)
        losses._can_batch = can_batch
        spare = losses.theta == 1
        assert spare.sum() == 2
        np.testing.assert_array_equal(gradients(losses, X, Y)[:, spare], 0)


def test_a_net_with_nothing_to_train_is_refused():
    net = classifier().fit(X, Y)
    net.module_.requires_grad_(False)
    with pytest.raises(ValueError, match="trainable"):
        SampleLosses(snapshot(net))


def test_parameters_become_weights_and_come_back():
    trained = fitted(classifier(module__batch_norm=True), Y)
    losses = SampleLosses(trained)
    weights = losses.weights_at(losses.theta + 1)
    np.testing.assert_array_equal(losses.theta_of(weights), losses.theta + 1)
    np.testing.assert_array_equal(losses.theta_of(trained.weights), losses.theta)
    moved, still = weights["module"], trained.weights["module"]
    np.testing.assert_array_equal(moved["output.bias"], still["output.bias"] + 1)
    np.testing.assert_array_equal(
        moved["norm.running_mean"], still["norm.running_mean"]
    )
    again = gradients(losses, X, Y)  # its own weights are back
    np.testing.assert_array_equal(again, gradients(SampleLosses(trained), X, Y))


def test_a_checkpoint_is_the_net_with_its_weights():
    losses = SampleLosses(fitted(classifier(), Y))
    moved = losses.theta + 0.1
    checkpoint = SampleLosses(fitted(classifier(), Y), losses.weights_at(moved))
    torch.testing.assert_close(checkpoint.theta, moved)
    batch = torch.tensor(X), torch.tensor(Y)
    expected = checkpoint(checkpoint.theta, *batch)
    torch.testing.assert_close(losses(moved, *batch), expected)
    found = losses.of_outputs(losses.outputs(moved, batch[0]), *batch)
    torch.testing.assert_close(found, expected)
    whole = checkpoint.all_gradients(X, Y)
    np.testing.assert_allclose(whole, gradients(checkpoint, X, Y), rtol=1e-12)


def test_a_dataset_gives_what_its_arrays_give():
    losses = SampleLosses(fitted(classifier(), Y))
    given = gradients(losses, PairDataset(X, Y), None)
    np.testing.assert_allclose(given, gradients(losses, X, Y), rtol=1e-12)


def test_global_generators_are_left_alone():
    losses = SampleLosses(fitted(classifier(), Y))
    before = torch.get_rng_state()
    losses.quadratic_forms(X, Y)
    mean_curvature(losses, X, Y, "hessian")(losses.theta[None])
    assert torch.equal(torch.get_rng_state(), before)
