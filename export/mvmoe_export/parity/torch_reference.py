"""What PyTorch says of a model: the inputs that graphs are asked on, and the answers to them."""

from collections.abc import Iterator
from functools import cached_property

import torch
from torch import Tensor

from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route
from mvmoe_deploy.verification.metrics import checked_routes
from mvmoe_export.parity.double_precision import DoublePrecisionCopy
from mvmoe_export.parity.images import extreme_images, input_range, synthetic_images
from mvmoe_export.parity.thresholds import MOST_SEARCHES, Searches
from mvmoe_export.stages import Stages, StageSpec
from mvmoe_export.user_code import user_code

_MOST_SEARCHES = 64
"""Searches for inputs beyond single bounds, of all routes of a stage together."""

_SAMPLES = 4
"""Inputs beside the one in question that tell how well a stage is conditioned."""


class TorchReference:
    """What PyTorch says of a model, whichever target asks: its inputs, and answers by route."""

    def __init__(self, stages: Stages) -> None:
        self.model = stages.model
        self.stages = stages
        self.images = synthetic_images(stages.model.input, stages.batch, seed=1)
        self.in_double = DoublePrecisionCopy(stages.model, self.images[:1])
        self.answers: dict[tuple[Route, ...], Tensor] = {}
        """The model's own answer down routes that have passed the second question."""
        self._starts: dict[torch.dtype, tuple[Tensor, Tensor]] = {}
        self._searches = Searches()
        self._reaching: dict[tuple[int, Route], list[Tensor]] = {}

    def start(self, model: RoutedModel, image: Tensor) -> tuple[Tensor, Tensor]:
        """What the stem of this model, or of its copy in double precision, gives for one image."""
        if image.dtype not in self._starts:
            self._starts[image.dtype] = model.stage(0, ()).eval()(image.clone())
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
    def tokens(self) -> list[list[Tensor]]:
        """For each routed stage what it takes, from the images and then from the extremes."""
        states, tokens = self.stem, []
        for stage in self.stages.specs[1:]:
            tokens.append([state["next_tokens"] for state in states])
            if stage is not self.stages.specs[-1] and stage.rule is not None:
                route = next(stage.rule.routes())
                inputs = [[given, ones(given, route)] for given in tokens[-1]]
                states = self.outputs(stage.index, route, inputs)
        return tokens

    def samples(self, index: int, route: Route) -> list[list[Tensor]]:
        """A few inputs of a stage, to see how well it is conditioned."""
        few = (self.tokens[index - 1] if index else self.inputs)[:_SAMPLES]
        return [[tensor, ones(tensor, route)] if index else [tensor] for tensor in few]

    def reaching(self, index: int, route: Route) -> list[Tensor]:
        """Inputs of a stage that reach bounds which its other inputs leave on one side."""
        place = (index, route)
        if place not in self._reaching:
            module = self.model.stage(index, route).eval()
            given = self.tokens[index - 1] if index else self.inputs
            inputs = [[tensor, ones(tensor, route)] if index else [tensor] for tensor in given]
            least, largest = _span(given) if index else input_range(self.model.input)
            rule = self.stages.specs[index].rule
            searches = _MOST_SEARCHES // len(checked_routes(rule)) if rule else _MOST_SEARCHES
            with user_code(f"stage {index} of {type(self.model).__name__}"):
                self._reaching[place] = self._searches.find(
                    module, inputs, (least, largest), min(searches, MOST_SEARCHES)
                )
        return self._reaching[place]

    def outputs(
        self, index: int, route: Route, inputs: list[list[Tensor]]
    ) -> list[dict[str, Tensor]]:
        """What a stage gives for several inputs, which it is given as one batch."""
        if not inputs:
            return []
        module = self.model.stage(index, route).eval()
        sizes = [len(given[0]) for given in inputs]
        with user_code(f"stage {index} of {type(self.model).__name__}"):
            given = module(*(torch.cat(column) for column in zip(*inputs, strict=True)))
        together = named(self.stages.specs[index], given)
        parts = {name: torch.split(tensor, sizes) for name, tensor in together.items()}
        return [{name: part[row] for name, part in parts.items()} for row in range(len(sizes))]


def named(stage: StageSpec, output: Tensor | tuple[Tensor, ...]) -> dict[str, Tensor]:
    """A stage module's output by the names of the stage."""
    values = output if isinstance(output, tuple) else (output,)
    # A model may have turned gradients on.
    return {name: value.detach() for name, value in zip(stage.outputs, values, strict=True)}


def ones(tokens: Tensor, route: Route) -> Tensor:
    """Gates `[B, k]` of 1."""
    return torch.ones(len(tokens), len(route), dtype=torch.float32)


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
