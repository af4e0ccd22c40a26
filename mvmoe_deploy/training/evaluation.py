"""Counting what a model does with the images of a split: answers, routes and gates."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.outputs import OutputKind, find_kind
from mvmoe_deploy.outputs.accuracy import AnswerCounts
from mvmoe_deploy.outputs.class_counts import ClassCounts
from mvmoe_deploy.routing import Route, RouteShare, UsagePrior
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.training.batches import Batch


@dataclass
class Tally:
    """Counts over the images of a split; C classes, S routed stages, E experts."""

    answers: AnswerCounts
    """Right and wrong answers, as the kind of the model's first output counts them."""
    shown: np.ndarray
    """Images that show each class `[C]`; one may show several, or none."""
    chosen: np.ndarray
    """Images by stage and expert that they use `[S, E]`; E of the stage that has most."""
    used: np.ndarray
    """As `chosen`, by class too `[S, C, E]`: an image counts for each class that it shows."""
    preferred: np.ndarray
    """As `used`, but only the expert of highest score `[S, C, E]`."""
    gates: np.ndarray
    """Sum of the selected experts' gates by stage `[S]`."""
    images: int = 0
    """Images counted."""
    routes: list[Counter[Route]] = field(default_factory=list)
    """Images by route, for each stage."""

    @classmethod
    def empty(cls, model: FamilyModel) -> "Tally":
        """No image yet."""
        stages, classes = len(model.routing), model.config.num_classes
        experts = max((rule.experts for rule in model.routing), default=0)
        return cls(
            answers=answer_kind(model).answer_counts(classes),
            shown=np.zeros(classes, dtype=np.int64),
            chosen=np.zeros((stages, experts), dtype=np.int64),
            used=np.zeros((stages, classes, experts), dtype=np.int64),
            preferred=np.zeros((stages, classes, experts), dtype=np.int64),
            gates=np.zeros(stages),
            routes=[Counter() for _ in range(stages)],
        )

    @property
    def accuracy(self) -> float:
        """How right the answers are, from 0 to 1, in the measure of their kind."""
        return self.answers.accuracy

    @property
    def confusion(self) -> np.ndarray:
        """Images by true class (row) and answer `[C, C]`: of answers that are classes."""
        return cast("ClassCounts", self.answers).confusion

    @property
    def soft_confusion(self) -> np.ndarray:
        """As `confusion`, but each answer counts by its probability `[C, C]`."""
        return cast("ClassCounts", self.answers).soft_confusion

    @property
    def mean_gate(self) -> float:
        """Mean gate of a selected expert, over images and stages."""
        return float(self.gates.sum() / self.chosen.sum())

    @property
    def class_to_expert(self) -> np.ndarray:
        """Share of each class's images that use each expert `[S, C, E]`; 0 for no images."""
        shares: np.ndarray = self.used / np.maximum(self.shown[None, :, None], 1)
        return shares

    @property
    def route_shares(self) -> UsagePrior:
        """The shares of the routes that any image took, for each stage, in order of route."""
        return tuple(
            tuple(RouteShare(route, count / self.images) for route, count in sorted(routes.items()))
            for routes in self.routes
        )

    def router_accuracy(self, owner: np.ndarray) -> float:
        """Share of the images whose router prefers their super-class; `owner` is `[C]`."""
        hits = self.preferred[:, np.arange(len(owner)), owner].sum()
        return float(hits / self.preferred.sum())

    @property
    def expert_shares(self) -> np.ndarray:
        """Share of the images that use each expert `[S, E]`."""
        shares: np.ndarray = self.chosen / self.images
        return shares

    def add(self, other: "Tally") -> None:
        """Count the images of `other` too."""
        self.answers.add(other.answers)
        self.images += other.images
        for name in ("shown", "chosen", "used", "preferred", "gates"):
            getattr(self, name).__iadd__(getattr(other, name))
        for counts, other_counts in zip(self.routes, other.routes, strict=True):
            counts.update(other_counts)


def answer_kind(model: FamilyModel) -> OutputKind:
    """The kind of a model's first output, which labels are of."""
    return find_kind(next(iter(model.outputs.values())))


@torch.no_grad()
def tally(model: FamilyModel, batches: Iterable[Batch], device: torch.device) -> Tally:
    """What `model`, which is on `device`, does with the images of `batches`."""
    model.eval()
    result = Tally.empty(model)
    for images, labels in batches:
        _count(result, model, images.to(device), labels.numpy())
    model.train()
    return result


def _count(result: Tally, model: FamilyModel, images: Tensor, labels: np.ndarray) -> None:
    """Add one batch: images `[B, C, H, W]`, labels `[B, ...]`."""
    output = model.forward_routed(images)
    # NumPy has no bfloat16.
    result.answers.count(output.logits.float().cpu().numpy(), labels)
    shown = answer_kind(model).shown_classes(labels, len(result.shown))
    result.shown += shown.sum(axis=0)
    result.images += len(images)
    for stage, (logits, members, gates) in enumerate(
        zip(output.router_logits, output.members, output.gates, strict=True)
    ):
        chosen = members.cpu().numpy()
        experts = chosen.shape[1]  # A stage may have fewer than another.
        best = np.eye(experts, dtype=np.int64)[logits.argmax(dim=-1).cpu().numpy()]
        result.chosen[stage, :experts] += chosen.sum(axis=0)
        result.used[stage, :, :experts] += shown.T.astype(np.int64) @ chosen
        result.preferred[stage, :, :experts] += shown.T.astype(np.int64) @ best
        result.gates[stage] += gates.double().sum().item()
        result.routes[stage].update(map(route_of, chosen))
