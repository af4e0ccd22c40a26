"""The network of Mobile V-MoE and its stages.

With `routers="shared"` one router decides for all MoE layers.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

from torch import Tensor, nn

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedOutput
from mvmoe_deploy.models.families.mobile_vmoe.config import MobileVMoEConfig
from mvmoe_deploy.models.families.mobile_vmoe.experts import ExpertMlps
from mvmoe_deploy.models.families.vit.layers import Block, Mlp
from mvmoe_deploy.models.families.vit.network import ViT, embed, pool
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route

_EXPERT = re.compile(r"\.mlp\.experts\.\d+\.")


class MobileVMoE(ViT):
    """ViT with dense layers first, then MoE layers whose attention and norms all experts share."""

    config: MobileVMoEConfig

    def __init__(
        self, config: MobileVMoEConfig, preprocessing: Preprocessing | None = None
    ) -> None:
        super().__init__(config, preprocessing)
        routers = [nn.Linear(config.width, config.experts) for _ in range(config.routed_stages)]
        for router in routers:
            nn.init.trunc_normal_(router.weight, std=0.02)
            nn.init.zeros_(router.bias)
        self.routers = nn.ModuleList(routers)

    @classmethod
    def from_dense(cls, vit: ViT, **routing: Any) -> "MobileVMoE":
        """A Mobile V-MoE whose experts all start from the dense model's MLPs.

        `routing` are fields of `MobileVMoEConfig`. With gates that sum to 1 its answer is the
        dense model's.
        """
        model = cls(MobileVMoEConfig(**asdict(vit.config), **routing), vit.input)
        model.input_origins = dict(vit.input_origins)
        dense = vit.state_dict()
        sources = {name: _EXPERT.sub(".mlp.", name) for name in model.state_dict()}
        shared = {name: dense[source] for name, source in sources.items() if source in dense}
        model.load_state_dict(shared, strict=False)
        return model

    def _mlp(self, layer: int) -> nn.Module:
        """A dense MLP in the prefix, experts after it."""
        config = self.config
        if layer < config.dense_layers:
            return Mlp.of(config)
        return ExpertMlps([Mlp.of(config) for _ in range(config.experts)])

    def blocks_of(self, index: int) -> list[Block]:
        """The layers of stage `index`: 0 is the dense prefix."""
        config = self.config
        prefix = config.dense_layers
        blocks = cast("list[Block]", list(self.blocks))  # a ModuleList knows no types
        if index == 0:
            return blocks[:prefix]
        if config.routers == "shared":
            return blocks[prefix:]
        return [blocks[prefix + index - 1]]

    def router_logits(self, index: int, tokens: Tensor) -> Tensor:
        """Logits `[B, E]` of the router that ends stage `index`, from tokens `[B, N, D]`."""
        logits: Tensor = self.routers[index](pool(tokens, self.config.router_input))
        return logits

    def stage(self, index: int, route: Route) -> nn.Module:
        """The stem, or a routed step for one route, sharing this model's parameters."""
        if index == 0:
            return Stem(self)
        self._require_route(index, route)
        return RoutedStep(self, index, route)

    def expert(self, stage: int, index: int) -> nn.Module:
        """One expert of a routed stage of one layer, behind the layer's attention.

        Raises InputError for a stage of several layers: between its experts' MLPs is attention that
        they share, so that no expert computes without the others.
        """
        self._require_route(stage, (index,))
        return ExpertStep(self._only_block(stage), index)

    def join(self, stage: int, count: int) -> nn.Module:
        """What follows `count` experts of a routed stage; raises InputError as `expert` does."""
        self._require_route(stage, tuple(range(count)))
        self._only_block(stage)
        return JoinedStep(self, stage)

    def _only_block(self, stage: int) -> Block:
        """The layer of a routed stage that has one."""
        blocks = self.blocks_of(stage)
        if len(blocks) > 1:
            raise InputError(
                f"{len(blocks)} MoE layers stand behind one router, with attention between them "
                "that experts share, so an expert cannot have a graph of its own; use --strategy "
                "dispatch, or a model with one MoE layer behind each router"
            )
        return blocks[0]

    def forward(self, images: Tensor, routes: Sequence[Route] | None = None) -> Tensor:
        """Class logits `[B, classes]` of images `[B, C, H, W]`."""
        return self.forward_routed(images, routes).logits

    def forward_routed(self, images: Tensor, routes: Sequence[Route] | None = None) -> RoutedOutput:
        """As `forward`, with what the routers gave: for training and analysis."""
        self._require_routes(routes)
        tokens = self.embed(images)
        for block in self.blocks_of(0):
            tokens = block(tokens)
        output = RoutedOutput(tokens, [], [], [])
        for stage, rule in enumerate(self.routing):
            logits = self.router_logits(stage, tokens)
            members, gates = select(logits, rule, routes[stage] if routes else None)
            for block in self.blocks_of(stage + 1):
                tokens = block(tokens, members, gates)
            output.router_logits.append(logits)
            output.members.append(members)
            output.gates.append(gates)
        return output._replace(logits=self.answer(tokens))

    def _require_routes(self, routes: Sequence[Route] | None) -> None:
        """Refuse forced routes that are not one for each routed stage; raises InputError."""
        if not routes:
            return
        if len(routes) != self.config.routed_stages:
            raise InputError(
                f"{len(routes)} routes were forced on a model of "
                f"{self.config.routed_stages} routed stages; give one for each"
            )
        for index, route in enumerate(routes, start=1):
            self._require_route(index, route)

    def _require_route(self, index: int, route: Route) -> None:
        """Refuse what is no route of a routed stage; raises InputError."""
        experts = range(self.config.experts)
        if not 1 <= index <= self.config.routed_stages or not set(route) <= set(experts):
            raise InputError(
                f"stage {index} with route {route} does not exist; this model has "
                f"{self.config.routed_stages} routed stages of {len(experts)} experts"
            )
        if not route or len(set(route)) != len(route):
            raise InputError(f"route {route} must name at least one expert, each at most once")


