"""The exported graphs of one target, run on tensors."""

import numpy as np
import torch
from torch import Tensor

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.runtime.contract import LoadedGraph, Runner, run
from mvmoe_deploy.runtime.memory import return_free_memory


class ExportedGraphs:
    """Runs exported graphs on tensors; a graph stays in memory until it is released."""

    def __init__(self, runner: Runner, record: manifest.Target) -> None:
        self._runner = runner
        self._loaded: dict[str, LoadedGraph] = {}
        self.is_evaluated = runner.stands_in_for is not None
        self._records = {graph.name: graph for graph in record.graphs}

    def run(self, graph: str, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """The outputs of a graph by name."""
        record = self._records[graph]
        feeds = {
            spec.name: np.ascontiguousarray(inputs[spec.name].numpy(), spec.dtype)
            for spec in record.inputs
        }
        outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in record.outputs}
        if graph not in self._loaded:
            self._loaded[graph] = self._runner.load(graph)
        given = run(self._loaded[graph], feeds, outputs)
        return {name: torch.from_numpy(array) for name, array in given.items()}

    def release(self, graph: str) -> None:
        """Drop a graph that is done with."""
        self._loaded.pop(graph, None)
        return_free_memory()
