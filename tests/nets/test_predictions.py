"""Probabilities, logits, margins and features, against plain torch and numpy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import (
    BareCriterion,
    OwnCriterion,
    Pair,
    PairDataset,
    PairNet,
    Probabilities,
    binary_classifier,
    classifier,
    make_blobs,
)
from torch import nn

from skgex._nets.predictions import (
    as_probabilities,
    class_logits,
    logits,
    margins,
    penultimate,
    probabilities,
)

X, y = make_blobs()


def raw(net, X):
    with torch.no_grad():
        return net.module_.eval()(torch.tensor(X)).numpy()


def test_logits_become_probabilities():
    net = classifier().initialize()
    outputs = raw(net, X)
    expected = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities(net, outputs), expected, rtol=1e-12)
    np.testing.assert_array_equal(class_logits(net, outputs), outputs)


def test_probabilities_are_left_as_they_are():
    net = classifier(Probabilities, criterion=nn.NLLLoss).initialize()
    outputs = raw(net, X)
    np.testing.assert_array_equal(probabilities(net, outputs), outputs)
    np.testing.assert_allclose(class_logits(net, outputs), np.log(outputs), rtol=1e-12)


@pytest.mark.parametrize("criterion", [OwnCriterion, BareCriterion])
def test_outputs_under_an_unknown_criterion_count_as_logits(criterion):
    net = classifier(criterion=criterion).initialize()
    outputs = raw(net, X)
    expected = torch.tensor(outputs).softmax(dim=1)
    np.testing.assert_allclose(probabilities(net, outputs), expected, rtol=1e-12)
    np.testing.assert_array_equal(class_logits(net, outputs), outputs)


def test_a_binary_net_has_two_classes():
    net = binary_classifier().initialize()
    outputs = raw(net, X)
    one = 1 / (1 + np.exp(-outputs))
    np.testing.assert_allclose(
        probabilities(net, outputs), np.column_stack([1 - one, one]), rtol=1e-12
    )
    given_logits = class_logits(net, outputs)
    np.testing.assert_allclose(
        given_logits[:, 1] - given_logits[:, 0], outputs, rtol=1e-9
    )


def test_a_certain_binary_net_has_a_finite_margin():
    net = binary_classifier().initialize()
    given_logits = class_logits(net, np.array([-800.0, -30.0, 30.0, 800.0]))
    margin = given_logits[:, 1] - given_logits[:, 0]
    np.testing.assert_allclose(margin, [-36.04, -30, 30, 36.04], atol=0.01)


def test_zero_probabilities_have_finite_logarithms():
    net = classifier(Probabilities, criterion=nn.NLLLoss).initialize()
    given_logits = class_logits(net, np.array([[1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(given_logits, np.log([[1, 2**-52, 2**-52]]))


def test_rows_that_do_not_sum_to_one_are_not_taken_for_probabilities():
    values = np.array([[0.2, 0.9], [0.5, 0.5]])
    np.testing.assert_allclose(
        as_probabilities(values), torch.tensor(values).softmax(dim=1), rtol=1e-12
    )


@given(st.integers(2, 5), st.integers(1, 8), st.integers(0, 99))
def test_margins_are_those_of_a_loop(n_classes, n_rows, seed):
    rng = np.random.RandomState(seed)
    values = rng.standard_normal((n_rows, n_classes))
    codes = rng.randint(n_classes, size=n_rows)
    before = values.copy()
    expected = [
        values[i, c] - max(v for j, v in enumerate(values[i]) if j != c)
        for i, c in enumerate(codes)
    ]
    np.testing.assert_allclose(margins(values, codes), expected, rtol=1e-12)
    np.testing.assert_array_equal(values, before)


def test_features_are_those_of_a_forward_pass():
    net = classifier(module__dropout=0.5, module__batch_norm=True).initialize()
    module = net.module_.eval()
    with torch.no_grad():
        hidden = torch.tanh(module.norm(module.hidden(torch.tensor(X))))
    net.module_.train()
    np.testing.assert_allclose(penultimate(net, X, y), hidden, rtol=1e-12)
    np.testing.assert_allclose(logits(net, X, y), raw(net, X), rtol=1e-12)
    dataset = PairDataset(X, y)
    np.testing.assert_allclose(penultimate(net, dataset, None), hidden, rtol=1e-12)


def test_features_leave_no_hooks_behind():
    net = classifier().initialize()
    penultimate(net, X, y)
    assert not any(part._forward_pre_hooks for part in net.module_.modules())


def test_the_first_of_several_outputs_is_meant():
    net = PairNet(Pair, criterion=nn.CrossEntropyLoss).initialize()
    with torch.no_grad():
        expected = net.module_.eval()(torch.tensor(X))[0]
    np.testing.assert_allclose(logits(net, X, y), expected, rtol=1e-12)


def test_a_flat_output_is_one_column():
    net = binary_classifier().initialize()
    targets = (y > 0).astype(float)
    np.testing.assert_allclose(logits(net, X, targets)[:, 0], raw(net, X), rtol=1e-12)
