"""What PyTorch says of a model: the inputs that graphs are asked on, and the answers to them."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from mvmoe_deploy.bundle.manifest import IMAGE
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route
from mvmoe_deploy.verification.metrics import checked_routes
from mvmoe_export.flow import StageFlow
from mvmoe_export.parity.double_precision import DoublePrecisionCopy
from mvmoe_export.parity.synthetic_images import extreme_images, input_range, synthetic_images
from mvmoe_export.parity.thresholds import MOST_SEARCHES, Searches
from mvmoe_export.stages import Stages

_MOST_SEARCHES = 64
"""Searches for inputs beyond single bounds, of all routes of a stage together."""

_SAMPLES = 4
"""Inputs beside the one in question that tell how well a stage is conditioned."""


class TorchReference:
    """What PyTorch says of a model, whichever target asks: its inputs, and answers by route."""

    def __init__(self, stages: Stages) -> None:
        self.model = stages.model
        self.stages = stages
        self.images = guard_images(stages.model.input, stages.batch)
        self.flows = stages.flow.stages
        self.in_double = DoublePrecisionCopy(stages.model, self.images[:1], stages.flow)
        self.answers: dict[tuple[Route, ...], Mapping[str, Tensor]] = {}
        """The model's own outputs down routes that have passed the second question."""
        self._starts: dict[torch.dtype, dict[str, Tensor]] = {}
        self._searches = Searches()
        self._reaching: dict[tuple[int, Route], list[list[Tensor]]] = {}

    def start(self, model: RoutedModel, image: Tensor) -> dict[str, Tensor]:
        """One image, and what the stem of this model, or of its copy in double precision, gives.

        By the manifest's names.
        """
        if image.dtype not in self._starts:
            given = self.flows[0].module(model, ())(image.clone())
            self._starts[image.dtype] = {IMAGE: image, **self.flows[0].given(given)}
        return self._starts[image.dtype]

    @cached_property
    def extremes(self) -> list[Tensor]:
        """Pictures from the edges of what a picture can be, in batches."""
        return list(_batches(extreme_images(self.model.input), self.stages.batch))

    @cached_property
    def inputs(self) -> list[Tensor]:
        """What the stem is asked on: the images, then the extremes."""
        return [self.images, *self.extremes]

    @cached_property
    def stem(self) -> list[dict[str, Tensor]]:
        """What the stem gives for `inputs`."""
        return self.outputs(0, (), [[images] for images in self.inputs])

    @cached_property
    def tensors(self) -> list[list[list[Tensor]]]:
        """For each stage the tensors that it takes, from the images and then from the extremes."""
        states = [{IMAGE: images} for images in self.inputs]
        taken = []
        for flow in self.flows:
            taken.append([flow.taken(state) for state in states])
            if flow is self.flows[-1]:
                break
            route = flow.record.first_route
            inputs = [with_gates(tensors, route) for tensors in taken[-1]]
            found = self.outputs(flow.index, route, inputs) if flow.index else self.stem
            for state, given in zip(states, found, strict=True):
                state |= {flow.record.gives[name]: tensor for name, tensor in given.items()}
        return taken

    def samples(self, index: int, route: Route) -> list[list[Tensor]]:
        """A few inputs of a stage, to see how well it is conditioned."""
        return [with_gates(tensors, route) for tensors in self.tensors[index][:_SAMPLES]]

    def reaching(self, index: int, route: Route) -> list[list[Tensor]]:
        """Tensors of a stage that reach bounds which its other inputs leave on one side."""
        place = (index, route)
        if place not in self._reaching:
            module = self.flows[index].module(self.model, route)
            given = self.tensors[index]
            inputs = [with_gates(tensors, route) for tensors in given]
            spans = [_span(list(column)) for column in zip(*given, strict=True)]
            spans = spans if index else [input_range(self.model.input)]
            rule = self.flows[index].record.rule
            count = len(checked_routes(rule, self.flows[index].record.finishes)) if rule else 1
            searches = _MOST_SEARCHES // count
            with user_code(f"stage {index} of {type(self.model).__name__}"):
                self._reaching[place] = self._searches.find(
                    module, inputs, spans, min(searches, MOST_SEARCHES)
                )
        return self._reaching[place]

    def outputs(
        self, index: int, route: Route, inputs: list[list[Tensor]]
    ) -> list[dict[str, Tensor]]:
        """What a stage gives for several inputs, which it is given as one batch."""
        if not inputs:
            return []
        module = self.flows[index].module(self.model, route)
        sizes = [len(given[0]) for given in inputs]
        with user_code(f"stage {index} of {type(self.model).__name__}"):
            given = module(*(torch.cat(column) for column in zip(*inputs, strict=True)))
        together = named(self.flows[index], given)
        parts = {name: torch.split(tensor, sizes) for name, tensor in together.items()}
        return [{name: part[row] for name, part in parts.items()} for row in range(len(sizes))]


def guard_images(spec: Preprocessing, batch: int) -> Tensor:
    """The smooth pictures `[B, C, H, W]` that every graph is asked on."""
    return synthetic_images(spec, batch, seed=1)


def named(flow: StageFlow, output: Any) -> dict[str, Tensor]:
    """A stage module's output by the names of its graphs' outputs."""
    # A model may have turned gradients on.
    return {name: value.detach() for name, value in flow.named(output).items()}


def with_gates(tensors: list[Tensor], route: Route) -> list[Tensor]:
    """What a stage takes: tensors `[B, ...]` and, for a route, gates `[B, k]` of 1."""
    if not route:
        return tensors
    return [*tensors, torch.ones(len(tensors[0]), len(route), dtype=torch.float32)]


def _batches(images: Tensor, size: int) -> Iterator[Tensor]:
    """Images in batches; the last one is filled up with the last image."""
    for first in range(0, len(images), size):
        rows = torch.arange(first, first + size).clamp(max=len(images) - 1)
        yield images[rows]


def _span(given: list[Tensor]) -> tuple[Tensor, Tensor]:
    """The range of some tensors `[B, ...]`, element by element, and half as much on both sides."""
    every = torch.cat([tensor.float() for tensor in given])
    every = torch.where(every.isfinite(), every, 0.0)
    least, largest = every.amin(dim=0), every.amax(dim=0)
    return least - (largest - least) / 2, largest + (largest - least) / 2
