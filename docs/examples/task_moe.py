"""A task picks the experts of one stage; the state of the device may pick a cheap one after it."""

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
        self.blocks = nn.ModuleList(nn.Conv2d(16, 16, n, padding=n // 2) for n in (1, 3, 3))
        self.router, self.head = nn.Linear(16, 3), nn.Linear(16, classes)

    def forward(self, images: Tensor, routes: tuple[Route, Route]) -> Tensor:
        maps, logits = self.stage(1, routes[0])(self.patches(images), torch.ones(1, 3)).values()
        _, gates = select(logits, self.routing[1], routes[1])
        return self.stage(2, routes[1])(maps, gates[:, list(routes[1])])

    def stage(self, index: int, route: Route) -> nn.Module:
        return (Stem, TaskStep, PowerStep)[index](self, (self.tasks, self.blocks)[index - 1], route)


class Step(nn.Module):
    def __init__(self, model: TaskMoE, experts: nn.ModuleList, route: Route) -> None:
        super().__init__()
        self.patches, self.router, self.head = model.patches, model.router, model.head
        self.experts = nn.ModuleList(experts[expert] for expert in route)

    def mix(self, maps: Tensor, gates: Tensor) -> Tensor:
        pairs = zip(gates.T[..., None, None, None], self.experts)
        return (maps + sum(gate * expert(maps) for gate, expert in pairs)).relu()


class Stem(Step):
    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"maps": self.patches(images)}


class TaskStep(Step):
    def forward(self, maps: Tensor, gates: Tensor) -> dict[str, Tensor]:
        return {"maps": (mixed := self.mix(maps, gates)), "logits": self.router(mixed.mean((2, 3)))}


class PowerStep(Step):
    def forward(self, maps: Tensor, gates: Tensor) -> Tensor:
        return self.head(self.mix(maps, gates).mean((2, 3)))
