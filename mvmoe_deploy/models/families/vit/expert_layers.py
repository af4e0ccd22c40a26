"""A ViT of which some layers have experts in place of their MLP: one graph, no routes of images.

What each token does with the experts of a layer is the family's; which layers have some, and how
such a model starts from a ViT, is the same for all of them.
"""

from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.models.families.vit.config import ViTConfig
from mvmoe_deploy.models.families.vit.family import (
    FamilyMadeOfViTs,
    require_same_sizes,
    require_vit,
)
from mvmoe_deploy.models.families.vit.layers import Mlp
from mvmoe_deploy.models.families.vit.network import ViT
from mvmoe_deploy.models.families.vit.upcycling import start_from_dense
from mvmoe_deploy.models.model_config import require


@dataclass(frozen=True, kw_only=True)
class ExpertLayersConfig(ViTConfig):
    """A ViT with `experts` MLPs in some layers.

    `moe_layers` are those layers: the last ones if it is a number, and if it is several numbers the
    layers of these numbers, from 0. None is the last half of the layers.
    """

    experts: int = 8
    moe_layers: int | tuple[int, ...] | None = None

    @property
    def moe_places(self) -> tuple[int, ...]:
        """The numbers of the layers with experts, from 0, lowest first."""
        if isinstance(self.moe_layers, tuple):
            return tuple(sorted(self.moe_layers))
        count = max(1, self.depth // 2) if self.moe_layers is None else self.moe_layers
        return tuple(range(self.depth - count, self.depth))

    @property
    def mlps(self) -> int:
        """MLPs of the whole model: one a dense layer, one an expert of each other layer."""
        return self.depth + len(self.moe_places) * (self.experts - 1)

    def __post_init__(self) -> None:
        """Refuse layers that do not exist, and sizes that make no network; raises InputError."""
        super().__post_init__()
        self.require_ranges(experts=(1, 4096))
        given = self.moe_layers
        if isinstance(given, tuple):
            distinct = set(given) & set(range(self.depth))
            require(
                0 < len(distinct) == len(given),
                f"moe_layers {list(given)}",
                f"different numbers of layers from 0 to {self.depth - 1}",
            )
        elif given is not None:
            self.require_ranges(moe_layers=(1, self.depth))


class ViTWithExperts(ViT):
    """A ViT whose `moe_places` have what `expert_layer` makes in place of the MLP."""

    config: ExpertLayersConfig

    def _mlp(self, layer: int) -> nn.Module:
        """A dense MLP, or experts."""
        return self.expert_layer() if layer in self.config.moe_places else super()._mlp(layer)

    def expert_layer(self) -> nn.Module:
        """Experts in place of an MLP, called `experts`: it takes and gives tokens `[B, N, D]`."""
        raise NotImplementedError


def expert_mlps(config: ExpertLayersConfig) -> nn.ModuleList:
    """The experts of a layer, each an MLP as a dense layer has it."""
    return nn.ModuleList(Mlp.of(config) for _ in range(config.experts))


def through_experts(experts: nn.ModuleList, rows: Tensor) -> Tensor:
    """Rows `[B, E * C, D]` to what the experts make of them: each of its own C, in their order."""
    parts = torch.chunk(rows, len(experts), dim=1)
    return torch.cat([expert(part) for expert, part in zip(experts, parts, strict=True)], dim=1)


ConfigT = TypeVar("ConfigT", bound=ExpertLayersConfig)
ModelT = TypeVar("ModelT", bound=ViTWithExperts)


class FamilyWithExpertLayers(FamilyMadeOfViTs[ConfigT, ModelT]):
    """A family of such models."""

    def from_dense(self, dense: FamilyModel, config: ConfigT) -> ModelT:
        """Each expert is a copy of the dense MLP in its place; what routes tokens is random.

        Raises InputError for a model that is no ViT, or one of other sizes.
        """
        vit = require_vit(dense, self.name)
        require_same_sizes(vit, config)
        model = self.model(config, vit.input)
        start_from_dense(model, vit)
        return model
