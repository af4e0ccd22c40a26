"""Many images at once: stage by stage, the images of each stage grouped by route.

An expert that has to be loaded is so loaded once a batch, however the routes are mixed.
"""

from collections.abc import Iterator

import numpy as np

from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.errors import EngineError, PartialResultError
from mvmoe_deploy.routing import Rule
from mvmoe_deploy.runtime.buffers import InferenceBuffers
from mvmoe_deploy.runtime.graph_cache import GraphCache


def run_grouped(
    graphs: GraphCache,
    buffers: InferenceBuffers,
    rules: tuple[Rule, ...],
    images: np.ndarray,
) -> np.ndarray:
    """Class logits `[n, classes]` of preprocessed images `[n, C, H, W]`.

    Raises RoutingError for router logits that are not finite, PartialResultError with the other
    images' answers if some need a graph that does not load.
    """
    failed: dict[int, EngineError] = {}
    taken: dict[str, np.ndarray] = {}
    given = {"image": images}
    for stage in range(len(rules) + 1):
        taken, given = given, _room(buffers.outputs[stage], len(images))
        if stage:
            # Logits of images that failed before are zeros: their routes are never used.
            members, gates = rules[stage - 1].select(taken["logits"])
            taken["routes"] = np.nonzero(members)[1].reshape(len(images), -1)
            taken["gates"] = gates[members].reshape(len(images), -1)
        alive = [image for image in range(len(images)) if image not in failed]
        for graph, members in _groups(graphs, stage, taken, alive):
            try:
                _run_group(graphs, buffers, graph, members, taken=taken, given=given)
            except EngineError as error:
                failed |= dict.fromkeys(members.tolist(), error)
    answers = given["answer"]
    if failed:
        answers[list(failed)] = np.nan
        raise PartialResultError.of(failed, answers)
    return answers


def _room(outputs: dict[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """Arrays for what a stage gives for `count` images."""
    return {
        name: np.zeros((count, *array.shape[1:]), array.dtype) for name, array in outputs.items()
    }


def _groups(
    graphs: GraphCache, stage: int, taken: dict[str, np.ndarray], alive: list[int]
) -> Iterator[tuple[Graph, np.ndarray]]:
    """The images of a stage by the graph they need, graphs that are in memory first."""
    groups: dict[str, tuple[Graph, list[int]]] = {}
    for image in alive:
        route = tuple(taken["routes"][image].tolist()) if stage else None
        graph = graphs.graph(stage, route)
        groups.setdefault(graph.name, (graph, []))[1].append(image)
    resident = set(graphs.resident)
    for name in sorted(groups, key=lambda name: name not in resident):
        graph, members = groups[name]
        yield graph, np.array(members)


def _run_group(
    graphs: GraphCache,
    buffers: InferenceBuffers,
    graph: Graph,
    members: np.ndarray,
    *,
    taken: dict[str, np.ndarray],
    given: dict[str, np.ndarray],
) -> None:
    """Run one graph on some images, as many at a time as it takes."""
    call = graphs.call(buffers, graph)
    size = len(buffers.image)
    for start in range(0, len(members), size):
        part = members[start : start + size]
        if graph.stage == 0:
            buffers.image[: len(part)] = taken["image"][part]
        else:
            buffers.inputs[graph.stage]["tokens"][: len(part)] = taken["next_tokens"][part]
            for position, image in enumerate(part):
                buffers.route(graph.stage, position, taken["routes"][image], taken["gates"][image])
        call()
        for name, array in buffers.outputs[graph.stage].items():
            given[name][part] = array[: len(part)]
