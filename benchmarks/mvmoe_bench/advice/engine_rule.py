"""The form of our own rules: data that the advice and `docs/placement.md` are made of, and a check.

A rule of another distribution may have this form too, or any that fulfils `contract.Rule`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mvmoe_bench.advice.contract import Finding, GraphView, Op, Severity, TargetView
from mvmoe_bench.advice.wording import counted, plural
from mvmoe_export.sources import Source, as_text

NEURAL_ENGINE, CORE_ML = "Neural Engine", "Core ML"
"""As people call them."""

Check = Callable[[TargetView], Iterable[Finding]]
SayOfGraph = Callable[[GraphView], Iterable[tuple[Severity, str]]]
"""What there is to say of one graph, and how grave it is."""


@dataclass(frozen=True, kw_only=True)
class EngineRule:
    """One thing that is known of an engine: see `contract.Rule`."""

    name: str
    looks_at: str
    says: str
    """What is advised."""
    gravity: str
    """Which severity it has when."""
    reason: str
    sources: tuple[Source, ...]
    check: Check

    @property
    def source(self) -> str:
        """Where it is known from, as one text."""
        return as_text(self.sources)


def on_neural_engine(check: Check) -> Check:
    """A check of those targets alone whose graphs may run on the Neural Engine."""
    return lambda target: check(target) if target.on_neural_engine else ()


def graphs_on_neural_engine(say: SayOfGraph) -> Check:
    """The check that asks `say` of each graph that may run on the Neural Engine."""

    def check(target: TargetView) -> Iterator[Finding]:
        for graph in target.graphs:
            for severity, text in say(graph):
                yield Finding(severity, NEURAL_ENGINE, text, graph.name)

    return on_neural_engine(check)


def operators_on_neural_engine(matches: Callable[[Op], bool], text: str) -> Check:
    """The check that warns of each graph with operators that match, and may run on that unit.

    In `text`, `{count}` is their number, `{operators}` that with its noun, `{types}` each type with
    its number.
    """

    def say(graph: GraphView) -> Iterator[tuple[Severity, str]]:
        found = Counter(op.type for op in graph.known if matches(op))
        count = found.total()
        if count:
            operators = plural(count, "operator")
            yield "warning", text.format(count=count, operators=operators, types=counted(found))

    return graphs_on_neural_engine(say)
