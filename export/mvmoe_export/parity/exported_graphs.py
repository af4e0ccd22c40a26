"""The exported graphs of one target, run on tensors."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.buffers import graph_inputs
from mvmoe_deploy.runtime.contract import LoadedGraph, Runner, run
from mvmoe_deploy.runtime.memory import return_free_memory
from mvmoe_deploy.runtime.stored_weights import StoredWeights
from mvmoe_deploy.strategies import Strategy


class ExportedGraphs:
    """Runs exported graphs on tensors; a graph stays in memory until it is released."""

    def __init__(
        self, runner: Runner, root: Path, record: manifest.Target, strategy: Strategy
    ) -> None:
        self._runner = runner
        self._strategy = strategy
        self._weights = StoredWeights(root, record, strategy)
        self._loaded: dict[str, LoadedGraph] = {}
        self.is_evaluated = runner.stands_in_for is not None
        self._records = {graph.name: graph for graph in record.graphs}

    def run_stem(self, graph: str, images: Tensor) -> dict[str, Tensor]:
        """The outputs of the stem by name."""
        return self._run(self._records[graph], {"image": np.ascontiguousarray(images.numpy())})

    def run_step(
        self, graph: str, tensors: Mapping[str, Tensor], route: Route, gates: Tensor
    ) -> dict[str, Tensor]:
        """The outputs of a graph of a routed stage, for images that are all on one route.

        `tensors` `[B, ...]` are those that the stage before gave, gates `[B, len(route)]`.
        """
        record = self._records[graph]
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
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
