"""The buffers of one inference in flight, made once and used again.

A dispatcher keeps as many lanes as calls ever ran at once. Each graph is bound to a lane's
buffers the first time it runs there; after that a call allocates nothing here.
"""

import numpy as np

from mvmoe_deploy.bundle.manifest import Manifest, Strategy, Target


class Lane:
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

    def route(self, stage: int, routes: np.ndarray, gates: np.ndarray) -> None:
        """Write routes and gates `[n, k]` into a stage's inputs, as the strategy takes them."""
        inputs = self.inputs[stage]
        count = len(routes)
        if self._strategy == "all-experts":
            inputs["gates"][:count] = 0
            np.put_along_axis(inputs["gates"][:count], routes, gates, axis=1)
            return
        inputs["gates"][:count] = gates
        if self._strategy == "gather":
            inputs["experts"][:count] = routes
