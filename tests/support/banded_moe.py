"""A user's own module that knows nothing of families: what `docs/own_model.md` asks for, and small.

`make` is its factory; `selects_itself` has routers that `select` never sees, `talks` prints.
"""

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.top_k import TopK


class BandedMoE(nn.Module):
    """Three classes, three experts; its input is not square."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.input = Preprocessing(height=8, width=12, resize="squash", interpolation="bilinear")
        self.routing = (TopK(experts=3),)
        self.labels = ("blue", "green", "red")[:classes]
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.router = nn.Linear(8, 3)
        self.experts = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
        self.head = nn.Linear(8, classes)

    def features(self, images: Tensor) -> Tensor:
        return self.stem(images).relu().mean((2, 3))

    def chosen(self, logits: Tensor, route: Route | None) -> Tensor:
        return select(logits, self.routing[0], route)[1]

    def forward(self, images: Tensor, routes: tuple[Route, ...] | None = None) -> Tensor:
        features = self.features(images)
        gates = self.chosen(self.router(features), routes[0] if routes else None)
        given = torch.stack([expert(features) for expert in self.experts], dim=1)
        return self.head((given * gates[:, :, None]).sum(1))

    def stage(self, index: int, route: Route) -> nn.Module:
        return Step(self, route) if index else Stem(self)


class Stem(nn.Module):
    def __init__(self, model: BandedMoE) -> None:
        super().__init__()
        self.stem, self.router = model.stem, model.router

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.stem(images).relu().mean((2, 3))
        return features, self.router(features)


class Step(nn.Module):
    def __init__(self, model: BandedMoE, route: Route) -> None:
        super().__init__()
        self.experts = nn.ModuleList(model.experts[expert] for expert in route)
        self.head = model.head

    def forward(self, features: Tensor, gates: Tensor) -> Tensor:
        mixed = torch.zeros_like(features)
        for slot, expert in enumerate(self.experts):
            mixed = mixed + gates[:, slot, None] * expert(features)
        return self.head(mixed)


class SelectsItself(BandedMoE):
    def chosen(self, logits: Tensor, route: Route | None) -> Tensor:
        best = torch.nn.functional.one_hot(logits.argmax(dim=1), 3)
        return logits.softmax(dim=1) * best


class Tied(BandedMoE):
    """One parameter under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.also_head = self.head


def make() -> BandedMoE:
    return BandedMoE()


def of_two_classes() -> BandedMoE:
    return BandedMoE(2)


def selects_itself() -> BandedMoE:
    return SelectsItself()


def tied() -> BandedMoE:
    return Tied()
