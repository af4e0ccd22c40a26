"""A directory of whole-model graphs, and how one is made ready to run. No PyTorch here.

The graphs run through the product's own runners: with their options and their bindings, so that
only what is compared differs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import msgspec
import numpy as np

from mvmoe_bench.measure.schema.records import Routes
from mvmoe_deploy.bundle.manifest import Target
from mvmoe_deploy.runtime.contract import Runner
from mvmoe_deploy.runtime.runners import open_runner


@dataclass(frozen=True)
class GraphSet:
    """Graphs from image to answer below one directory, with the record that describes them."""

    RECORD: ClassVar[str] = "record.json"

    path: Path

    def open(
        self, threads: int | None, engine_options: Mapping[str, str] | None = None
    ) -> "OpenGraphs":
        """A runner for these graphs; `threads` for each."""
        record = msgspec.json.decode((self.path / self.RECORD).read_bytes(), type=Target)
        return OpenGraphs(
            record, open_runner(self.path, record, threads, engine_options, plugins=True)
        )


class OpenGraphs:
    """Whole-model graphs over one pair of buffers."""

    def __init__(self, record: Target, runner: Runner) -> None:
        graph = record.graphs[0]
        self.runner = runner
        self._inputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in graph.inputs}
        self._outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in graph.outputs}

    def load(self, name: str) -> Callable[[np.ndarray], np.ndarray]:
        """A call that answers an image `[1, C, H, W]` with a new array `[1, classes]`.

        As `Dispatcher.run` does: the image goes into the bound buffer, the answer is a copy.
        """
        call = self.runner.load(name).bind(self._inputs, self._outputs)
        image, answer = self._inputs["image"], self._outputs["answer"]

        def run(given: np.ndarray) -> np.ndarray:
            np.copyto(image, given, casting="same_kind")
            call()
            return answer.copy()

        return run


def graph_name(routes: Routes) -> str:
    """What the static graph of a route, or of a route for each routed stage, is called."""
    stages = ("_".join(f"e{expert}" for expert in route) for route in routes)
    return f"static_{'__'.join(stages)}"
