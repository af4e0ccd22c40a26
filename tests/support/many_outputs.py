"""A routed model with an output of every kind, for tests."""

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing.top_k import TopK

BOXES, CLASSES, SIDE = 6, 2, 16
"""Boxes of an image, their classes, and the side of the input."""


class Stem(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.features, self.router = model.features, model.router

    def forward(self, images):
        features = self.features(images).relu()
        return {"features": features, "logits": self.router(features.mean((2, 3)))}


class Step(nn.Module):
    def __init__(self, model, route):
        super().__init__()
        self.experts = nn.ModuleList(model.experts[expert] for expert in route)
        self.heads = model.heads

    def forward(self, features, gates):
        parts = [
            gates[:, slot, None, None, None] * expert(features)
            for slot, expert in enumerate(self.experts)
        ]
        return self.heads(features + sum(parts[1:], parts[0]))


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.answer, self.vector = nn.Linear(8, 5), nn.Linear(8, 12)
        self.mask, self.depth = nn.Conv2d(8, 3, 1), nn.Conv2d(8, 1, 1)
        self.boxes = nn.Linear(8, BOXES * (4 + CLASSES))

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        pooled = features.mean((2, 3))
        rows = self.boxes(pooled).unflatten(1, (BOXES, 4 + CLASSES)).sigmoid()
        first = rows[:, :, :2] * SIDE / 2
        last = first + 1 + rows[:, :, 2:4] * SIDE / 2
        return {
            "boxes": torch.cat([first, last, rows[:, :, 4:]], dim=2),
            "mask": self.mask(features),
            "depth": self.depth(features),
            "vector": self.vector(pooled),
            "answer": self.answer(pooled),
        }


class ManyOutputs(nn.Module):
    """Three experts over a map of features; each output is a head behind them."""

    def __init__(self):
        super().__init__()
        self.input = Preprocessing(height=SIDE, width=SIDE)
        self.routing = (TopK(experts=3, k=1),)
        self.outputs = {
            "boxes": "boxes",
            "mask": "mask",
            "depth": "map",
            "vector": "embedding",
            "answer": "logits",
        }
        self.features = nn.Conv2d(3, 8, 4, stride=2, padding=1)
        self.router = nn.Linear(8, 3)
        self.experts = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
        self.heads = Heads()

    def stage(self, index, route):
        return Step(self, route) if index else Stem(self)

    def forward(self, images, routes=None):
        features = self.features(images).relu()
        logits = self.router(features.mean((2, 3)))
        _, gates = select(logits, self.routing[0], routes[0] if routes else None)
        parts = torch.stack([expert(features) for expert in self.experts], dim=1)
        return self.heads(features + (gates[:, :, None, None, None] * parts).sum(1))


def many_outputs():
    """A model with weights that make its decisions clear, for the command line too."""
    torch.manual_seed(3)
    model = ManyOutputs().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    return model
