"""Weights that graphs take as inputs, mapped from the file of weights of their target."""

from pathlib import Path

import numpy as np

from mvmoe_deploy.bundle.integrity import read_errors
from mvmoe_deploy.bundle.manifest import Graph, Target
from mvmoe_deploy.routing import Route
from mvmoe_deploy.strategies import Strategy, stored_name


class StoredWeights:
    """The weights that the graphs of one target take as inputs; what is not used is not read."""

    def __init__(self, root: Path, target: Target, strategy: Strategy) -> None:
        self._root = root
        self._file = target.weights or ""
        self._tensors = target.tensors
        self._strategy = strategy

    def inputs(self, graph: Graph, route: Route) -> dict[str, np.ndarray]:
        """The weights that a graph takes for the images of a route, by the inputs' names.

        Raises BundleError if their file cannot be read, ResourceLimitError where a limit is met.
        """
        if not self._tensors:
            return {}
        found = {spec.name: self._strategy.content(spec.name, route) for spec in graph.inputs}
        return {
            name: self._mapped(stored_name(graph.stage, content))
            for name, content in found.items()
            if content is not None
        }

    def _mapped(self, name: str) -> np.ndarray:
        """One tensor, as it lies in the file."""
        tensor = self._tensors[name]
        kind = np.dtype(tensor.dtype).newbyteorder("<")
        with read_errors(self._root, self._file):
            path = self._root / self._file
            return np.asarray(np.memmap(path, kind, "r", tensor.offset, tensor.shape))
