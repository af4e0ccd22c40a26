"""Runner `aten-json`: calls NumPy for each operator of a graph of the target `aten-json`."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from mvmoe_deploy.bundle.manifest import Graph, Target
from mvmoe_deploy.runtime.contract import (
    Arrays,
    EngineVariant,
    RunnerDefaults,
    load_error,
    require_array,
    require_options,
    require_threads,
    run_error,
)


def _linear(tokens: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return tokens @ weight.T + bias


def _flatten(array: np.ndarray, first: int) -> np.ndarray:
    return array.reshape(*array.shape[:first], -1)


_OPERATORS: Mapping[str, Callable[..., np.ndarray]] = {
    "aten.add.Tensor": np.add,
    "aten.flatten.using_ints": _flatten,
    "aten.linear.default": _linear,
    "aten.mul.Tensor": np.multiply,
    "aten.neg.default": np.negative,
    "aten.select.int": lambda array, axis, index: array.take(index, axis),
    "aten.unsqueeze.default": np.expand_dims,
}


class AtenJsonRunner(RunnerDefaults):
    """Runs graphs of the target `aten-json`."""

    name = "aten-json"
    packages = ("numpy",)
    provider = "CPU"
    description = f"NumPy {np.__version__}"

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
        """A runner for the checked bundle at `root`; NumPy decides on its threads itself."""
        require_threads(threads)
        require_options(cls.name, {}, engine_options)
        return cls(root, target)

    @classmethod
    def variants(cls, target: Target) -> Sequence[EngineVariant]:
        """The CPU is all there is."""
        return [EngineVariant(engine=cls.description, provider=cls.provider)]

    def load(self, graph: str) -> "AtenJsonGraph":
        """Read a graph and its weights; raises EngineError that names it."""
        record = self._graphs[graph]
        path = self._root / record.file
        try:
            content = json.loads(path.read_text())
            weights = {
                name: np.load(path.parent / file, allow_pickle=False)
                for name, file in content["weights"].items()
            }
        except (OSError, ValueError, KeyError) as error:
            raise load_error(record, self.description, error) from error
        return AtenJsonGraph(record, content, weights)


class AtenJsonGraph:
    """A graph with its weights in memory."""

    def __init__(self, graph: Graph, content: Any, weights: dict[str, np.ndarray]) -> None:
        self._graph = graph
        self._content = content
        self._weights = weights

    def bind(self, inputs: Arrays, outputs: Arrays) -> Callable[[], None]:
        """A call that reads `inputs` and overwrites `outputs`."""
        for specs, arrays in ((self._graph.inputs, inputs), (self._graph.outputs, outputs)):
            for spec in specs:
                require_array(spec, arrays[spec.name])

        def call() -> None:
            try:
                self._run(inputs, outputs)
            except Exception as error:  # Whatever NumPy raises for a malformed graph.
                raise run_error(self._graph.name, AtenJsonRunner.description, error) from error

        return call

    def _run(self, inputs: Arrays, outputs: Arrays) -> None:
        """One operator after another."""
        values = {**self._weights, **inputs}

        def value(argument: Any) -> Any:
            return values[argument["value"]] if isinstance(argument, dict) else argument

        for step in self._content["calls"]:
            operator = _OPERATORS[step["operator"]]
            values[step["gives"]] = operator(*map(value, step["takes"]))
        for name, argument in self._content["gives"].items():
            np.copyto(outputs[name], value(argument))


PART = AtenJsonRunner
