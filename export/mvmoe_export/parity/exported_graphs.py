"""The exported graphs of one target, run on tensors."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.buffers import graph_inputs, tensor_inputs
from mvmoe_deploy.runtime.contract import LoadedGraph, Runner, run
from mvmoe_deploy.runtime.freed_memory import return_free_memory
from mvmoe_deploy.runtime.stored_weights import StoredWeights
from mvmoe_deploy.strategies import Strategy, slot_input


class ExportedGraphs:
    """Runs exported graphs on tensors; a graph stays in memory until it is released."""

    def __init__(
        self, runner: Runner, root: Path, record: manifest.Target, strategy: Strategy
    ) -> None:
        self._runner = runner
        self._strategy = strategy
        self._weights = StoredWeights(root, record)
        self._loaded: dict[str, LoadedGraph] = {}
        self.is_evaluated = runner.stands_in_for is not None
        self._records = {graph.name: graph for graph in record.graphs}
        self._places = {(graph.stage, graph.route): graph for graph in record.graphs}

    def run_stem(self, graph: str, images: Tensor) -> dict[str, Tensor]:
        """The outputs of the stem by name."""
        return self._run(self._records[graph], {"image": np.ascontiguousarray(images.numpy())})

    def run_alone(self, graph: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The outputs of a graph that takes these tensors and nothing else."""
        return self._run(self._records[graph], _arrays(tensors))

    def run_step(
        self, stage: int, tensors: Mapping[str, Tensor], route: Route, gates: Tensor
    ) -> dict[str, Tensor]:
        """What the graphs of a routed stage give for images that are all on one route.

        `tensors` `[B, ...]` are those that the stage takes, gates `[B, len(route)]`.
        """
        *experts, last = [self._places[stage, place] for place in self._strategy.serving(route)]
        known = dict(tensors)
        for slot, expert in enumerate(experts):
            given = self.run_expert(expert.name, tensors)
            known |= {slot_input(slot, name): tensor for name, tensor in given.items()}
        return self.run_last(last.name, known, route, gates)

    def run_expert(self, graph: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The outputs of an expert's graph, for those tensors of its stage that it takes."""
        record = self._records[graph]
        return self._run(record, tensor_inputs(record, _arrays(tensors)))

    def run_last(
        self, graph: str, tensors: Mapping[str, Tensor], route: Route, gates: Tensor
    ) -> dict[str, Tensor]:
        """The outputs of a route's last graph; `tensors` are also those of its slots."""
        record, arrays = self._records[graph], _arrays(tensors)
        weights = self._weights.inputs(record, route)
        inputs = graph_inputs(record, self._strategy, arrays, route, gates.numpy(), weights=weights)
        return self._run(record, inputs)

    def release(self, graph: str) -> None:
        """Free the memory of a graph that is not needed any more."""
        self._loaded.pop(graph, None)
        return_free_memory()

    def _run(self, graph: manifest.Graph, inputs: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
        """The outputs of a graph by name."""
        outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in graph.outputs}
        if graph.name not in self._loaded:
            self._loaded[graph.name] = self._runner.load(graph.name)
        given = run(self._loaded[graph.name], inputs, outputs)
        return {name: torch.from_numpy(array) for name, array in given.items()}


def _arrays(tensors: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in tensors.items()}
