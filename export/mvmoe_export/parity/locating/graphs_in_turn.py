"""The graphs that serve an image, one after the other, each on what PyTorch gives it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.graph_stages import STEERING, steering_type
from mvmoe_deploy.bundle.manifest import IMAGE
from mvmoe_deploy.models.gating import select
from mvmoe_deploy.models.user_code import user_code
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.buffers import graph_inputs, tensor_inputs
from mvmoe_deploy.runtime.contract import Runner, run
from mvmoe_deploy.runtime.stored_weights import StoredWeights
from mvmoe_deploy.strategies import slot_input
from mvmoe_deploy.verification.faults import ShownBy
from mvmoe_deploy.verification.steering import steered_way
from mvmoe_export.flow import as_tuple
from mvmoe_export.parity.torch_stages import TorchStages
from mvmoe_export.stages import GraphSpec, Stages, StageSpec

_Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class GraphCall:
    """One graph with inputs, and what the model gives for them."""

    stage: StageSpec
    route: Route
    spec: GraphSpec
    module: nn.Module
    """What the graph does, with the weights of the route's experts where those are inputs."""
    record: manifest.Graph
    inputs: Mapping[str, np.ndarray]
    wanted: Mapping[str, Tensor]
    gives_stage: bool
    """Whether its outputs are those of its stage, not of an expert that another graph joins."""

    @property
    def tensors(self) -> list[Tensor]:
        """The inputs as the graph's program takes them, in order."""
        return _as_module_takes(self.spec, self.inputs)

    def given(self, runner: Runner) -> _Arrays:
        """What the exported graph gives."""
        outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in self.record.outputs}
        return dict(run(runner.load(self.record.name), self.inputs, outputs))


class GraphsInTurn:
    """The graphs of one target, asked on inputs of the model's own."""

    def __init__(self, stages: Stages, record: manifest.Target, weights: StoredWeights) -> None:
        self._stages = stages
        self._weights = weights
        self._records = {(graph.stage, graph.route): graph for graph in record.graphs}

    def on_the_way(self, shown: ShownBy) -> Iterator[GraphCall]:
        """Every graph that serves an image, stem first."""
        rows = np.repeat(shown.image, self._stages.batch, axis=0)
        if self._stages.routers == manifest.IN_GRAPH:
            yield from self._whole(rows, shown.routes)
            return
        state: dict[str, Tensor] = {IMAGE: torch.from_numpy(rows)}
        for spec, route in zip(self._stages.specs, [(), *shown.routes], strict=True):
            flow = spec.flow
            if spec.index and (not route or route in flow.record.finishes):
                return  # The image was finished.
            tensors = dict(zip(flow.record.takes, flow.taken(state), strict=True))
            gates = self._gates(spec, state, route, unit=spec.index == shown.unit_gate_stage)
            for call in self.in_stage(spec, route, tensors, gates):
                yield call
            state |= {flow.record.gives[name]: tensor for name, tensor in call.wanted.items()}

    def _whole(self, images: np.ndarray, routes: Sequence[Route]) -> Iterator[GraphCall]:
        """The graph that routes by itself, steered down an image's routes."""
        flow = self._stages.flow
        engine = TorchStages(self._stages.model, flow)
        way = steered_way(engine, flow.records, flow.outputs, images, routes)
        steering = np.zeros(
            steering_type(self._stages.model.routing, len(images)).shape, np.float32
        )
        if way is not None:
            steering = way.steering
        tensors = {IMAGE: torch.from_numpy(images), STEERING: torch.from_numpy(steering)}
        yield from self.in_stage(self._stages.specs[0], (), tensors, torch.ones(len(images), 0))

    def in_stage(
        self, stage: StageSpec, route: Route, tensors: Mapping[str, Tensor], gates: Tensor
    ) -> Iterator[GraphCall]:
        """Every graph that serves a route of a stage, for tensors `[B, ...]` and gates `[B, k]`."""
        strategy = self._stages.strategy
        *experts, last = strategy.serving(route) if stage.index else (None,)
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        known = dict(arrays)
        for slot, place in enumerate(experts):
            record = self._records[stage.index, place]
            inputs = tensor_inputs(record, arrays)
            call = self._call(stage, route, record, inputs, gives_stage=False)
            yield call
            known |= {slot_input(slot, name): t.numpy() for name, t in call.wanted.items()}
        record = self._records[stage.index, last]
        inputs = known
        if stage.index:
            weights = self._weights.inputs(record, route)
            inputs = graph_inputs(record, strategy, known, route, gates.numpy(), weights=weights)
        yield self._call(stage, route, record, inputs, gives_stage=True)

    def _gates(
        self, spec: StageSpec, state: Mapping[str, Tensor], route: Route, *, unit: bool
    ) -> Tensor:
        """The gates `[B, k]` of a route; none for the stem."""
        batch = self._stages.batch
        if unit or spec.rule is None:
            return torch.ones(batch, len(route), dtype=torch.float32)
        return select(spec.flow.logits(state), spec.rule, route)[1][:, list(route)]

    def _call(
        self,
        stage: StageSpec,
        route: Route,
        record: manifest.Graph,
        inputs: Mapping[str, np.ndarray],
        *,
        gives_stage: bool,
    ) -> GraphCall:
        """A graph with inputs, its module having been asked."""
        spec = next(graph for graph in stage.graphs if graph.name == record.name)
        # A graph to which weights are bound was made of other experts than this route's.
        module = stage.flow.module(self._stages.model, route) if spec.bound else spec.build()
        with torch.no_grad(), user_code(f"graph {spec.name}"):
            found = as_tuple(module(*_as_module_takes(spec, inputs)))
        wanted = {name: t.detach() for name, t in zip(spec.outputs, found, strict=True)}
        return GraphCall(stage, route, spec, module, record, inputs, wanted, gives_stage)


def _as_module_takes(spec: GraphSpec, inputs: Mapping[str, np.ndarray]) -> list[Tensor]:
    """A graph's inputs as copies for its module, which may have wider integers."""
    return [
        torch.from_numpy(np.array(inputs[name])).to(example.dtype)
        for name, example in spec.inputs.items()
    ]