class Stem(nn.Module):
    """What every image runs: images `[B, C, H, W]` to tokens `[B, N, D]` and router logits."""

    def __init__(self, model: MobileVMoE) -> None:
        super().__init__()
        self.patch_embed = model.patch_embed
        self.cls_token = model.cls_token
        self.pos_embed = model.pos_embed
        self.blocks = nn.ModuleList(model.blocks_of(0))
        self.router = model.routers[0]
        self.router_input = model.config.router_input

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens and the first router's logits `[B, E]`."""
        tokens = embed(images, self.patch_embed, self.cls_token, self.pos_embed)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens, self.router(pool(tokens, self.router_input))


class RoutedStep(nn.Module):
    """The layers of one routed stage with the experts of one route."""

    def __init__(self, model: MobileVMoE, index: int, route: Route) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            block.with_mlp(cast("ExpertMlps", block.mlp).selected(route))
            for block in model.blocks_of(index)
        )
        self.tail = _tail(model, index)

    def forward(self, tokens: Tensor, gates: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Tokens `[B, N, D]` and gates `[B, len(route)]` to what the tail gives."""
        for block in self.blocks:
            tokens = block(tokens, gates)
        output: Tensor | tuple[Tensor, Tensor] = self.tail(tokens)
        return output


class ExpertStep(nn.Module):
    """One expert of a layer, and before it the layer's attention, which every expert computes."""

    def __init__(self, block: Block, index: int) -> None:
        super().__init__()
        self.norm1, self.attn, self.norm2 = block.norm1, block.attn, block.norm2
        self.mlp = cast("ExpertMlps", block.mlp).experts[index]

    def forward(self, tokens: Tensor) -> dict[str, Tensor]:
        """Tokens `[B, N, D]` behind the attention, and what the expert adds to them."""
        attended = tokens + self.attn(self.norm1(tokens))
        return {"attended": attended, "added": self.mlp(self.norm2(attended))}


class JoinedStep(nn.Module):
    """What follows the experts of a layer."""

    def __init__(self, model: MobileVMoE, index: int) -> None:
        super().__init__()
        self.tail = _tail(model, index)

    def forward(self, *outputs_and_gates: Any) -> Tensor | tuple[Tensor, Tensor]:
        """What each of k experts gave, and gates `[B, k]`, to what the tail gives."""
        *outputs, gates = outputs_and_gates
        mixed = outputs[0]["attended"]
        for slot, output in enumerate(outputs):
            mixed = mixed + gates[:, slot, None, None] * output["added"]
        given: Tensor | tuple[Tensor, Tensor] = self.tail(mixed)
        return given


def _tail(model: MobileVMoE, index: int) -> nn.Module:
    """The end of a routed step."""
    last = index == model.config.routed_stages
    return AnswerHead(model) if last else NextRouter(model, index)


class NextRouter(nn.Module):
    """The end of a routed step that another follows."""

    def __init__(self, model: MobileVMoE, index: int) -> None:
        super().__init__()
        self.router = model.routers[index]
        self.router_input = model.config.router_input

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens `[B, N, D]` themselves and the next router's logits `[B, E]`."""
        return tokens, self.router(pool(tokens, self.router_input))


class AnswerHead(nn.Module):
    """The end of the last routed step."""

    def __init__(self, model: MobileVMoE) -> None:
        super().__init__()
        self.norm = model.norm
        self.head = model.head
        self.pool = model.config.pool

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens `[B, N, D]` to class logits `[B, classes]`."""
        logits: Tensor = self.head(pool(self.norm(tokens), self.pool))
        return logits
