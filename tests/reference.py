"""Slow, obvious versions of what skgex computes fast."""

import math

import numpy as np
import torch


def losses_one_by_one(module, criterion, X, y):
    """Call the criterion on a batch of each single sample, in evaluation mode."""
    module.eval()
    losses = []
    with torch.no_grad():
        for xi, yi in zip(torch.as_tensor(X), torch.as_tensor(y), strict=True):
            losses.append(float(criterion(module(xi[None]), yi[None])))
    return np.array(losses)


def influence_by_loops(losses, reference, other_losses, other_reference):
    """1/M Σ_m Δℓ(z, θ_m) Δℓ(z', θ_m), one pair and one member at a time."""
    n_members = losses.shape[1]
    result = np.zeros((len(losses), len(other_losses)))
    for i in range(len(losses)):
        for j in range(len(other_losses)):
            for m in range(n_members):
                left = float(losses[i, m]) - float(reference[i])
                right = float(other_losses[j, m]) - float(other_reference[j])
                result[i, j] += left * right
    return result / n_members


def otsu_by_all_cuts(values):
    """Try every cut between two sorted values; return the least inner variance.

    Otsu's largest variance between the classes is the least variance within them.
    Returns a function that tells how good a cut is, and the best there is.
    """
    values = np.sort(np.asarray(values, dtype=float))

    def within(cut):
        parts = [values[values <= cut], values[values > cut]]
        return sum(((part - part.mean()) ** 2).sum() for part in parts if len(part))

    return within, min(map(within, np.unique(values)[:-1]), default=0.0)


def endless(loader):
    """Go through a DataLoader again and again."""
    while True:
        yield from loader


def sgd_by_hand(
    module, criterion, batches, n_steps, *, lr, momentum, schedule, weight_decay=0.0
):
    """Take some steps by the textbook, in place."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    velocity = [torch.zeros_like(p) for p in parameters]
    module.train()
    for step in range(n_steps):
        X, y = next(batches)
        gradients = torch.autograd.grad(criterion(module(X), y), parameters)
        rate = lr
        if schedule == "cosine":
            rate = 0.5 * lr * (1.0 + math.cos(math.pi * step / n_steps))
        else:
            norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
            gradients = [g / max(1.0, norm + 1e-6) for g in gradients]
        with torch.no_grad():
            for p, g, v in zip(parameters, gradients, velocity, strict=True):
                v.mul_(momentum).add_(g + weight_decay * p)
                p.sub_(rate * v)
