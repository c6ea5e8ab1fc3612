"""Seeds; the only file that touches the global random generators."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch

from skgex._utils.parallel import one_thread

MAX_SEED = np.iinfo(np.int32).max

# The generators are global to the process, so threads use them one after the other.
_LOCK = threading.RLock()


class Seeds(NamedTuple):
    """The seeds of one fit.

    Those of the net are equal for all estimators with the same ``random_state``, so
    that they can share its training.

    Attributes
    ----------
    net : int
        Of the net's training.
    trial : int
        Of the trial training by which epochs or the learning rate are chosen.
    method : int
        Of what is the method's own.
    members : int
        Of an ensemble's members.
    """

    net: int
    trial: int
    method: int
    members: int


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python's, NumPy's and torch's generators, and restore them afterwards.

    What is computed meanwhile is computed on one thread.

    Initialisation, dropout, shuffling and most augmentation draw from the global
    generators, so there is no other place to put a seed.
    """
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with one_thread(), _LOCK, torch.random.fork_rng(devices=list(devices)):
        python_state, numpy_state = random.getstate(), np.random.get_state()
        try:
            random.seed(seed)
            np.random.seed(seed)
            _seed_torch(seed)
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)


class GeneratorStates(NamedTuple):
    """Where the global random generators stand, to go on from there later.

    Attributes
    ----------
    python, numpy : object
        As their libraries return it.
    torch : Tensor
        Of the processor's generator.
    cuda : list of Tensor
        Of each GPU's generator; empty if this process uses none.
    """

    python: Any
    numpy: Any
    torch: torch.Tensor
    cuda: list[torch.Tensor]

    @classmethod
    def now(cls) -> "GeneratorStates":
        """Return where the generators stand now."""
        cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        numpy_state = np.random.get_state()
        return cls(random.getstate(), numpy_state, torch.get_rng_state(), cuda)

    def restore(self) -> None:
        """Let the generators go on from here; to be called inside of `seeded`."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        torch.set_rng_state(self.torch)
        if self.cuda:
            torch.cuda.set_rng_state_all(self.cuda)


def _seed_torch(seed: int) -> None:
    """Do what ``torch.manual_seed`` does, without its millisecond of device queries."""
    if torch.accelerator.is_available():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


def draw_seeds(random_state: np.random.RandomState, n: int) -> list[int]:
    """Draw ``n`` seeds, which begin with the same ones for every ``n``."""
    return random_state.randint(MAX_SEED, size=n).tolist()
