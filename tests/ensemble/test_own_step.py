"""A net's own step is used; skorch's is replaced by a shorter one of equal effect."""

from typing import ClassVar

import numpy as np
import pytest
from growing import grow_one
from skorch import NeuralNetClassifier
from tiny import MLP, ConvNet, classifier

from skgex._ensemble.fine_tuning import FineTuning, has_plain_step
from skgex._nets.training import train

TUNING = FineTuning(5, 0.1, 0.9, "cosine")


class Recorded(NeuralNetClassifier):
    """skorch's own step, with a count of its calls."""

    n_calls = 0

    def train_step(self, batch, **fit_params):
        type(self).n_calls += 1
        return super().train_step(batch, **fit_params)


class Halved(NeuralNetClassifier):
    """Halves each gradient after it is taken."""

    def on_grad_computed(self, net, named_parameters, **kwargs):
        for _, parameter in named_parameters:
            parameter.grad *= 0.5


def as_kind(kind, module, **kwargs):
    net = classifier(module, **kwargs)
    return kind(**net.get_params(deep=False))


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_the_short_step_equals_the_long_one(blobs, schedule, dropout):
    tuning = TUNING._replace(schedule=schedule)
    settings = {"module__dropout": dropout, "optimizer__weight_decay": 0.1}
    members = []
    for kind in (NeuralNetClassifier, Recorded):
        trained = train(as_kind(kind, MLP, **settings), *blobs, seed=0)
        Recorded.n_calls = 0
        members.append(grow_one(trained, *blobs, None, None, tuning, 7)[0])
    assert Recorded.n_calls == tuning.n_steps
    for name, value in members[0]["module"].items():
        np.testing.assert_array_equal(value, members[1]["module"][name])


class Silent(NeuralNetClassifier):
    """Its loop needs nothing of what its steps return."""

    returned = None

    def train_step(self, batch, **fit_params):
        super().train_step(batch, **fit_params)
        return self.returned

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        for batch in iterator or ():
            step_fn(batch, **fit_params)


class Counted(Silent):
    """Its loss is a number."""

    returned: ClassVar = {"loss": 0.5}


@pytest.mark.parametrize("kind", [Silent, Counted])
def test_a_step_need_not_return_a_loss(blobs, kind):
    members = []
    for each in (kind, Recorded):
        trained = train(as_kind(each, MLP, train_split=None), *blobs, seed=0)
        members.append(grow_one(trained, *blobs, None, None, TUNING, 7)[0])
    for name, value in members[0]["module"].items():
        np.testing.assert_array_equal(value, members[1]["module"][name])


def test_hooks_on_gradients_are_kept(blobs):
    net = as_kind(Halved, MLP)
    assert not has_plain_step(net.initialize())
    trained = train(classifier(), *blobs, seed=0)
    halved = trained._replace(net=as_kind(Halved, MLP, callbacks="disable"))
    # Without momentum, half of the gradient is half of the rate.
    tuning = TUNING._replace(momentum=0.0)
    own, *_ = grow_one(halved, *blobs, None, None, tuning, 7)
    slower = tuning._replace(lr=tuning.lr / 2)
    assert has_plain_step(classifier(ConvNet).initialize())
    half_the_rate, *_ = grow_one(
        trained._replace(net=as_kind(NeuralNetClassifier, MLP, callbacks="disable")),
        *blobs,
        None,
        None,
        slower,
        7,
    )
    for name, value in own["module"].items():
        np.testing.assert_allclose(value, half_the_rate["module"][name], atol=1e-12)
