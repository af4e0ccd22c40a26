"""Low-rank experts: each adds a small correction of its own to one weight that all share."""

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.top_k import TopK


class LowRankMoE(nn.Module):
    def __init__(self, experts: int = 6, rank: int = 4, width: int = 64) -> None:
        super().__init__()
        self.input = Preprocessing(height=16, width=16)
        self.routing = (TopK(experts=experts, k=2, renormalize=True),)
        self.patches, self.router = nn.Conv2d(3, width, 8, 8), nn.Linear(width, experts)
        self.base, self.head = nn.Linear(width, width), nn.Linear(width, 10)
        self.down = nn.ModuleList(nn.Linear(width, rank, bias=False) for _ in range(experts))
        self.up = nn.ModuleList(nn.Linear(rank, width, bias=False) for _ in range(experts))

    def forward(self, images: Tensor, routes: tuple[Route, ...] | None = None) -> Tensor:
        tokens, logits = self.stage(0, ())(images)
        members, gates = select(logits, self.routing[0], routes[0] if routes else None)
        added = [
            gates[:, e, None] * self.up[e](self.down[e](tokens)) * members[:, e, None]
            for e in range(len(self.up))
        ]
        return self.head((self.base(tokens) + torch.stack(added).sum(0)).relu())

    def stage(self, index: int, route: Route) -> nn.Module:
        return Corrected(self, route) if index else Stem(self)


class Stem(nn.Module):
    def __init__(self, model: LowRankMoE) -> None:
        super().__init__()
        self.patches, self.router = model.patches, model.router

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.patches(images).relu().mean((2, 3))
        return tokens, self.router(tokens)


class Corrected(nn.Module):
    def __init__(self, model: LowRankMoE, route: Route) -> None:
        super().__init__()
        self.base, self.head = model.base, model.head
        self.down = nn.ModuleList(model.down[expert] for expert in route)
        self.up = nn.ModuleList(model.up[expert] for expert in route)

    def forward(self, tokens: Tensor, gates: Tensor) -> Tensor:
        mixed = self.base(tokens)
        for slot, (down, up) in enumerate(zip(self.down, self.up, strict=True)):
            mixed = mixed + gates[:, slot, None] * up(down(tokens))
        return self.head(mixed.relu())
