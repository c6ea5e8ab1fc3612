"""Augmentation: images as they might have been, moved a little, or mirrored."""

import torch
from torch import nn
from torch.nn.functional import pad


class RandomShift(nn.Module):
    """In training, move each image by a random number of whole pixels.

    What comes into sight at a border repeats the border's pixels.

    Parameters
    ----------
    share : float in (0, 1)
        Images are moved by up to this share of their sides, and by up to one pixel at
        least.
    """

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return images of the same shape (n, channels, height, width)."""
        if not self.training:
            return X
        height, width = X.shape[-2:]
        down, right = (max(1, round(self.share * side)) for side in (height, width))
        padded = pad(X, (right, right, down, down), mode="replicate")
        rows = _starts(X, down) + torch.arange(height, device=X.device)
        columns = _starts(X, right) + torch.arange(width, device=X.device)
        image = torch.arange(len(X), device=X.device)[:, None, None]
        moved = padded.movedim(1, -1)[image, rows[:, :, None], columns[:, None, :]]
        return moved.movedim(-1, 1)


class RandomFlip(nn.Module):
    """In training, mirror each image with a probability of 1/2, left for right."""

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return images of the same shape (n, channels, height, width)."""
        if not self.training:
            return X
        mirrored = torch.rand(len(X), 1, 1, 1, device=X.device) < 0.5
        return torch.where(mirrored, X.flip(-1), X)


def _starts(X: torch.Tensor, most: int) -> torch.Tensor:
    """Draw where in the padded image each image begins, (n, 1)."""
    return torch.randint(2 * most + 1, (len(X), 1), device=X.device)
