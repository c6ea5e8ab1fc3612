"""Nets that a user would bring to the benchmarks.

Nets for images keep their weights in channels-last order, in which convolutions are
faster on a processor. The ResNet's products are computed in bfloat16 where the
processor has instructions for it: the two together are three times faster than float32
in torch's default order. On other processors bfloat16 is several times slower than
float32.
"""

from itertools import pairwise

import torch
from skorch import NeuralNetClassifier
from torch import nn

# A processor without these instructions converts bfloat16 to float32 and back.
HAS_BFLOAT16 = any(map(torch.cpu.get_capabilities().get, ("avx512_bf16", "amx_bf16")))


class MLP(nn.Sequential):
    """One hidden layer of 256 units; gives logits."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(nn.Linear(n_inputs, 256), nn.ReLU(), nn.Linear(256, n_outputs))


class ConvNet(nn.Module):
    """Two convolutions and a linear layer, for images of 28 x 28; gives logits."""

    def __init__(self, n_outputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, n_outputs),
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, X):
        return self.layers(X.contiguous(memory_format=torch.channels_last))


class Block(nn.Module):
    """Two convolutions with a shortcut around them."""

    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut = nn.Sequential(
            nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
        )

    def forward(self, X):
        return (self.convolutions(X) + self.shortcut(X)).relu_()


class ResNet(nn.Module):
    """A stem and blocks, for images of 32 x 32; gives logits.

    The width doubles, and the image is halved, from each stage of ``blocks`` to the
    next; ``width=64, blocks=(2, 2, 2, 2)`` is ResNet-18 as it is used for CIFAR, with a
    convolution in each shortcut. With ``augment``, training batches are mirrored and
    shifted: each row is mirrored left to right at random, and all rows of a batch share
    one shift of up to 4 pixels.
    """

    def __init__(self, n_outputs, width=16, augment=False, blocks=(1, 1, 1)):
        super().__init__()
        self.augment = augment
        widths = [width * 2**stage for stage in range(len(blocks))]
        pairs = zip([width, *widths], widths, strict=False)
        stages = zip(pairs, blocks, strict=True)
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            *(
                Block(n_out if i else n_in, n_out, 1 if i or n_in == n_out else 2)
                for (n_in, n_out), n_blocks in stages
                for i in range(n_blocks)
            ),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(widths[-1], n_outputs),
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, X):
        X = self._varied(X) if self.training and self.augment else X
        lowered = X.device.type != "cpu" or HAS_BFLOAT16
        with torch.autocast(X.device.type, torch.bfloat16, enabled=lowered):
            logits = self.layers(X.contiguous(memory_format=torch.channels_last))
        return logits.float()

    @staticmethod
    def _varied(X):
        mirrored = torch.rand(len(X), 1, 1, 1, device=X.device) < 0.5
        X = torch.where(mirrored, X.flip(-1), X)
        top, left = torch.randint(9, (2,)).tolist()
        padded = nn.functional.pad(X, (4, 4, 4, 4))
        return padded[..., top : top + X.shape[-2], left : left + X.shape[-1]]


class ResNet18(nn.Sequential):
    """Eighteen layers for images of 224 x 224, in float32; gives logits."""

    def __init__(self, n_outputs):
        widths = [64, 64, 128, 256, 512]
        super().__init__(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
            *(
                Block(n_in if first else n_out, n_out, 2 if first and n_out > 64 else 1)
                for n_in, n_out in pairwise(widths)
                for first in (True, False)
            ),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(512, n_outputs),
        )
        self.to(memory_format=torch.channels_last)


def make_net(name: str, n_inputs: int, n_outputs: int):
    """Return the unfitted net: mlp-long, conv, resnet or resnet-augmented."""
    shared = {
        "criterion": nn.CrossEntropyLoss,
        "batch_size": 128,
        "iterator_train__shuffle": True,
        "train_split": None,
        "verbose": 0,
        "module__n_outputs": n_outputs,
    }
    if name == "mlp-long":
        return NeuralNetClassifier(
            MLP,
            module__n_inputs=n_inputs,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            max_epochs=40,
            **shared,
        )
    if name == "conv":
        return NeuralNetClassifier(
            ConvNet, optimizer=torch.optim.Adam, lr=1e-3, max_epochs=10, **shared
        )
    return NeuralNetClassifier(
        ResNet,
        module__augment=name == "resnet-augmented",
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        optimizer__weight_decay=5e-4,
        lr=0.05,
        max_epochs=15,
        **shared,
    )
