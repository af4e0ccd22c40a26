"""What all subjects answer: one model, a few images on several routes, and PyTorch's answers.

Importing this module imports PyTorch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from mvmoe_bench.fused import rule_of
from mvmoe_deploy import routing
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import MobileVMoEConfig, RoutedModel, build
from mvmoe_deploy.models.presets import configuration
from mvmoe_deploy.routing import Route, RoutingRule
from mvmoe_export.parity.images import synthetic_images

_CANDIDATES = 64
_IMAGES = 8
_MOST_ROUTES = 4


@dataclass(frozen=True)
class Workload:
    """A model and what is asked of it."""

    model: RoutedModel
    images: np.ndarray
    """Preprocessed inputs `[n, C, H, W]`, fp32."""
    routes: tuple[Route, ...]
    """The route of each image."""
    answers: np.ndarray
    """What PyTorch answers to each, `[n, classes]`."""

    @property
    def rule(self) -> RoutingRule:
        """The rule of the one routed stage."""
        return rule_of(self.model)

    @property
    def visited(self) -> tuple[Route, ...]:
        """The distinct routes, ascending."""
        return tuple(sorted(set(self.routes)))

    def image(self, number: int) -> np.ndarray:
        """One input as a batch `[1, C, H, W]` that shares this workload's memory."""
        return self.images[number : number + 1]


def make_workload(preset: str, experts: int | None = None, seed: int = 0) -> Workload:
    """A model with random weights and images that take up to four of its routes.

    `preset` is a name or a JSON file (see `mvmoe_deploy.models.presets.configuration`); `experts`
    overrides its number of experts. Raises InputError for a model that has not one routed stage.
    """
    config = configuration(preset)
    if experts is not None:
        if not isinstance(config, MobileVMoEConfig):
            raise InputError(f"preset {preset} is dense: it has no experts to set to {experts}")
        config = replace(config, experts=experts)
    model = build(config, seed=seed).eval()
    rule_of(model)
    return _with_images(model, seed)


def _with_images(model: RoutedModel, seed: int) -> Workload:
    """The workload of a model: images spread evenly over the routes that were found."""
    candidates = synthetic_images(model.input, _CANDIDATES, seed=seed)
    with torch.inference_mode():
        _, logits = model.stage(0, ()).eval()(candidates)
        selected, _ = routing.select(logits.numpy(), rule_of(model))
        routes = [tuple(route) for route in selected.tolist()]
        chosen = list(_spread(routes))
        # One at a time, as the subjects answer them: a batch adds in another order.
        answers = [model(candidates[image : image + 1]) for image in chosen]
    return Workload(
        model=model,
        images=np.ascontiguousarray(candidates[chosen].numpy()),
        routes=tuple(routes[image] for image in chosen),
        answers=torch.cat(answers).numpy(),
    )


def _spread(routes: list[Route]) -> Iterator[int]:
    """Positions of a few images: one of each of the first routes in turn, until there are enough.

    A route with too few images gives its first again.
    """
    members: dict[Route, list[int]] = {}
    for position, route in enumerate(routes):
        members.setdefault(route, []).append(position)
    first = list(members.values())[:_MOST_ROUTES]
    for number in range(_IMAGES):
        group = first[number % len(first)]
        yield group[number // len(first) % len(group)]
