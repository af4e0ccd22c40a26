"""The network of Mobile V-MoE and its stages.

With `routers="shared"` one router decides for all MoE layers.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.expert_sums import ExpertSum
from mvmoe_deploy.models.families.mobile_vmoe.config import MobileVMoEConfig
from mvmoe_deploy.models.families.vit.layers import Block, Mlp
from mvmoe_deploy.models.families.vit.network import ViT
from mvmoe_deploy.models.families.vit.routed import RoutedViT
from mvmoe_deploy.models.families.vit.upcycling import start_from_dense
from mvmoe_deploy.routing import Route


class MobileVMoE(RoutedViT):
    """ViT with dense layers first, then MoE layers whose attention and norms all experts share."""

    config: MobileVMoEConfig

    @classmethod
    def from_dense(cls, vit: ViT, **routing: Any) -> "MobileVMoE":
        """A Mobile V-MoE whose experts all start from the dense model's MLPs.

        `routing` are fields of `MobileVMoEConfig`. With gates that sum to 1 its answer is the
        dense model's.
        """
        model = cls(MobileVMoEConfig(**asdict(vit.config), **routing), vit.input)
        start_from_dense(model, vit)
        return model

    def _mlp(self, layer: int) -> nn.Module:
        """A dense MLP in the prefix, experts after it."""
        config = self.config
        if layer < config.dense_layers:
            return super()._mlp(layer)
        return ExpertSum([Mlp.of(config) for _ in range(config.experts)])

    @property
    def router_input(self) -> str:
        """As configured."""
        return self.config.router_input

    def layers_of(self, index: int) -> Sequence[nn.Module]:
        """The layers of stage `index`: 0 is the dense prefix."""
        config = self.config
        prefix = config.dense_layers
        blocks = list(self.blocks)
        if index == 0:
            return blocks[:prefix]
        if config.routers == "shared":
            return blocks[prefix:]
        return [blocks[prefix + index - 1]]

    def selected_layers(self, index: int, route: Route) -> Sequence[nn.Module]:
        """Those of a routed stage, their MLPs those of a route."""
        blocks = cast("Sequence[Block]", self.layers_of(index))
        return [block.with_mlp(cast("ExpertSum", block.mlp).selected(route)) for block in blocks]

    def expert(self, stage: int, index: int) -> nn.Module:
        """One expert of a routed stage of one layer, behind the layer's attention.

        Raises InputError for a stage of several layers: between its experts' MLPs is attention that
        they share, so that no expert computes without the others.
        """
        self.require_route(stage, (index,))
        return ExpertStep(self._only_block(stage), index)

    def join(self, stage: int, count: int) -> nn.Module:
        """What follows `count` experts of a routed stage; raises InputError as `expert` does."""
        self.require_route(stage, tuple(range(count)))
        self._only_block(stage)
        return JoinedStep(self, stage)

    def _only_block(self, stage: int) -> Block:
        """The layer of a routed stage that has one."""
        blocks = cast("Sequence[Block]", self.layers_of(stage))
        if len(blocks) > 1:
            raise InputError(
                f"{len(blocks)} MoE layers stand behind one router, with attention between them "
                "that experts share, so an expert cannot have a graph of its own; use --strategy "
                "dispatch, or a model with one MoE layer behind each router"
            )
        return blocks[0]


class ExpertStep(nn.Module):
    """One expert of a layer, and before it the layer's attention, which every expert computes."""

    def __init__(self, block: Block, index: int) -> None:
        super().__init__()
        self.norm1, self.attn, self.norm2 = block.norm1, block.attn, block.norm2
        self.mlp = cast("ExpertSum", block.mlp).experts[index]

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        """Tokens `[B, N, D]` behind the attention, and what the expert adds to them."""
        attended = tokens + self.attn(self.norm1(tokens))
        return {"attended": attended, "added": self.mlp(self.norm2(attended))}


class JoinedStep(nn.Module):
    """What follows the experts of a layer."""

    def __init__(self, model: MobileVMoE, index: int) -> None:
        super().__init__()
        self.end = model.end_of(index)

    def forward(self, *outputs_and_gates: Any) -> Tensor | tuple[Tensor, Tensor]:
        """What each of k experts gave, and gates `[B, k]`, to what the tail gives."""
        *outputs, gates = outputs_and_gates
        mixed = outputs[0]["attended"]
        for slot, output in enumerate(outputs):
            mixed = mixed + gates[:, slot, None, None] * output["added"]
        given: Tensor | tuple[Tensor, Tensor] = self.end(mixed)
        return given
