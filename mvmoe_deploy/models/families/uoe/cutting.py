"""A trained ViT cut into experts, and put together again: the same numbers, in other tensors."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from mvmoe_deploy.models.families.uoe.config import UoEConfig
from mvmoe_deploy.models.families.uoe.network import UoE
from mvmoe_deploy.models.families.vit import ViT


class _Cut(NamedTuple):
    """How a tensor is cut into those of n experts, and put together."""

    parts: Callable[[Tensor, int], Sequence[Tensor]]
    whole: Callable[[Sequence[Tensor]], Tensor]


_ROWS = _Cut(lambda tensor, n: tensor.chunk(n, 0), lambda parts: torch.cat(list(parts), 0))
_COLUMNS = _Cut(lambda tensor, n: tensor.chunk(n, 1), lambda parts: torch.cat(list(parts), 1))
_ROWS_OF_THREE = _Cut(
    lambda tensor, n: [part.flatten(0, 1) for part in _three(tensor).chunk(n, 1)],
    lambda parts: torch.cat([_three(part) for part in parts], 1).flatten(0, 1),
)
"""The rows of query, key and value, in each of which the heads stand one behind the other."""


def _three(tensor: Tensor) -> Tensor:
    """Rows `[3 F, ...]` as `[3, F, ...]`."""
    return tensor.reshape(3, -1, *tensor.shape[1:])


_LAYERS: Mapping[str, Mapping[str, _Cut]] = {
    "attn": {"qkv.weight": _ROWS_OF_THREE, "qkv.bias": _ROWS_OF_THREE, "proj.weight": _COLUMNS},
    "mlp": {"fc1.weight": _ROWS, "fc1.bias": _ROWS, "fc2.weight": _COLUMNS},
}
_BIASES = {"attn": "proj.bias", "mlp": "fc2.bias"}
"""What is added once, and cut into nothing."""


def cut(vit: ViT, config: UoEConfig) -> UoE:
    """The model of `config`, which has the ViT's sizes, with the ViT's weights.

    With every expert active its answer is the ViT's. The routers are random; mean outputs, if it
    has some, are 0.
    """
    model = UoE(config, vit.input)
    model.input_origins = dict(vit.input_origins)
    dense, found = vit.state_dict(), model.state_dict()
    found |= {name: tensor for name, tensor in dense.items() if name in found}
    for layer, kind, count in _cut_layers(config):
        found[f"{layer}.bias"] = dense[f"{layer}.{_BIASES[kind]}"]
        for name, how in _LAYERS[kind].items():
            for number, part in enumerate(how.parts(dense[f"{layer}.{name}"], count)):
                found[f"{layer}.experts.{number}.{name}"] = part
    model.load_state_dict(found)
    return model


def merge(model: UoE) -> ViT:
    """The ViT whose parts the experts of a model are."""
    config, own = model.config, model.state_dict()
    vit = ViT(config.dense(), model.input)
    vit.input_origins = dict(model.input_origins)
    found = {name: tensor for name, tensor in own.items() if name in vit.state_dict()}
    for layer, kind, count in _cut_layers(config):
        experts = [f"{layer}.experts.{number}" for number in range(count)]
        for name, how in _LAYERS[kind].items():
            found[f"{layer}.{name}"] = how.whole([own[f"{each}.{name}"] for each in experts])
        bias = own[f"{layer}.bias"].clone()
        for each in experts:
            bias += own.get(f"{each}.{_BIASES[kind]}", 0)
        found[f"{layer}.{_BIASES[kind]}"] = bias
    vit.load_state_dict(found)
    return vit


def set_mean_outputs(model: UoE, means: Mapping[str, Tensor]) -> None:
    """Let experts give what they give beyond their means, and layers add the means of all.

    `means` `[E, D]` are by the name of the layer (`blocks.0.mlp`); those of layers that are left
    out are 0. What the model answers with every expert active stays as it is. A model without
    `mean_outputs` has none.
    """
    if not model.config.mean_outputs:
        return
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for layer, kind, count in _cut_layers(model.config):
            wanted = means.get(layer, torch.zeros(count, model.config.width))
            for number, mean in enumerate(wanted):
                bias = parameters[f"{layer}.experts.{number}.{_BIASES[kind]}"]
                parameters[f"{layer}.bias"].add_(bias + mean)
                bias.copy_(-mean)


def _cut_layers(config: UoEConfig) -> Sequence[tuple[str, str, int]]:
    """The name of each layer that is cut, its kind, and how many experts it has."""
    counts = {"attn": config.head_groups, "mlp": config.experts}
    return [
        (f"blocks.{number}.{kind}", kind, count)
        for number in range(config.dense_layers, config.depth)
        for kind, count in counts.items()
    ]
