"""Which outputs of a graph are beyond their bounds, and how far."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.bundle.graph_stages import ROUTER_LOGITS
from mvmoe_deploy.bundle.manifest import Bounds
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.verification.used_bounds import conditioned
from mvmoe_export.flow import as_tuple
from mvmoe_export.parity.locating.graphs_in_turn import GraphCall
from mvmoe_export.parity.locating.value_limits import Limits
from mvmoe_export.stages import Stages


@dataclass(frozen=True)
class OutputDistance:
    """How far an output is off, and its bound, both relative to its largest value."""

    error: float
    bound: float

    @property
    def is_beyond(self) -> bool:
        """Whether it is further off than it may be."""
        return self.error > self.bound


def output_errors(
    stages: Stages, bounds: Bounds, call: GraphCall, given: Mapping[str, np.ndarray]
) -> dict[str, OutputDistance]:
    """The error of each output of a graph; of one with parts, such as boxes, of the worst part.

    Where one is beyond its bound, PyTorch is asked in double precision how far it is off itself.
    """
    wanted = {name: tensor.numpy() for name, tensor in call.wanted.items()}
    kinds = {name: _Kind.of(stages, call, name) for name in wanted}
    found = {name: kinds[name].error(given[name], wanted[name], bounds) for name in wanted}
    if not any(error.is_beyond for error in found.values()):
        return found
    for name, precise in _in_double(call).items():
        own = kinds[name].error(wanted[name], precise.numpy(), bounds).error
        allowed = conditioned(bounds, own, own) if np.isfinite(own) else bounds
        found[name] = kinds[name].error(given[name], wanted[name], allowed)
    return found


@dataclass(frozen=True)
class _Kind:
    """What an output of a graph is: a router's logits, an output of the model, or any tensor."""

    is_logits: bool
    kind: str | None

    @classmethod
    def of(cls, stages: Stages, call: GraphCall, name: str) -> Self:
        """That of an output by its name."""
        tensor = call.stage.flow.record.gives.get(name) if call.gives_stage else None
        routers = {record.router for record in stages.records} - {None} | {ROUTER_LOGITS}
        kinds = [output.kind for output in stages.outputs if tensor in output.tensors]
        return cls(tensor in routers, kinds[0] if kinds else None)

    def error(self, given: np.ndarray, wanted: np.ndarray, bounds: Bounds) -> OutputDistance:
        """How far an output is off, and its bound."""
        limits = Limits.of_router(bounds) if self.is_logits else Limits.of(bounds)
        found = max(limits.error(*part) for part in self._parts(given, wanted))
        return OutputDistance(found, limits.largest)

    def _parts(
        self, given: np.ndarray, wanted: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The parts of an output that are compared by themselves."""
        if self.kind is None:
            yield given, wanted
            return
        kind = find_kind(self.kind)
        ours = kind.values(given)
        for part, array in kind.values(wanted).items():
            yield ours[part], array


def _in_double(call: GraphCall) -> dict[str, Tensor]:
    """What a graph's module gives in double precision; nothing where it does not run there."""
    with torch.no_grad(), suppress(Exception, SystemExit):  # The model's own code.
        module = copy.deepcopy(call.module).double()
        inputs = (t.double() if t.dtype == torch.float32 else t for t in call.tensors)
        return dict(zip(call.spec.outputs, as_tuple(module(*inputs)), strict=True))
    return {}
