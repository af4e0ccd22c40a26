"""One view of a target's graphs, whatever format they are written in."""

from collections.abc import Callable, Mapping

import msgspec

from mvmoe_bench.advice.contract import Finding, GraphView, Op, Rule, TargetView
from mvmoe_bench.advice.readers import Reader, UnreadableGraph, find_reader
from mvmoe_bench.advice.rules.unread import NOT_INSTALLED, UNREADABLE
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.manifest import Graph, Target
from mvmoe_deploy.errors import MissingExtraError

Ops = tuple[Op, ...]


Reading = Callable[[str], object]
"""Called with the path of a file before it is parsed."""


def view_target(
    bundle: Bundle, name: str, reading: Reading = len
) -> tuple[TargetView, list[tuple[Rule, tuple[Finding, ...]]]]:
    """The view of the target called `name`, and what kept graphs of it from being read."""
    record = bundle.target(name)
    read = find_reader(record.format, plugins=bundle.plugins)
    read_errors: list[tuple[Rule, tuple[Finding, ...]]] = []
    ops: Mapping[str, Ops | UnreadableGraph] = {}
    if read is not None:
        try:
            ops = _read_by_file(read, bundle, record, reading)
        except MissingExtraError as error:
            read_errors.append((NOT_INSTALLED, NOT_INSTALLED.finding(str(error))))
    unread = {
        graph: problem for graph, problem in ops.items() if isinstance(problem, UnreadableGraph)
    }
    if unread:
        read_errors.append((UNREADABLE, UNREADABLE.findings(unread)))
    graphs = tuple(_graph(graph, ops.get(graph.name)) for graph in record.graphs)
    return TargetView(name, record, graphs, bundle.manifest.targets), read_errors


def _read_by_file(
    read: Reader, bundle: Bundle, record: Target, reading: Reading
) -> Mapping[str, Ops | UnreadableGraph]:
    """The operators of all graphs, read file by file."""
    by_file: dict[str, list[Graph]] = {}
    for graph in record.graphs:
        by_file.setdefault(graph.file, []).append(graph)
    ops: dict[str, Ops | UnreadableGraph] = {}
    for file, graphs in by_file.items():
        reading(file)
        ops |= read(bundle.path, msgspec.structs.replace(record, graphs=tuple(graphs)))
    return ops


def _graph(graph: Graph, ops: Ops | UnreadableGraph | None) -> GraphView:
    """The view of one graph."""
    return GraphView(
        name=graph.name,
        stage=graph.stage,
        route=graph.route,
        ops=None if isinstance(ops, UnreadableGraph) else ops,
        weight_bytes=graph.weight_bytes,
        placement=graph.placement,
    )
