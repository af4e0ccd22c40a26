"""A ViT whose later layers are routed, and its stages: what families of such models share."""

from collections.abc import Sequence

from torch import Tensor, nn

from mvmoe_deploy.models.contract import RoutedOutput
from mvmoe_deploy.models.families.vit.config import ViTConfig
from mvmoe_deploy.models.families.vit.network import ViT, embed, initialize, pool
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route


class RoutedViT(ViT):
    """Dense layers first, then routed ones; a linear router ends each stage but the last.

    A routed layer takes tokens `[B, N, D]`, memberships `[B, E]` (bool) and gates `[B, E]`; the
    form of it that has the experts of one route takes tokens and gates `[B, len(route)]`.
    """

    def __init__(self, config: ViTConfig, preprocessing: Preprocessing | None = None) -> None:
        super().__init__(config, preprocessing)
        self.routers = nn.ModuleList(
            nn.Linear(config.width, rule.experts) for rule in config.routing
        )
        self.routers.apply(initialize)

    @property
    def router_input(self) -> str:
        """The token vector that routers read: `cls`, or the mean of the patches."""
        raise NotImplementedError

    def layers_of(self, index: int) -> Sequence[nn.Module]:
        """The layers of stage `index`; 0 is the dense prefix, whose layers take tokens alone."""
        raise NotImplementedError

    def selected_layers(self, index: int, route: Route) -> Sequence[nn.Module]:
        """Those of a routed stage with the experts of one route."""
        raise NotImplementedError

    def router_logits(self, index: int, tokens: Tensor) -> Tensor:
        """Logits `[B, E]` of the router that ends stage `index`, from tokens `[B, N, D]`."""
        logits: Tensor = self.routers[index](pool(tokens, self.router_input))
        return logits

    def prefix(self, images: Tensor) -> Tensor:
        """Images `[B, C, H, W]` to tokens `[B, N, D]` behind the dense layers."""
        tokens = self.embed(images)
        for layer in self.layers_of(0):
            tokens = layer(tokens)
        return tokens

    def stage(self, index: int, route: Route) -> nn.Module:
        """The stem, or a routed step for one route, sharing this model's parameters."""
        if index == 0:
            return Stem(self)
        self.require_route(index, route)
        return RoutedStep(self, index, route)

    def end_of(self, index: int) -> nn.Module:
        """What ends a stage: the next router, or the answer."""
        return AnswerHead(self) if index == len(self.routing) else NextRouter(self, index)

    def forward(self, images: Tensor, routes: Sequence[Route] | None = None) -> Tensor:
        """Class logits `[B, classes]` of images `[B, C, H, W]`."""
        return self.forward_routed(images, routes).logits

    def forward_routed(self, images: Tensor, routes: Sequence[Route] | None = None) -> RoutedOutput:
        """As `forward`, with what the routers gave: for training and analysis."""
        self.require_routes(routes)
        tokens = self.prefix(images)
        output = RoutedOutput(tokens, [], [], [])
        for stage, rule in enumerate(self.routing):
            logits = self.router_logits(stage, tokens)
            members, gates = select(logits, rule, routes[stage] if routes else None)
            for layer in self.layers_of(stage + 1):
                tokens = layer(tokens, members, gates)
            output.router_logits.append(logits)
            output.members.append(members)
            output.gates.append(gates)
        return output._replace(logits=self.answer(tokens))


class Stem(nn.Module):
    """What every image runs: images `[B, C, H, W]` to tokens `[B, N, D]` and router logits."""

    def __init__(self, model: RoutedViT) -> None:
        super().__init__()
        self.patch_embed = model.patch_embed
        self.cls_token = model.cls_token
        self.pos_embed = model.pos_embed
        self.layers = nn.ModuleList(model.layers_of(0))
        self.end = model.end_of(0)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens and the first router's logits `[B, E]`."""
        tokens = embed(images, self.patch_embed, self.cls_token, self.pos_embed)
        for layer in self.layers:
            tokens = layer(tokens)
        given: tuple[Tensor, Tensor] = self.end(tokens)
        return given


class RoutedStep(nn.Module):
    """The layers of one routed stage with the experts of one route."""

    def __init__(self, model: RoutedViT, index: int, route: Route) -> None:
        super().__init__()
        self.layers = nn.ModuleList(model.selected_layers(index, route))
        self.end = model.end_of(index)

    def forward(self, tokens: Tensor, gates: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Tokens `[B, N, D]` and gates `[B, len(route)]` to what the end gives."""
        for layer in self.layers:
            tokens = layer(tokens, gates)
        output: Tensor | tuple[Tensor, Tensor] = self.end(tokens)
        return output


class NextRouter(nn.Module):
    """The end of a stage that another follows."""

    def __init__(self, model: RoutedViT, index: int) -> None:
        super().__init__()
        self.router = model.routers[index]
        self.router_input = model.router_input

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens `[B, N, D]` themselves and the next router's logits `[B, E]`."""
        return tokens, self.router(pool(tokens, self.router_input))


class AnswerHead(nn.Module):
    """The end of the last stage."""

    def __init__(self, model: RoutedViT) -> None:
        super().__init__()
        self.norm = model.norm
        self.head = model.head
        self.pool = model.config.pool

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens `[B, N, D]` to class logits `[B, classes]`."""
        logits: Tensor = self.head(pool(self.norm(tokens), self.pool))
        return logits
