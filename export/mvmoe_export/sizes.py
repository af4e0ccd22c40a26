"""What weighs how much: which weights all images need, and which belong to one expert.

Made from what each graph reads, when that is known: at export.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import TypeVar

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.routing import Route
from mvmoe_export.stages import Stages

K = TypeVar("K", bound=Hashable)
Reads = Mapping[str, Mapping[K, int]]
"""For each graph by name, the contents that it reads and their bytes."""


def sizes(
    stages: Stages, reads: Reads[K], bound: tuple[tuple[int, ...], ...] = ()
) -> manifest.Sizes:
    """Bytes of all distinct weights, of those that no expert owns, and of each expert's own.

    An expert owns what is read by graphs of one stage only, all on routes that it is on. Experts
    have no bytes of their own where the strategy does not separate them. `bound` are the bytes of
    each stage's experts where graphs take those as inputs; what graphs read beside them is shared.
    """
    bytes_of = {key: size for contents in reads.values() for key, size in contents.items()}
    if stages.strategy.binds_weights:
        shared = sum(bytes_of.values())
        return manifest.Sizes(
            distinct_bytes=shared + sum(map(sum, bound)), shared_bytes=shared, expert_bytes=bound
        )
    owners = {key: _owners(readers) for key, readers in _readers(stages, reads).items()}
    experts = tuple(
        tuple(
            sum(bytes_of[key] for key, owned in owners.items() if (stage, expert) in owned)
            for expert in range(rule.experts)
        )
        for stage, rule in enumerate(stages.model.routing, start=1)
    )
    return manifest.Sizes(
        distinct_bytes=sum(bytes_of.values()),
        shared_bytes=sum(bytes_of[key] for key, owned in owners.items() if not owned),
        expert_bytes=experts if stages.strategy.separates_experts else (),
    )


def exclusive(reads: Reads[K]) -> dict[str, int]:
    """For each graph the bytes that no other graph reads."""
    times: dict[K, int] = defaultdict(int)
    for contents in reads.values():
        for key in contents:
            times[key] += 1
    return {
        graph: sum(size for key, size in contents.items() if times[key] == 1)
        for graph, contents in reads.items()
    }


def _readers(stages: Stages, reads: Reads[K]) -> dict[K, list[tuple[int, Route]]]:
    """Stage and route of every graph that reads a content."""
    readers = defaultdict(list)
    for stage, graph in stages.graphs:
        for key in reads[graph.name]:
            readers[key].append((stage.index, graph.route or ()))
    return readers


def _owners(readers: list[tuple[int, Route]]) -> set[tuple[int, int]]:
    """The experts, by stage, that are on the route of every reader."""
    routes = [{(stage, expert) for expert in route} for stage, route in readers]
    return set.intersection(*routes)
