import numpy as np
import pytest
import torch
from skorch.dataset import unpack_data
from tiny import PairDataset, classifier, plain_net

from skgex._batches import batches, endless_batches, targets_of
from skgex._random import seeded


def initialised(net):
    with seeded(0):
        return net.initialize()


@pytest.mark.parametrize("as_tensors", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_batches_equal_those_of_the_loader(blobs, training, as_tensors):
    X, y = map(torch.as_tensor, blobs) if as_tensors else blobs
    net = initialised(classifier(iterator_train__shuffle=True))
    dataset = net.get_dataset(X, y)
    with seeded(3):
        expected = list(net.get_iterator(dataset, training=training))
        after = torch.rand(())
    with seeded(3):
        given = list(batches(net, dataset, training=training))
        assert torch.rand(()) == after  # the generator stands where it would
    assert len(given) == len(expected) == 4
    for batch, wanted in zip(given, expected, strict=True):
        for part, wanted_part in zip(batch, wanted, strict=True):
            assert part.dtype == wanted_part.dtype
            assert torch.equal(part, wanted_part)


def test_batches_without_targets_equal_those_of_the_loader(blobs):
    net = initialised(plain_net())
    dataset = net.get_dataset(blobs[0])
    expected = list(net.get_iterator(dataset, training=False))
    given = list(batches(net, dataset, training=False))
    for (_, y), (_, wanted) in zip(given, expected, strict=True):
        assert torch.equal(y, wanted)


def test_batches_run_on_across_epochs(blobs):
    X, y = blobs
    net = initialised(classifier())
    endless = endless_batches(net, X, y)
    rows = [len(unpack_data(next(endless))[0]) for _ in range(9)]
    assert rows == [16, 16, 16, 12] * 2 + [16]


def test_batch_norm_never_gets_a_batch_of_one_row(blobs):
    X, y = blobs
    net = initialised(classifier(module__batch_norm=True, batch_size=59))
    endless = endless_batches(net, X, y)
    assert [len(next(endless)[0]) for _ in range(3)] == [59, 59, 59]


def test_no_batch_at_all_is_an_error_not_an_endless_loop(blobs):
    X, y = blobs
    net = initialised(classifier(batch_size=61, iterator_train__drop_last=True))
    with pytest.raises(ValueError, match="drop_last"):
        next(endless_batches(net, X, y))


def test_targets_of_a_dataset_are_read_in_order(blobs):
    X, y = blobs
    net = initialised(classifier())
    np.testing.assert_array_equal(targets_of(net, PairDataset(X, y)), y)
