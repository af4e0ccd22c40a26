"""Runs a `coreml` target's graphs with the MIL evaluator, on systems without Core ML."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from mvmoe_deploy.bundle.manifest import Graph, Target
from mvmoe_deploy.errors import EngineError, MvmoeError
from mvmoe_deploy.runtime.contract import (
    Arrays,
    RunnerDefaults,
    Signature,
    require_array,
    require_options,
    require_signature,
    require_threads,
)
from mvmoe_deploy.runtime.pixels import pixels

if TYPE_CHECKING:
    from mvmoe_deploy.runtime.runners.coreml_reference.function import MilFunction
    from mvmoe_deploy.runtime.runners.coreml_reference.tensors import MilTensorType

_NAME = "MIL reference evaluator (NumPy): slow, for checking only"


class CoreMLReferenceRunner(RunnerDefaults):
    """Runs the graphs of a `coreml` target, one function each.

    A graph's `file` is the directory of a `.mlpackage`; its `entry` is the function's name there,
    None for the one that the package runs by default.
    """

    name = "coreml-reference"
    extra = "coreml"
    packages = ("coremltools",)
    stands_in_for = "Core ML"

    def __init__(self, root: Path, target: Target) -> None:
        self._root = root
        self._graphs = {graph.name: graph for graph in target.graphs}

    @classmethod
    def open(
        cls,
        root: Path,
        target: Target,
        threads: int | None,
        engine_options: Mapping[str, str] | None = None,
    ) -> Self:
        """A runner for the checked bundle at `root`; raises MissingExtraError, InputError.

        `threads` is checked and not used: NumPy has one number of threads for the whole process.
        """
        require_threads(threads)
        require_options("the MIL reference evaluator", {}, engine_options)
        import mvmoe_deploy.runtime.runners.coreml_reference.load  # noqa: F401  Says now that coremltools is missing.

        return cls(root, target)

    @property
    def provider(self) -> str:
        """NumPy computes."""
        return "NumPy"

    @property
    def description(self) -> str:
        """What this is, and that it is no engine."""
        return _NAME

    def load(self, graph: str) -> "CoreMLReferenceGraph":
        """A function for a graph, compared with the manifest; raises EngineError that names it."""
        return self._open(self._graphs[graph])

    def _open(self, graph: Graph) -> "CoreMLReferenceGraph":
        """Load a function and compare it with what the manifest says of the graph."""
        from mvmoe_deploy.runtime.runners.coreml_reference.load import load_function

        try:
            function = load_function(self._root / graph.file, graph.entry)
        except MvmoeError as error:
            raise EngineError(
                f"graph {graph.name} ({graph.file}) does not load in the MIL evaluator: {error}",
                code="engine.load-failed",
                graph=graph.name,
            ) from error
        require_signature(graph, _signatures(function.inputs), _signatures(function.outputs))
        return CoreMLReferenceGraph(graph, function)


class CoreMLReferenceGraph:
    """One function."""

    def __init__(self, graph: Graph, function: "MilFunction") -> None:
        self._graph = graph
        self._function = function

    def bind(self, inputs: Arrays, outputs: Arrays) -> Callable[[], None]:
        """A call that evaluates the function and copies its results to `outputs`."""
        for spec in self._graph.inputs:
            require_array(spec, inputs[spec.name])
        for spec in self._graph.outputs:
            require_array(spec, outputs[spec.name])

        def call() -> None:
            try:
                result = self._function.run(
                    {spec.name: pixels(spec, inputs[spec.name]) for spec in self._graph.inputs}
                )
            except EngineError as error:
                raise EngineError(
                    f"graph {self._graph.name}: {error}",
                    code="engine.run-failed",
                    graph=self._graph.name,
                ) from error
            for spec in self._graph.outputs:
                np.copyto(outputs[spec.name], result[spec.name])

        return call


def _signatures(tensors: "Mapping[str, MilTensorType]") -> list[Signature]:
    return [(name, list(type_.shape), type_.dtype) for name, type_ in tensors.items()]
