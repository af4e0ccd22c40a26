"""The buffers of one inference in flight, made once and used again.

A dispatcher keeps as many sets as calls ever ran at once. Each graph is bound to a set the first
time it runs on it; after that a call allocates nothing here.
"""

from collections.abc import Sequence

import numpy as np

from mvmoe_deploy.bundle.manifest import Manifest, Strategy, Target
from mvmoe_deploy.routing import Route


class InferenceBuffers:
    """Arrays for every tensor that passes between host and graphs, one set for each stage.

    The tokens that a stage gives are the very array that the next one takes.
    """

    def __init__(self, manifest: Manifest, target: Target) -> None:
        self._strategy: Strategy = target.strategy
        self.inputs: list[dict[str, np.ndarray]] = []
        self.outputs: list[dict[str, np.ndarray]] = []
        for stage in range(len(manifest.stages)):
            graph = next(graph for graph in target.graphs if graph.stage == stage)
            inputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in graph.inputs}
            if stage:
                inputs["tokens"] = self.outputs[-1]["next_tokens"]
            self.inputs.append(inputs)
            self.outputs.append(
                {spec.name: np.zeros(spec.shape, spec.dtype) for spec in graph.outputs}
            )

    @property
    def image(self) -> np.ndarray:
        """The input of the stem `[B, C, H, W]`."""
        return self.inputs[0]["image"]

    @property
    def answer(self) -> np.ndarray:
        """The answer of the last stage `[B, classes]`."""
        return self.outputs[-1]["answer"]

    def route(self, stage: int, image: int, route: Route, gates: Sequence[float]) -> None:
        """Write the route and gates of the image at position `image` into a stage's inputs."""
        inputs = self.inputs[stage]
        row = inputs["gates"][image]
        if self._strategy == "all-experts":
            row[:] = 0
            for expert, gate in zip(route, gates, strict=True):
                row[expert] = gate
            return
        row[:] = gates
        if self._strategy == "gather":
            inputs["experts"][image] = route
