"""Counting what a model does with the images of a split: answers, routes and gates."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.models.contract import FamilyModel
from mvmoe_deploy.routing import Route, RouteShare, UsagePrior
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.training.batches import Batch


@dataclass
class Tally:
    """Counts over the images of a split; C classes, S routed stages, E experts."""

    confusion: np.ndarray
    """Images by true class (row) and answer `[C, C]`."""
    soft_confusion: np.ndarray
    """As `confusion`, but each answer counts by its probability `[C, C]`."""
    used: np.ndarray
    """Images by stage, class and expert that they use `[S, C, E]`; E of the stage that has most."""
    preferred: np.ndarray
    """As `used`, but only the expert of highest score `[S, C, E]`."""
    gates: np.ndarray
    """Sum of the selected experts' gates by stage `[S]`."""
    routes: list[Counter[Route]] = field(default_factory=list)
    """Images by route, for each stage."""

    @classmethod
    def empty(cls, model: FamilyModel) -> "Tally":
        """No image yet."""
        stages, classes = len(model.routing), model.config.num_classes
        experts = max((rule.experts for rule in model.routing), default=0)
        return cls(
            confusion=np.zeros((classes, classes), dtype=np.int64),
            soft_confusion=np.zeros((classes, classes)),
            used=np.zeros((stages, classes, experts), dtype=np.int64),
            preferred=np.zeros((stages, classes, experts), dtype=np.int64),
            gates=np.zeros(stages),
            routes=[Counter() for _ in range(stages)],
        )

    @property
    def images(self) -> int:
        """Images counted."""
        return int(self.confusion.sum())

    @property
    def top1(self) -> float:
        """Share of the images whose answer is their class."""
        return float(np.trace(self.confusion) / self.images)

    @property
    def mean_gate(self) -> float:
        """Mean gate of a selected expert, over images and stages."""
        return float(self.gates.sum() / self.used.sum())

    @property
    def class_to_expert(self) -> np.ndarray:
        """Share of each class's images that use each expert `[S, C, E]`; 0 for no images."""
        of_class = self.confusion.sum(axis=1)[None, :, None]
        shares: np.ndarray = self.used / np.maximum(of_class, 1)
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

    def add(self, other: "Tally") -> None:
        """Count the images of `other` too."""
        for name in ("confusion", "soft_confusion", "used", "preferred", "gates"):
            getattr(self, name).__iadd__(getattr(other, name))
        for counts, other_counts in zip(self.routes, other.routes, strict=True):
            counts.update(other_counts)


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
    """Add one batch: images `[B, C, H, W]`, labels `[B]`."""
    output = model.forward_routed(images)
    _count_answers(result, output.logits, labels)
    for stage, (logits, members, gates) in enumerate(
        zip(output.router_logits, output.members, output.gates, strict=True)
    ):
        chosen = members.cpu().numpy()
        # A stage may have fewer experts than another.
        np.add.at(result.used[stage, :, : chosen.shape[1]], labels, chosen)
        np.add.at(result.preferred[stage], (labels, logits.argmax(dim=-1).cpu().numpy()), 1)
        result.gates[stage] += gates.double().sum().item()
        result.routes[stage].update(map(route_of, chosen))


def _count_answers(result: Tally, logits: Tensor, labels: np.ndarray) -> None:
    """Add answers and probabilities of class logits `[B, classes]`."""
    probabilities = logits.double().softmax(dim=-1).cpu().numpy()
    np.add.at(result.confusion, (labels, probabilities.argmax(axis=-1)), 1)
    np.add.at(result.soft_confusion, labels, probabilities)
