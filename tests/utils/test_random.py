import pickle
import random
import threading

import numpy as np
import pytest
import torch

from skgex._utils.random import MAX_SEED, GeneratorStates, draw_seeds, seeded


def draw():
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_all_generators_are_seeded_and_restored():
    states = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    with seeded(5):
        first = draw()
    with seeded(5):
        assert draw() == first
    with seeded(6):
        assert all(a != b for a, b in zip(draw(), first, strict=True))
    assert random.getstate() == states[0]
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])
    assert torch.equal(torch.get_rng_state(), states[2])


def test_torch_draws_as_by_its_own_seeding():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        expected = torch.rand(3)
    with seeded(5):
        assert torch.equal(torch.rand(3), expected)


def test_generators_are_restored_after_an_error():
    state = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    with pytest.raises(KeyError), seeded(0):  # noqa: PT012
        draw()
        raise KeyError
    assert torch.equal(torch.get_rng_state(), state[0])
    np.testing.assert_array_equal(np.random.get_state()[1], state[1])
    assert random.getstate() == state[2]


def test_what_was_drawn_outside_goes_on():
    with seeded(1):
        expected = [draw(), draw()]
    with seeded(1):
        before = draw()
        with seeded(2):
            draw()
        assert [before, draw()] == expected


def test_generators_go_on_from_where_they_stood():
    """Half of a pair of normal numbers is part of where they stand."""
    with seeded(1):
        random.gauss(0, 1), np.random.randn(), torch.randn(1)
        stood = pickle.dumps(GeneratorStates.now())
        expected = draw_normal(), draw()
    with seeded(2):
        draw()
        pickle.loads(stood).restore()
        assert (draw_normal(), draw()) == expected


def draw_normal():
    return random.gauss(0, 1), np.random.randn(), torch.randn(1).item()


def test_threads_take_turns():
    """Each thread draws what it would alone, though generators are global."""

    def drawn(seed):
        with seeded(seed):
            values = []
            for _ in range(50):
                values.append(draw())
                pause.wait(1e-4)
            return values

    pause = threading.Event()
    alone = {seed: drawn(seed) for seed in range(4)}
    together = {}
    threads = [
        threading.Thread(target=lambda seed=seed: together.update({seed: drawn(seed)}))
        for seed in alone
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_seeds_are_drawn_from_the_given_state():
    seeds = draw_seeds(np.random.RandomState(0), 100)
    assert seeds == draw_seeds(np.random.RandomState(0), 100)
    assert seeds != draw_seeds(np.random.RandomState(1), 100)
    assert len(set(seeds)) == 100
    assert all(isinstance(seed, int) and 0 <= seed < MAX_SEED for seed in seeds)
