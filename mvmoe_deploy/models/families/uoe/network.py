"""The network of a Union of Experts and its stages."""

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedOutput
from mvmoe_deploy.models.families.uoe.config import UoEConfig
from mvmoe_deploy.models.families.uoe.layers import Residual, UnionBlock, UnionLayer
from mvmoe_deploy.models.families.vit.routed import RoutedViT
from mvmoe_deploy.routing import Route


class UoE(RoutedViT):
    """A ViT with dense blocks first, if any, and then blocks that are cut into experts."""

    config: UoEConfig

    def _block(self, layer: int) -> nn.Module:
        """A dense block in the prefix, one of experts after it."""
        return (
            super()._block(layer) if layer < self.config.dense_layers else UnionBlock(self.config)
        )

    @property
    def router_input(self) -> str:
        """As configured."""
        return self.config.router_input

    @property
    def union_blocks(self) -> "list[UnionBlock]":
        """The blocks that are cut into experts."""
        return cast("list[UnionBlock]", list(self.blocks)[self.config.dense_layers :])

    def layers_of(self, index: int) -> Sequence[nn.Module]:
        """The dense blocks; of routed stages attention and MLPs in turn, or one of them."""
        if index == 0:
            return list(self.blocks)[: self.config.dense_layers]
        every = [layer for block in self.union_blocks for layer in block.layers]
        return every if self.config.is_shared else [every[index - 1]]

    def selected_layers(self, index: int, route: Route) -> Sequence[nn.Module]:
        """Those layers with the experts of one route."""
        layers = cast("Sequence[Residual]", self.layers_of(index))
        return [layer.selected(route) for layer in layers]

    def stage(self, index: int, route: Route) -> nn.Module:
        """The stem, or a routed step; where tokens are selected there is one stage, the model."""
        if self.routing:
            return super().stage(index, route)
        if index or route:
            raise InputError(
                f"a model whose experts select tokens has one stage, not stage {index} route "
                f"{route}",
                code="routing.unknown-route",
                stage=index,
                route=list(route),
            )
        return self

    def expert(self, stage: int, index: int) -> nn.Module:
        """One expert of a routed stage of one layer; raises InputError for one of several."""
        self.require_route(stage, (index,))
        return UnionExpert(self.only_layer(stage), index)

    def join(self, stage: int, count: int) -> nn.Module:
        """What follows `count` experts of a routed stage; raises InputError as `expert` does."""
        self.require_route(stage, tuple(range(count)))
        return UnionJoin(self, stage, count)

    def only_layer(self, stage: int) -> Residual:
        """The layer of a routed stage that has one; raises InputError for one of several."""
        layers = cast("Sequence[Residual]", self.layers_of(stage))
        if len(layers) > 1:
            raise InputError(
                f"{len(layers)} layers stand behind one router, and each takes what all experts of "
                "the one before have given, so an expert cannot have a graph of its own; use "
                "--strategy dispatch or bind, or a model with routers per-block",
                code="export.graph-refused",
                name="layers",
                found=len(layers),
            )
        return layers[0]

    def forward_routed(self, images: Tensor, routes: Sequence[Route] | None = None) -> RoutedOutput:
        """As `forward`, with what the routers gave; nothing of them where tokens are selected."""
        if self.routing:
            return super().forward_routed(images, routes)
        if routes:
            raise InputError(
                f"experts of this model select tokens: it has no routed stage to force {routes} on",
                name="routes",
                given=len(routes),
                expected=0,
            )
        answer = self._with_tokens(images, self.config.expert_tokens)
        return RoutedOutput(answer, [], [], [])

    def forward_complete(self, images: Tensor) -> Tensor:
        """The answer `[B, classes]` with every expert active: the dense twin's."""
        if self.routing:
            return self.forward(images, [tuple(range(rule.experts)) for rule in self.routing])
        return self._with_tokens(images, self.config.tokens)

    def _with_tokens(self, images: Tensor, count: int) -> Tensor:
        """The answer, `count` tokens going through each expert."""
        tokens = self.prefix(images)
        for block in self.union_blocks:
            tokens = block(tokens, count)
        return self.answer(tokens)


class UnionExpert(nn.Module):
    """One expert of a layer, behind the layer's norm."""

    def __init__(self, layer: Residual, index: int) -> None:
        super().__init__()
        self.norm = layer.norm
        self.expert = cast("UnionLayer", layer.layer).experts[index]

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        """Tokens `[B, N, D]` to what the expert adds to them."""
        return {"added": self.expert(self.norm(tokens))}


class UnionJoin(nn.Module):
    """What follows `count` experts of a layer; as in a stage, those of a route need no gates."""

    def __init__(self, model: UoE, index: int, count: int) -> None:
        super().__init__()
        layer = cast("UnionLayer", model.only_layer(index).layer)
        self.bias = layer.bias
        self._has_gates = layer.has_gates(count)
        self.end = model.end_of(index)

    def forward(self, tokens: Tensor, *outputs_and_gates: Any) -> Any:
        """Tokens `[B, N, D]`, what each of k experts gave, and gates `[B, k]`."""
        *outputs, gates = outputs_and_gates
        for slot, output in enumerate(outputs):
            added = output["added"]
            tokens = tokens + (gates[:, slot, None, None] * added if self._has_gates else added)
        return self.end(tokens + self.bias)
