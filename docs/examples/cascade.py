"""A cascade: a small network answers every image, a larger one those that it is not sure of.

The route of expert 0 finishes the image: nothing more runs for it, and the small network's answer
is the model's.
"""

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.top_k import TopK


class Cascade(nn.Module):
    finishes = {1: [(0,)]}

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.input = Preprocessing(height=32, width=32)
        self.routing = (TopK(experts=2),)
        self.small, self.large = Small(classes), Large(classes)

    def forward(self, images: Tensor, routes: tuple[Route, ...] | None = None) -> Tensor:
        given = self.small(images)
        members, gates = select(given["logits"], self.routing[0], routes[0] if routes else None)
        goes_on = members[:, 1:]
        return torch.where(goes_on, self.large(given["maps"], gates[:, 1:]), given["answer"])

    def stage(self, index: int, route: Route) -> nn.Module:
        return self.large if index else self.small


class Small(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 32, kernel_size=4, stride=4)
        self.head, self.router = nn.Linear(32, classes), nn.Linear(32, 2)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        maps = self.patches(images).relu()
        means = maps.mean((2, 3))
        return {"maps": maps, "answer": self.head(means), "logits": self.router(means)}


class Large(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(nn.Conv2d(32, 32, 3, padding=1) for _ in range(4)))
        self.head = nn.Linear(32, classes)

    def forward(self, maps: Tensor, gates: Tensor) -> Tensor:
        return self.head(self.layers(maps).relu().mean((2, 3))) * gates
