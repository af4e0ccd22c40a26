"""AdamW's parameter groups, the learning rate of every step, and the moving average."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import swa_utils
from torch.optim.swa_utils import AveragedModel


def adamw(
    model: nn.Module, lr: float, weight_decay: float, without_decay: frozenset[str] = frozenset()
) -> torch.optim.AdamW:
    """AdamW that decays matrices and kernels only: no norm, no bias, and none of `without_decay`.

    `without_decay` has names of parameters.
    """
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        plain = parameter.ndim <= 1 or name in without_decay
        (kept if plain else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=lr, fused=True)


def lr_at(step: int, steps: int, peak: float, warmup: float) -> float:
    """The learning rate of `step` (from 0) of `steps`: linear to `peak`, then a cosine to 0.

    `warmup` is the share of the steps that rise. SGDR, arXiv 1608.03983, without restarts.
    """
    rising = round(warmup * steps)
    if step < rising:
        return peak * ((step + 1) / rising)
    share = (step - rising) / max(1, steps - rising)
    return peak * 0.5 * (1.0 + math.cos(math.pi * share))


def moving_average(model: nn.Module, decay: float) -> AveragedModel | None:
    """The exponential moving average of a model's weights; None for a decay of 0.

    The first update copies the weights, each later one moves it by `1 - decay`.
    """
    if decay == 0:
        return None
    average: Callable[[float], Any] = swa_utils.get_ema_multi_avg_fn  # PyTorch gives no types
    return AveragedModel(model, multi_avg_fn=average(decay))
