import numpy as np
from numpy.testing import assert_allclose
from tiny import classifier, make_blobs

from skgex._nets.sample_losses import SampleLosses
from skgex.influence import GEX, GEXLinear

X, Y = make_blobs()


def fitted(kind, lr):
    net = classifier(max_epochs=10, lr=0.2)
    return kind(net, n_members=3, n_steps=5, lr=lr, random_state=0).fit(X, Y)


def test_it_is_gex_to_first_order():
    """The difference falls as the square of the rate, the deviations as the rate."""
    rates = [1e-2, 1e-3, 1e-4]
    errors, sizes = [], []
    for lr in rates:
        true = fitted(GEX, lr).transform(X, Y)
        linear = fitted(GEXLinear, lr).transform(X, Y)
        errors.append(np.abs(linear - true).max())
        sizes.append(np.abs(true).max())
    orders = -np.diff(np.log10([errors, sizes]))
    assert_allclose(orders[0], 2, atol=0.2)
    assert_allclose(orders[1], 1, atol=0.2)


def test_features_are_gradients_along_the_members():
    estimator = fitted(GEXLinear, 0.1)
    losses = SampleLosses(estimator._trained)
    names = [name for name, _ in estimator.net_.module_.named_parameters()]
    start = estimator._trained.weights["module"]
    offsets = [
        np.concatenate([(at["module"][k] - start[k]).ravel() for k in names])
        for at in estimator.ensemble_.members
    ]
    gradients = losses.all_gradients(X, Y)
    features = gradients @ np.array(offsets).T
    assert_allclose(estimator.transform(X, Y), features, atol=1e-12)
    assert_allclose(
        estimator.influence(X, Y, X[:4], Y[:4]), features @ features[:4].T / 3
    )
    assert_allclose(estimator.self_influence_, np.square(features).mean(axis=1))


def test_the_ensemble_is_that_of_gex():
    gex, linear = fitted(GEX, 0.1), fitted(GEXLinear, 0.1)
    for mine, theirs in zip(
        gex.ensemble_.members, linear.ensemble_.members, strict=True
    ):
        for name, values in mine["module"].items():
            np.testing.assert_array_equal(values, theirs["module"][name])
