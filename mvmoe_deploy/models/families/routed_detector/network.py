"""The network of a routed detector and its stages."""

import itertools
import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, cast

import torch
from torch import Tensor, nn

from mvmoe_deploy.models.contract import FamilyModel, RoutedOutput
from mvmoe_deploy.models.families.routed_detector.config import STRIDES, RoutedDetectorConfig
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route

REACH = 12
"""Strides from a cell's middle to the furthest edge of a box that it can give."""

_FIRST_SCORE = 0.01
"""What every score is before training: most cells show nothing (arXiv 1708.02002, 4.1)."""


class Norm(nn.BatchNorm2d):
    """A batch norm without a count of its batches: its momentum is fixed, and integers no weights.

    In evaluation it is a factor and a shift, which an export folds into the convolution. It takes
    maps `[B, W, H, W']`.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.num_batches_tracked = None

    def _load_from_state_dict(
        self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any
    ) -> None:
        """PyTorch's own takes a state of an unknown version for an old one, and adds the count."""
        known = {**local_metadata, "version": self._version}
        super()._load_from_state_dict(state_dict, prefix, known, *rest)


class ConvBlock(nn.Sequential):
    """A 3x3 convolution, its norm, and ReLU: one operator for engines, which fold the norm."""

    def __init__(self, width: int, given: int, stride: int = 1) -> None:
        convolution = nn.Conv2d(width, given, 3, stride=stride, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        super().__init__(convolution, Norm(given), nn.ReLU())


class Router(nn.Module):
    """Maps `[B, W, H, W']` to logits `[B, E]` of their mean.

    The norm takes off what all images have in common: without it one route is the best of nearly
    all images before anything is learnt, and experts that no image uses learn nothing.
    """

    def __init__(self, width: int, experts: int) -> None:
        super().__init__()
        self.norm = Norm(width)
        self.linear = nn.Linear(width, experts)
        nn.init.normal_(self.linear.weight, std=width**-0.5)
        nn.init.zeros_(self.linear.bias)

    def forward(self, maps: Tensor) -> Tensor:
        """The norm's statistics are of the means, one pixel an image."""
        logits: Tensor = self.linear(self.norm(maps.mean((2, 3), keepdim=True)).flatten(1))
        return logits


class ScaleHead(nn.Module):
    """What is found at one scale: `[B, W, H, W']` to `[B, H * W', 4 + C]`, before the sigmoid."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.block = ConvBlock(width, width)
        self.edges = nn.Conv2d(width, 4, 1)
        self.scores = nn.Conv2d(width, classes, 1)
        nn.init.normal_(self.scores.weight, std=0.01)
        first = -math.log((1 - _FIRST_SCORE) / _FIRST_SCORE)
        nn.init.constant_(cast("nn.Parameter", self.scores.bias), first)

    def forward(self, maps: Tensor) -> Tensor:
        """Cells by row and column."""
        maps = self.block(maps)
        found = torch.cat([self.edges(maps), self.scores(maps)], dim=1)
        return found.flatten(2).transpose(1, 2)


class Head(nn.Module):
    """Three scales to rows `[B, N, 4 + C]`; larger scales take what the smaller ones have seen.

    Without anchors: a cell gives the distances of a box's four edges from its middle
    (FCOS, arXiv 1904.01355), here `REACH` strides times the square of a sigmoid.
    """

    centres: Tensor
    reach: Tensor

    def __init__(self, config: RoutedDetectorConfig) -> None:
        super().__init__()
        width = config.head_width
        self.lateral = nn.ModuleList(nn.Conv2d(given, width, 1) for given in config.widths)
        self.larger = nn.ModuleList(
            nn.ConvTranspose2d(width, width, 2, stride=2) for _ in STRIDES[1:]
        )
        self.scales = nn.ModuleList(ScaleHead(width, config.num_classes) for _ in STRIDES)
        centres, strides = cells(config.image_size)
        # Constants of the graph, which no checkpoint has: with values also in a model whose weights
        # are not there yet.
        self.register_buffer("centres", centres.repeat(1, 2), persistent=False)
        signs = torch.tensor([-1.0, -1.0, 1.0, 1.0], device=strides.device)
        self.register_buffer("reach", REACH * strides[:, None] * signs, persistent=False)

    def forward(self, *scales: Tensor) -> tuple[Tensor, Tensor]:
        """Maps of the three scales, the largest first, to raw rows and to boxes with scores."""
        maps = [lateral(each) for lateral, each in zip(self.lateral, scales, strict=True)]
        maps[1] = maps[1] + self.larger[1](maps[2])
        maps[0] = maps[0] + self.larger[0](maps[1])
        heads = zip(self.scales, maps, strict=True)
        raw = torch.cat([head(each) for head, each in heads], dim=1)
        shares = raw.sigmoid()
        edges = shares[..., :4]
        boxes = self.centres + self.reach * (edges * edges)
        return raw, torch.cat([boxes, shares[..., 4:]], dim=2)


def cells(image_size: int) -> tuple[Tensor, Tensor]:
    """The middle `[N, 2]` (x, y) of each cell of the three scales in pixels, and its stride `[N]`.

    In the order of the rows: the largest scale first, then by row and column. On the CPU.
    """
    centres, strides = [], []
    for stride in STRIDES:
        places = torch.arange(image_size // stride, device="cpu") * float(stride) + stride / 2
        y, x = torch.meshgrid(places, places, indexing="ij")
        centres.append(torch.stack([x.flatten(), y.flatten()], dim=1))
        strides.append(torch.full((len(places) ** 2,), float(stride), device="cpu"))
    return torch.cat(centres), torch.cat(strides)


class RoutedDetector(FamilyModel):
    """Images `[B, C, H, W]` to rows `[B, N, 4 + classes]` of the kind `boxes`."""

    config: RoutedDetectorConfig
    outputs = MappingProxyType({"found": "boxes"})

    def __init__(
        self, config: RoutedDetectorConfig, preprocessing: Preprocessing | None = None
    ) -> None:
        super().__init__(config, preprocessing)
        stem, widths = config.stem_width, config.widths
        self.stem = nn.Sequential(
            ConvBlock(config.in_channels, stem, 2),
            ConvBlock(stem, stem, 2),
            ConvBlock(stem, widths[0], 2),
        )
        self.smaller = nn.ModuleList(ConvBlock(*pair, 2) for pair in itertools.pairwise(widths))
        self.experts = nn.ModuleList(
            nn.ModuleList(ConvBlock(width, width) for _ in range(count))
            for width, count in zip(widths, config.experts, strict=True)
        )
        self.routers = nn.ModuleList(
            Router(width, rule.experts) for width, rule in zip(widths, config.routing, strict=False)
        )
        self.head = Head(config)

    def forward_routed(self, images: Tensor, routes: Sequence[Route] | None = None) -> RoutedOutput:
        """As `forward`; `for_loss` has the raw rows, and the middles and strides of their cells."""
        self.require_routes(routes)
        output = RoutedOutput(images, [], [], [])
        maps, scales = self.stem(images), []
        for index in range(len(STRIDES)):
            if index:
                maps = self.smaller[index - 1](maps)
            maps = maps + self._mixed(index, maps, output, routes)
            scales.append(maps)
        raw, rows = self.head(*scales)
        cells_of_rows = {"centres": self.head.centres[:, :2], "reach": self.head.reach}
        return output._replace(logits=rows, for_loss={"raw": raw, **cells_of_rows})

    def stage(self, index: int, route: Route) -> nn.Module:
        """The stem, or a routed step for one route; a dense model is one stage."""
        if self.config.is_dense:
            return self
        if index == 0:
            return DetectorStem(self)
        self.require_route(index, route)
        kind = LastScaleStep if index == len(STRIDES) else ScaleStep
        return kind(self, index, route)

    def expert(self, stage: int, index: int) -> nn.Module:
        """One expert of a routed stage."""
        self.require_route(stage, (index,))
        return Expert(self, stage, index)

    def join(self, stage: int, count: int) -> nn.Module:
        """What follows `count` experts of a routed stage."""
        self.require_route(stage, tuple(range(count)))
        kind = LastScaleJoin if stage == len(STRIDES) else ScaleJoin
        return kind(self, stage)

    def _mixed(
        self, index: int, maps: Tensor, output: RoutedOutput, routes: Sequence[Route] | None
    ) -> Tensor:
        """What the experts of one scale add to maps `[B, W, H, W']`, each to its own images."""
        experts = cast("nn.ModuleList", self.experts[index])
        if self.config.is_dense:
            added: Tensor = experts[0](maps)
            return added
        logits = self.routers[index](maps)
        members, gates = select(logits, self.routing[index], routes[index] if routes else None)
        output.router_logits.append(logits)
        output.members.append(members)
        output.gates.append(gates)
        added = torch.zeros_like(maps)
        for number, expert in enumerate(experts):
            images = members[:, number].nonzero().flatten()
            if len(images):
                weight = gates[images, number, None, None, None].to(maps.dtype)
                added = added.index_add(0, images, weight * expert(maps[images]))
        return added


class DetectorStem(nn.Module):
    """What every image runs: images `[B, C, H, W]` to the maps of stride 8 and router logits."""

    def __init__(self, model: RoutedDetector) -> None:
        super().__init__()
        self.stem, self.router = model.stem, model.routers[0]

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """The maps `[B, W, H, W']`, and the logits `[B, E]` of the first router."""
        maps = self.stem(image)
        return {"maps": maps, "logits": self.router(maps)}


class _Onwards(nn.Module):
    """What follows the experts of the first two stages."""

    def __init__(self, model: RoutedDetector, index: int) -> None:
        super().__init__()
        self.name = f"scale_{index}"
        self.smaller, self.router = model.smaller[index - 1], model.routers[index]

    def forward(self, maps: Tensor) -> dict[str, Tensor]:
        """The scale that the head reads, the maps of the next one, and its router's logits."""
        smaller = self.smaller(maps)
        logits = self.router(smaller)
        return {self.name: maps, "maps": smaller, "logits": logits}


class _Experts(nn.Module):
    """The experts of one route, added to the maps that they take."""

    def __init__(self, model: RoutedDetector, index: int, route: Route) -> None:
        super().__init__()
        experts = cast("nn.ModuleList", model.experts[index - 1])
        self.experts = nn.ModuleList(experts[number] for number in route)

    def forward(self, maps: Tensor, gates: Tensor) -> Tensor:
        """Maps `[B, W, H, W']` and gates `[B, len(route)]`."""
        return _joined(maps, [expert(maps) for expert in self.experts], gates)


class Expert(nn.Module):
    """One expert of a stage."""

    def __init__(self, model: RoutedDetector, stage: int, index: int) -> None:
        super().__init__()
        self.expert = cast("nn.ModuleList", model.experts[stage - 1])[index]

    def forward(self, maps: Tensor) -> dict[str, Tensor]:
        """Maps `[B, W, H, W']` to what the expert adds to them."""
        return {"added": self.expert(maps)}


class ScaleStep(nn.Module):
    """A routed stage that another follows."""

    def __init__(self, model: RoutedDetector, index: int, route: Route) -> None:
        super().__init__()
        self.experts, self.end = _Experts(model, index, route), _Onwards(model, index)

    def forward(self, maps: Tensor, gates: Tensor) -> dict[str, Tensor]:
        """Maps `[B, W, H, W']` and gates `[B, len(route)]`."""
        given: dict[str, Tensor] = self.end(self.experts(maps, gates))
        return given


class LastScaleStep(nn.Module):
    """The last routed stage, and the head."""

    def __init__(self, model: RoutedDetector, index: int, route: Route) -> None:
        super().__init__()
        self.experts, self.head = _Experts(model, index, route), model.head

    def forward(
        self, scale_1: Tensor, scale_2: Tensor, maps: Tensor, gates: Tensor
    ) -> dict[str, Tensor]:
        """The scales before, maps and gates to rows `[B, N, 4 + C]`."""
        return {"found": self.head(scale_1, scale_2, self.experts(maps, gates))[1]}


class ScaleJoin(nn.Module):
    """As `ScaleStep`, of what experts gave."""

    def __init__(self, model: RoutedDetector, index: int) -> None:
        super().__init__()
        self.end = _Onwards(model, index)

    def forward(self, maps: Tensor, *outputs_and_gates: object) -> dict[str, Tensor]:
        """Maps, what each of k experts gave, and gates `[B, k]`."""
        given: dict[str, Tensor] = self.end(_joined_outputs(maps, outputs_and_gates))
        return given


class LastScaleJoin(nn.Module):
    """As `LastScaleStep`, of what experts gave."""

    def __init__(self, model: RoutedDetector, index: int) -> None:
        super().__init__()
        self.head = model.head

    def forward(
        self, scale_1: Tensor, scale_2: Tensor, maps: Tensor, *outputs_and_gates: object
    ) -> dict[str, Tensor]:
        """The scales before, maps, what each of k experts gave, and gates `[B, k]`."""
        scale_3 = _joined_outputs(maps, outputs_and_gates)
        return {"found": self.head(scale_1, scale_2, scale_3)[1]}


def _joined_outputs(maps: Tensor, outputs_and_gates: Sequence[object]) -> Tensor:
    """Maps and what modules of experts gave, with the gates as the last."""
    *outputs, gates = outputs_and_gates
    added = [cast("dict[str, Tensor]", output)["added"] for output in outputs]
    return _joined(maps, added, cast("Tensor", gates))


def _joined(maps: Tensor, added: Sequence[Tensor], gates: Tensor) -> Tensor:
    """Maps and what each expert adds to them, times its gate."""
    for slot, each in enumerate(added):
        maps = maps + gates[:, slot, None, None, None] * each
    return maps
