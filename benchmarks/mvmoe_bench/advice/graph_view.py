"""One view of a target's graphs, whatever format they are written in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mvmoe_bench.advice.contract import AdviceRule, Finding, GraphView, TargetView
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.errors import BundleError, MissingExtraError
from mvmoe_export.graph_operators import Op, ReadGraph
from mvmoe_export.targets import reader_of

Reading = Callable[[str], object]
"""Called with the path of a file before it is parsed."""


@dataclass(frozen=True)
class ReadError:
    """No rule of an engine: why graphs could not be looked at."""

    name: str
    reason: str
    source: str = "mvmoe_bench.advice: it reads graphs with the packages of their formats"

    def check(self, target: TargetView) -> Iterable[Finding]:
        """Nothing: reading says it."""
        return ()


NOT_INSTALLED = ReadError(
    "not-looked-at", "Without the operators only what the export recorded can be judged."
)
UNREADABLE = ReadError("unreadable", "An engine reads the same file, and will refuse it too.")


def view_target(
    bundle: Bundle, name: str, reading: Reading = len
) -> tuple[TargetView, Sequence[tuple[AdviceRule, Sequence[Finding]]]]:
    """The view of the target called `name`, and what kept graphs of it from being read."""
    record = bundle.target(name)
    read = reader_of(record.format, plugins=bundle.plugins)
    operators: dict[str, tuple[Op, ...]] = {}
    read_errors: dict[ReadError, list[Finding]] = {}
    if read is not None:
        operators, read_errors = _read(read, bundle.path, record.graphs, reading)
    graphs = tuple(
        GraphView(
            name=graph.name,
            stage=graph.stage,
            route=graph.route,
            ops=operators.get(graph.name),
            weight_bytes=graph.weight_bytes,
            placement=graph.placement,
        )
        for graph in record.graphs
    )
    view = TargetView(name, record, graphs, bundle.manifest.targets, bundle.plugins)
    return view, list(read_errors.items())


def _read(
    read: Callable[[Path, str], ReadGraph], root: Path, graphs: Iterable[Graph], reading: Reading
) -> tuple[dict[str, tuple[Op, ...]], dict[ReadError, list[Finding]]]:
    """The operators of graphs by name, and what there is to say of those that were not read."""

    @lru_cache(maxsize=1)  # Graphs of one file follow each other.
    def opened(file: str) -> ReadGraph:
        reading(file)
        return read(root, file)

    operators: dict[str, tuple[Op, ...]] = {}
    unreadable: list[Finding] = []
    for graph in graphs:
        try:
            operators[graph.name] = opened(graph.file)(graph)
        except MissingExtraError as error:
            text = f"The operators of its graphs were not read: {error}"
            return operators, {NOT_INSTALLED: [Finding("info", "", text)]}
        except BundleError as error:
            text = f"The graph cannot be read: {error}"
            unreadable.append(Finding("problem", "", text, graph.name))
    return operators, {UNREADABLE: unreadable}
