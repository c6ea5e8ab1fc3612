"""The fine-tuning of one member, taken up where it was interrupted, bit for bit.

What a step does follows from the state of the net and of the random generators, and
from the batch. An iterator over batches cannot be stored. So its batches are drawn
again up to where it was, each pass from the same state of the generators as before.
"""

from collections.abc import Iterator
from typing import Any

from skorch import NeuralNet
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from skgex._nets.batches import SliceLoader, can_slice, endless_batches
from skgex._nets.training_state import CapturedState, TrainingState
from skgex._utils.random import GeneratorStates, seeded
from skgex._utils.unfinished import Draft

# These draw the order of a pass when it begins, and nothing later.
_SAMPLERS = (
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)


# Where the generators stood is noted at the start of this many passes at most.
MAX_PASSES = 300


class RetracedSteps:
    """Training batches of a net, and its state after any number of them.

    Nothing is kept for a net whose iterator draws in a way of its own, or whose state
    cannot be pickled.

    Parameters
    ----------
    net : NeuralNet
        Initialised, with the parameters of its iterator as they will be.
    X, y
        The samples that it is trained on, and their targets.
    draft : Draft
    """

    def __init__(self, net: NeuralNet, X: Any, y: Any, draft: Draft):
        self._draft, self._state = draft, TrainingState(net)
        self._keeps, self._forgets = False, False
        if draft.keeps:
            with seeded(0):
                dataset = net.get_dataset(X, y)
                loader = net.get_iterator(dataset, training=True)
            own = type(net).get_iterator is not NeuralNet.get_iterator
            self._keeps = not own and _can_retrace(loader)
            self._forgets = self._keeps and _begins_anew(loader, dataset)
        # States of the generators as passes began, the steps before the first of them,
        # and those of an interrupted process.
        self._passes: list[GeneratorStates] = []
        self._n_before = self._n_done = 0
        self._recorded: list[GeneratorStates] = []
        begin = self._begin_pass if self._keeps else None
        self.batches: Iterator[Any] = endless_batches(net, X, y, begin)

    def resume(self) -> int:
        """Go on from the state that was kept; return after how many steps it was.

        To be called before a batch is drawn.
        """
        kept = self._draft.read() if self._keeps else None
        if kept is None:
            return 0
        n_done, n_before, passes, content = kept
        state = self._state.read(content)
        if state is None:
            return 0
        self._n_done = self._n_before = n_before
        self._recorded = passes
        for _ in range(n_done - n_before):
            next(self.batches)
        self._state.restore(state)
        self._n_done = n_done
        return self._n_done

    def keep(self, n_done: int) -> None:
        """Keep the state after some steps if it is due, before a batch is drawn."""
        self._n_done = n_done
        if self._keeps and self._draft.is_due():
            state = CapturedState(self._state)
            self._draft.write((n_done, self._n_before, self._passes, state))

    def _begin_pass(self) -> None:
        """Note where the generators stand, or put them where they stood before."""
        if len(self._passes) < len(self._recorded):
            self._recorded[len(self._passes)].restore()
        elif self._forgets:
            self._passes.clear()
            self._n_before = self._n_done
        self._keeps &= len(self._passes) < MAX_PASSES
        self._passes.append(GeneratorStates.now())


def _can_retrace(loader: Any) -> bool:
    """Return whether the batches of a loader can be drawn again as they were drawn."""
    if type(loader) is SliceLoader:
        return True
    if type(loader) is not DataLoader or type(loader.batch_sampler) is not BatchSampler:
        return False
    sampler: Any = loader.batch_sampler.sampler
    # It draws a few rows at a time, from a generator that goes on between passes.
    some_at_a_time = type(sampler) is RandomSampler and (
        sampler.replacement and sampler.generator is not None
    )
    return (
        type(sampler) in _SAMPLERS
        and not some_at_a_time
        and not loader.persistent_workers
    )


def _begins_anew(loader: Any, dataset: Any) -> bool:
    """Return whether no pass depends on those before it, but by global generators."""
    if type(loader) is SliceLoader:
        return True
    sampler = loader.batch_sampler.sampler
    own = loader.generator, getattr(sampler, "generator", None)
    return can_slice(loader, dataset) and own == (None, None)
