"""Work spread over the GPUs of the machine."""

from collections.abc import Iterable, Iterator
from itertools import cycle
from typing import TypeVar

import torch
from sklearn.base import clone

from skgex._nets.snapshot import TrainedNet

Part = TypeVar("Part")


def spread_over_devices(
    trained: TrainedNet, parts: Iterable[Part]
) -> Iterator[tuple[TrainedNet, Part]]:
    """Pair each part of some work with the net on the device that is to do it.

    A net with ``device="cuda"`` is placed on all GPUs in turn. A net on the processor,
    or on a numbered GPU, stays where it is.
    """
    nets, device = [trained], trained.net.device
    if device is not None and torch.device(device) == torch.device("cuda"):
        names = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
        recipes = [clone(trained.net).set_params(device=name) for name in names]
        nets = [trained._replace(net=recipe) for recipe in recipes] or nets
    return zip(cycle(nets), parts, strict=False)
