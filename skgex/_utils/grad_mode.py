"""torch's grad mode: a fit trains, in whatever mode of torch it is called."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def gradients_enabled() -> Iterator[None]:
    """Leave ``torch.no_grad()`` and ``torch.inference_mode()`` for a while.

    skorch trains under ``torch.no_grad()``, because torch's optimizers enable gradients
    again. Gradients that are computed elsewhere need this: in inference mode, those of
    torch 2.6 are zero, without an error.
    """
    with torch.inference_mode(False), torch.enable_grad():
        yield
