"""A model whose caller chooses: a task picks the experts, a device's state may pick a cheaper one.

The example of `docs/own_model.md` for the rule `given`.
"""

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.given import Given
from mvmoe_deploy.routing.top_k import TopK


class TaskMoE(nn.Module):
    def __init__(self, classes: int = 6) -> None:
        super().__init__()
        self.input = Preprocessing(height=16, width=16)
        tasks = {"depth": (0, 1), "segment": (2,)}
        self.routing = (
            Given(experts=3, choice="task", named=tasks),
            Given(experts=3, choice="power", named={"low": (0,)}, otherwise=TopK(experts=3)),
        )
        self.patches = nn.Conv2d(3, 16, kernel_size=4, stride=4)
        self.tasks = nn.ModuleList(nn.Conv2d(16, 16, 3, padding=1) for _ in range(3))
        self.router = nn.Linear(16, 3)
        self.blocks = nn.ModuleList(
            nn.Conv2d(16, 16, size, padding=size // 2) for size in (1, 3, 3)
        )
        self.head = nn.Linear(16, classes)

    def forward(self, images: Tensor, routes: tuple[Route, Route]) -> Tensor:
        maps, logits = self.stage(1, routes[0])(self.patches(images), torch.ones(1, 3)).values()
        _, gates = select(logits, self.routing[1], routes[1])
        return self.stage(2, routes[1])(maps, gates[:, list(routes[1])])

    def stage(self, index: int, route: Route) -> nn.Module:
        return (Stem, TaskStep, PowerStep)[index](self, route)


class Stem(nn.Module):
    def __init__(self, model: TaskMoE, route: Route) -> None:
        super().__init__()
        self.patches = model.patches

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"maps": self.patches(images)}


class TaskStep(nn.Module):
    def __init__(self, model: TaskMoE, route: Route) -> None:
        super().__init__()
        self.experts = nn.ModuleList(model.tasks[expert] for expert in route)
        self.router = model.router

    def forward(self, maps: Tensor, gates: Tensor) -> dict[str, Tensor]:
        parts = [gates[:, slot, None, None, None] * e(maps) for slot, e in enumerate(self.experts)]
        mixed = maps + sum(parts)
        return {"maps": mixed.relu(), "logits": self.router(mixed.mean((2, 3)))}


class PowerStep(nn.Module):
    def __init__(self, model: TaskMoE, route: Route) -> None:
        super().__init__()
        self.experts = nn.ModuleList(model.blocks[expert] for expert in route)
        self.head = model.head

    def forward(self, maps: Tensor, gates: Tensor) -> Tensor:
        for slot, expert in enumerate(self.experts):
            maps = maps + gates[:, slot, None, None, None] * expert(maps)
        return self.head(maps.relu().mean((2, 3)))
