"""Calibration images on their way through a model's stages, each expert with enough of them.

Images take their own routes. An expert that fewer than `LEAST_IMAGES` of them reach is given more:
those whose logits speak most for it are sent there besides, since ranges of one or two images say
little of the next one. So are routes that none of them takes, which may have a graph each.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.samples import Samples
from mvmoe_deploy.verification.run_stages import (
    Vectors,
    rows_of,
    run_stages,
    run_stem,
)
from mvmoe_export.flow import ModelFlow, flow_of
from mvmoe_export.parity.torch_stages import TorchStages
from mvmoe_export.stage_calls import StageCall, batches
from mvmoe_export.stages import MAX_GRAPHS

LEAST_IMAGES = 8
"""Of each expert: eight were enough to set ranges, one was not."""


@dataclass(frozen=True)
class CalibrationRun:
    """What a model's stages took for calibration images."""

    calls: tuple[StageCall, ...]
    record: manifest.Calibration

    def batches(self, stage: int, route: Route, size: int) -> Iterator[list[Tensor]]:
        """What a stage took down a route, in batches of `size`; the last is filled up."""
        return batches(self.calls, stage, route, size)

    @property
    def range_bytes(self) -> int:
        """The bytes of what ranges are set by."""
        return sum(array.nbytes for call in self.calls for array in call.for_ranges().inputs)


def require_images(samples: Samples, data: str) -> None:
    """Refuse images that say too little of a model; raises InputError."""
    count = len(samples.names)
    if count < LEAST_IMAGES:
        raise InputError(
            f"--calibrate {data} has {count} images; give at least {LEAST_IMAGES}, as many and as "
            "different as the model will see",
            code="input.option",
            name="calibrate",
            given=count,
        )
    if samples.class_labels is not None and len(np.unique(samples.class_labels)) == 1:
        raise InputError(
            f"--calibrate {data} has images of one class only; give images of all classes: ranges "
            "of one say little of the others",
            code="input.option",
            name="calibrate",
        )


def record_stages(model: RoutedModel, inputs: np.ndarray) -> CalibrationRun:
    """Take images `[n, C, H, W]` through all stages; raises InputError for what stages raise."""
    flow = flow_of(model)
    engine = _Recorder(model, flow)
    start = run_stem(engine, flow.records, inputs)
    vectors = run_stages(engine, flow.records, flow.outputs, start)
    routed, forced = [], []
    for stage, rule in enumerate(model.routing, start=1):
        counts = vectors[f"members.{stage}"].sum(axis=0)
        sent = np.zeros(rule.experts, np.int64)
        for route, images in _forced(model, vectors, stage):
            sent[list(route)] += len(images)
            members = [vectors[f"members.{each + 1}"][images] for each in range(len(model.routing))]
            members[stage - 1] = _members(rule.experts, route, len(images))
            run_stages(engine, flow.records, flow.outputs, rows_of(start, images), imposed=members)
        routed.append(tuple(int(count) for count in counts))
        forced.append(tuple(int(count) for count in sent))
    record = manifest.Calibration(
        images=len(inputs),
        sha256=hashlib.sha256(np.ascontiguousarray(inputs).data).hexdigest(),
        routed=tuple(routed),
        forced=tuple(forced),
    )
    return CalibrationRun(tuple(engine.calls), record)


class _Recorder(TorchStages):
    """A model's stages, which remember what they were given."""

    def __init__(self, model: RoutedModel, flow: ModelFlow) -> None:
        super().__init__(model, flow)
        self.calls: list[StageCall] = []

    def stem(self, images: np.ndarray) -> Vectors:
        """What the stem gives."""
        self.calls.append(StageCall(0, (), (images,)))
        return super().stem(images)

    def step(self, stage: int, route: Route, tensors: Vectors, gates: np.ndarray) -> Vectors:
        """What a routed stage gives."""
        names = self.flows[stage].record.takes
        inputs = (*(tensors[name] for name in names), gates)
        self.calls.append(StageCall(stage, route, inputs))
        return super().step(stage, route, tensors, gates)


def _forced(model: RoutedModel, vectors: Vectors, stage: int) -> Iterator[tuple[Route, np.ndarray]]:
    """Routes of a stage to send images down besides, each with these images.

    First for experts that too few images take, then the routes that still none has taken, if there
    are not very many: a graph for each has ranges of its own.
    """
    rule = model.routing[stage - 1]
    members = vectors[f"members.{stage}"]
    taken = {route_of(row) for row in members if row.any()}
    for expert in rule.usable:
        missing = LEAST_IMAGES - int(members[:, expert].sum())
        route = next(iter(rule.cover([expert])))
        images = _speaking_for(vectors, stage, (expert,), max(missing, 0))
        if len(images):
            taken.add(route)
            yield route, images
    for route in rule.routes() if rule.count() <= MAX_GRAPHS else ():
        images = _speaking_for(vectors, stage, route, LEAST_IMAGES)
        if route not in taken and len(images):
            yield route, images


def _speaking_for(vectors: Vectors, stage: int, route: Route, most: int) -> np.ndarray:
    """Images that do not take all experts of a route, those whose logits speak most for it first.

    Only such as reach the stage.
    """
    members = vectors[f"members.{stage}"]
    logits = vectors.get(f"logits.{stage}", np.zeros(members.shape, np.float32))
    others = np.flatnonzero(~members[:, list(route)].all(axis=1) & members.any(axis=1))
    wanting = np.argsort(-logits[others][:, list(route)].sum(axis=1), kind="stable")
    return others[wanting[:most]]


def _members(experts: int, route: Route, count: int) -> np.ndarray:
    """The membership `[n, E]` of a route."""
    members = np.zeros((count, experts), bool)
    members[:, list(route)] = True
    return members
