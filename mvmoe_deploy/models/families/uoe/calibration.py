"""What experts give on average, measured on images."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from mvmoe_deploy.models.families.uoe.network import UoE


def mean_outputs(model: UoE, batches: Iterable[Tensor]) -> dict[str, Tensor]:
    """The mean output `[E, D]` of every expert of each layer, over all tokens of images.

    By the name of the layer; all experts are active meanwhile. `batches` are images `[B, C, H, W]`,
    of which one batch is in memory at a time; there must be one. Sums are fp64.
    """
    sums: dict[str, list[Tensor]] = {}
    handles = []
    for name, layer in model.named_modules():
        if hasattr(layer, "experts"):
            sums[name] = [
                torch.zeros(model.config.width, dtype=torch.float64) for _ in layer.experts
            ]
            for total, expert in zip(sums[name], layer.experts, strict=True):
                handles.append(expert.register_forward_hook(_adding(total)))
    tokens = 0
    try:
        with torch.no_grad():
            for images in batches:
                model.forward_complete(images)
                tokens += len(images) * model.config.tokens
    finally:
        for handle in handles:
            handle.remove()
    return {name: (torch.stack(each) / tokens).float() for name, each in sums.items()}


def _adding(total: Tensor) -> Callable[..., None]:
    """A hook that adds what a module gives `[B, N, D]` to `total` `[D]`."""

    def hook(module: Any, inputs: Any, output: Tensor) -> None:
        total.add_(output.sum(dim=(0, 1)).double())

    return hook
