"""Loss, groups of parameters and averaging of the weights."""

import math
from collections.abc import Callable
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional


def soft_cross_entropy(logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy with target shares per answer; a row without targets does not count.

    Args:
        logits: pictures x answers.
        targets: shares, pictures x answers; a row adds up to at most 1.
        smoothing: share of each row's target spread evenly.
    """
    known = targets.sum(dim=1, keepdim=True)
    smoothed = targets * (1 - smoothing) + known * smoothing / targets.shape[1]
    losses = -(smoothed * functional.log_softmax(logits.float(), dim=1)).sum(dim=1)
    return losses.sum() / known.sum().clamp(min=1)


def distance_loss(cosines: Tensor, scale: Tensor, shares: Tensor) -> Tensor:
    """How near pictures without clothing are to the labels, and how far from being equally near to all of them.

    Args:
        cosines: pictures x labels.
        scale: what a cosine is multiplied by before a softmax.
        shares: how much each picture counts; 0 for clothes.
    """
    nearness = functional.relu(cosines).square().sum(dim=1)
    indifference = -functional.log_softmax(scale * cosines, dim=1).mean(dim=1) - math.log(cosines.shape[1])
    return ((nearness + indifference) * shares).sum() / shares.sum().clamp(min=1)


def group_parameters(
    model: torch.nn.Module, trunk_rate: float, learning_rate: float, weight_decay: float
) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels only; the trunk, which has learned before, at its own rate."""
    groups = []
    for in_trunk, is_matrix in product((True, False), (True, False)):
        chosen = [
            parameter
            for name, parameter in model.named_parameters()
            if name.startswith("vision_model.") == in_trunk and (parameter.ndim > 1) == is_matrix
        ]
        rate = trunk_rate if in_trunk else learning_rate
        groups.append({"params": chosen, "lr": rate, "weight_decay": weight_decay * is_matrix})
    return groups


def moving_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Averaging rule for `AveragedModel`: exponential, with less memory in the first steps."""

    def average(old: Tensor, new: Tensor, steps: Tensor | int) -> Tensor:
        if not old.is_floating_point():
            return new
        kept = min(decay, (1 + int(steps)) / (10 + int(steps)))  # young averages forget the random start
        return old.lerp(new, 1 - kept)

    return average
