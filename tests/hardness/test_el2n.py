"""EL2N, against norms written out for nets trained by hand."""

import numpy as np
import pytest
from watched import X, net, seeds_of, y

from skgex._nets.snapshot import revive
from skgex._nets.training import train
from skgex._utils.random import draw_seeds
from skgex.hardness import EL2N


def test_scores_are_mean_distances_from_the_one_hot_labels():
    seeds = draw_seeds(np.random.RandomState(seeds_of(0)[2]), 3)
    expected = np.zeros(len(y))
    for seed in seeds:
        trained = revive(train(net(max_epochs=4), X, y, seed))
        assert len(trained.history) == 4
        for i, p in enumerate(trained.predict_proba(X)):
            squares = [(v - (c == y[i])) ** 2 for c, v in enumerate(p)]
            expected[i] += np.sqrt(sum(squares)) / 3
    scorer = EL2N(net(), n_nets=3, n_epochs=4, random_state=0).fit(X, y)
    np.testing.assert_allclose(scorer.scores_, expected, rtol=1e-9)


def test_more_nets_do_not_change_the_first():
    one = EL2N(net(), n_nets=1, n_epochs=2, random_state=0).fit(X, y).scores_
    two = EL2N(net(), n_nets=2, n_epochs=2, random_state=0).fit(X, y).scores_
    second = 2 * two - one
    assert np.abs(one - second).max() > 1e-3
    assert (second >= 0).all()
    assert (second <= np.sqrt(2)).all()


def test_a_frozen_net_cannot_be_trained_anew(frozen):
    with pytest.raises(ValueError, match="EL2N needs to train nets of its own"):
        EL2N(frozen).fit(X, y)
