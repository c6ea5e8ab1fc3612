"""The scales of the paper's experiments, and the nets that they train."""

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from _nets import ResNet
from skorch import NeuralNetClassifier
from skorch.callbacks import LRScheduler
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

BENCHMARKS = Path(__file__).parents[1]
RESULTS = BENCHMARKS / "results" / "paper"
PICTURES = BENCHMARKS.parent / "docs" / "pictures" / "paper"
# Share of the training in which the learning rate rises.
WARM_UP = 0.1
# Of the loss under the trained net, from which deviations are measured, in nats.
LOSS_FLOOR = 0.05


class SigmoidLoss(nn.Module):
    """Binary cross-entropy of each class, summed over the classes, in nats.

    Takes codes of classes, or targets of shape (n, n_classes).
    """

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, logits, codes):
        if codes.ndim == 1:
            codes = nn.functional.one_hot(codes, logits.shape[1])
        losses = nn.functional.binary_cross_entropy_with_logits(
            logits, codes.to(logits.dtype), reduction="none"
        ).sum(dim=1)
        return losses if self.reduction == "none" else getattr(losses, self.reduction)()


@dataclass(frozen=True)
class Scale:
    """How large an experiment with images of 32 x 32 is.

    Attributes
    ----------
    n_rows : int
    width, blocks
        Of the ResNet.
    n_epochs : dict
        Of the training, without and with augmentation.
    batch_size : int
    peak_lr : float
        Of the training: it rises for a while and then falls to zero.
    weight_decay : float
        Of the training and of the fine-tuning.
    n_members, n_steps : int
        Of GEX.
    lr : float or "auto"
        Of GEX.
    criterion : type
        The loss.
    device : str
    """

    n_rows: int
    width: int
    blocks: tuple[int, ...]
    n_epochs: dict[bool, int]
    batch_size: int
    peak_lr: float
    n_members: int
    n_steps: int
    lr: float | str
    criterion: type
    weight_decay: float = 5e-4
    device: str = "cpu"

    def make_net(self, n_classes, augment, n_rows, longer=1.0):
        """Return the unfitted net, whose schedule is that of ``n_rows`` rows.

        It is trained ``longer`` times as many epochs.
        """
        n_epochs = round(self.n_epochs[augment] * longer)
        n_batches = -(-n_rows // self.batch_size)
        schedule = LRScheduler(
            OneCycleLR,
            step_every="batch",
            max_lr=self.peak_lr,
            total_steps=n_epochs * n_batches,
            pct_start=WARM_UP,
            cycle_momentum=False,
        )
        return NeuralNetClassifier(
            ResNet,
            module__n_outputs=n_classes,
            module__width=self.width,
            module__blocks=self.blocks,
            module__augment=augment,
            criterion=self.criterion,
            optimizer=torch.optim.SGD,
            optimizer__momentum=0.9,
            optimizer__weight_decay=self.weight_decay,
            lr=self.peak_lr,
            max_epochs=n_epochs,
            batch_size=self.batch_size,
            iterator_train__shuffle=True,
            train_split=None,
            callbacks=[("schedule", schedule)],
            device=self.device,
            verbose=0,
        )


# As in the paper and its code.
FULL = Scale(
    n_rows=50_000,
    width=64,
    blocks=(2, 2, 2, 2),
    n_epochs={False: 200, True: 200},
    batch_size=1024,
    peak_lr=0.4,
    n_members=32,
    n_steps=800,
    lr=0.05,
    criterion=SigmoidLoss,
    device="cuda" if torch.cuda.is_available() else "cpu",
)
SCALES = {
    # Whether a script runs; its figures say nothing.
    "tiny": Scale(
        n_rows=120,
        width=2,
        # Without AVX-512, torch 2.13 writes past its memory in the gradient of a second
        # block's shortcut, a strided convolution of fewer than 8 channels.
        blocks=(1,),
        n_epochs={False: 12, True: 12},
        batch_size=128,
        peak_lr=0.1,
        n_members=4,
        n_steps=4,
        lr="auto",
        criterion=nn.CrossEntropyLoss,
    ),
    "small": Scale(
        n_rows=4000,
        width=16,
        blocks=(1, 1, 1),
        n_epochs={False: 50, True: 150},
        batch_size=128,
        peak_lr=0.1,
        n_members=16,
        n_steps=500,
        lr="auto",
        criterion=nn.CrossEntropyLoss,
    ),
    "full": FULL,
    # Some steps of it, on the processor.
    "dry": replace(
        FULL, n_rows=2048, n_epochs={False: 1, True: 1}, n_members=1, n_steps=2
    ),
}
