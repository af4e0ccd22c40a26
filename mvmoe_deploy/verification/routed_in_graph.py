"""A target whose only graph has its routers inside, as an engine of whole images."""

from collections.abc import Sequence

import numpy as np

from mvmoe_deploy.bundle.golden import logits_in
from mvmoe_deploy.bundle.graph_stages import ROUTER_LOGITS, STEERING, columns_of
from mvmoe_deploy.bundle.manifest import IMAGE, Manifest, Target
from mvmoe_deploy.routing import Route
from mvmoe_deploy.runtime.contract import Runner, run
from mvmoe_deploy.verification.run_stages import StageEngine, Vectors, in_chunks
from mvmoe_deploy.verification.steering import steered_way

_MARGIN = 1e-6
"""By how much logits are moved towards a route that rounding has missed, of the largest logit."""

_MOST = 1e-3
"""The most by which they are moved for that, where the engine is further off."""

_STAYS = 1e-5
"""What is added to logits has found its value when it changes by less."""


class RoutedInGraph:
    """One graph with its routers inside (see `ImageEngine`)."""

    def __init__(self, runner: Runner, manifest: Manifest, record: Target) -> None:
        self._runner = runner
        self._stages, self._outputs, self._rules = manifest.stages, manifest.outputs, manifest.rules
        self._batch = record.batch
        (self._graph,) = record.graphs
        self._columns = columns_of(self._rules)

    def start(self, images: np.ndarray) -> Vectors:
        """Nothing but the images: the graph begins with them."""
        return {IMAGE: images}

    def own(self, start: Vectors) -> Vectors:
        """Images down the routes that the graph selects."""
        images = start[IMAGE]
        return self.steered(images, np.zeros((len(images), self._columns[-1].stop), np.float32))

    def down(self, start: Vectors, wanted: Vectors) -> Vectors:
        """Images steered to the reference's own logits, and a little towards its routes.

        What is added changes gates by as little as rounding does. A router's logits are those of
        the right way only if the routers before it are right: so it is done again for each router,
        until what has to be added stays.
        """
        images, found = start[IMAGE], self.own(start)
        steering = self._towards(wanted, found)
        for _ in self._rules:
            found = self.steered(images, steering)
            before, steering = steering, self._towards(wanted, found)
            if self._have_same_routes(found, wanted) and np.allclose(steering, before, atol=_STAYS):
                break
        return found

    def unreached(
        self, model: StageEngine, start: Vectors, stage: int, routes: Sequence[Route]
    ) -> tuple[Vectors, Vectors] | None:
        """Steered far from every other route, which gives it gates that are not small."""
        way = steered_way(model, self._stages, self._outputs, start[IMAGE], routes)
        return None if way is None else (way.vectors, self.steered(start[IMAGE], way.steering))

    def steered(self, images: np.ndarray, steering: np.ndarray) -> Vectors:
        """What the graph gives for images `[n, C, H, W]` and steering `[n, sum of E]`.

        Logits are as the routers gave them, routes and gates those that the rules select from
        them and the steering.
        """
        loaded = self._runner.load(self._graph.name)
        parts = []
        for rows in in_chunks(len(images), self._batch):
            outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in self._graph.outputs}
            inputs = {IMAGE: np.ascontiguousarray(images[rows]), STEERING: steering[rows]}
            parts.append(run(loaded, inputs, outputs))
        given = {
            name: np.concatenate([part[name] for part in parts])[: len(images)] for name in parts[0]
        }
        vectors = {f"outputs.{output.name}": given[output.name] for output in self._outputs}
        for number, (rule, columns) in enumerate(zip(self._rules, self._columns, strict=True), 1):
            logits = given[ROUTER_LOGITS][:, columns]
            members, gates = rule.select(logits + steering[:, columns])
            vectors[f"logits.{number}"] = logits
            vectors |= {f"members.{number}": members, f"gates.{number}": gates}
        return vectors

    def _towards(self, wanted: Vectors, found: Vectors) -> np.ndarray:
        """What takes the logits `[n, sum of E]` that were found to the wanted ones, and beyond."""
        parts = []
        for number in range(1, len(self._stages)):
            logits, own = logits_in(wanted, number), logits_in(found, number)
            largest = np.abs(logits).max(axis=1, keepdims=True)
            off = np.minimum(np.abs(logits - own).max(axis=1, keepdims=True), _MOST * largest)
            beyond = np.where(wanted[f"members.{number}"], _MARGIN * largest + off, 0)
            parts.append(logits - own + beyond)
        return np.concatenate(parts, axis=1).astype(np.float32)

    def _have_same_routes(self, found: Vectors, wanted: Vectors) -> bool:
        """Whether all images have the routes of the reference."""
        names = [f"members.{number}" for number in range(1, len(self._stages))]
        return all(np.array_equal(found[name], wanted[name]) for name in names)
