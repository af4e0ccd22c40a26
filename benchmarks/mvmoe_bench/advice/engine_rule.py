"""The form of our own rules: data that the advice and `docs/placement.md` are made of, and a check.

A rule of another distribution may have this form too, or any that fulfils `contract.AdviceRule`.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from mvmoe_bench.advice.contract import Finding, GraphView, Severity, TargetView
from mvmoe_bench.advice.wording import counted, plural
from mvmoe_export.accelerator import Accelerator, Fact
from mvmoe_export.graph_operators import Op
from mvmoe_export.sources import Citation, as_text

Value = TypeVar("Value")
Check = Callable[[TargetView], Iterable[Finding]]
FactOf = Callable[[Accelerator], Fact[Value] | None]
Said = Iterable[tuple[Severity, str]]
"""What there is to say of a graph or a target, and how grave it is."""


@dataclass(frozen=True, kw_only=True)
class EngineRule:
    """One thing that is known of an engine: see `contract.AdviceRule`."""

    name: str
    looks_at: str
    says: str
    """What is advised."""
    gravity: str
    """Which severity it has when."""
    reason: str
    sources: tuple[Citation, ...]
    check: Check

    @property
    def source(self) -> str:
        """Where it is known from, as one text."""
        return as_text(self.sources)


def accelerator_rule(
    name: str, fact: Fact[Value] | None, check: Check, *, gravity: str = "`warning`", **said: str
) -> EngineRule:
    """A rule on a fact that targets may state of any accelerator; `fact` is the one we know."""
    reason, sources = ("", ()) if fact is None else (fact.reason, fact.sources)
    return EngineRule(
        name=name, reason=reason, sources=sources, check=check, gravity=gravity, **said
    )


def of_targets(
    fact_of: FactOf[Value], say: Callable[[TargetView, Value, Accelerator], Said]
) -> Check:
    """The check that asks `say` of each target whose accelerator states a fact.

    It is given the target, the value of the fact, and the accelerator.
    """
    return lambda target: _findings(target, fact_of, partial(say, target))


def of_graphs(
    fact_of: FactOf[Value], say: Callable[[GraphView, Value, Accelerator], Said]
) -> Check:
    """The check that asks `say` of each graph of such targets."""

    def check(target: TargetView) -> Iterator[Finding]:
        for graph in target.graphs:
            yield from _findings(target, fact_of, partial(say, graph), graph.name)

    return check


def _findings(
    target: TargetView,
    fact_of: FactOf[Value],
    say: Callable[[Value, Accelerator], Said],
    graph: str | None = None,
) -> Iterator[Finding]:
    """What is said, with the reason and the sources of the fact that it rests on."""
    unit = target.accelerator
    fact = None if unit is None else fact_of(unit)
    if unit is not None and fact is not None:
        for severity, text in say(fact.value, unit):
            yield Finding(severity, unit.title, text, graph, fact.reason, as_text(fact.sources))


def of_operators(
    fact_of: FactOf[Value],
    matches: Callable[[Op, Value], bool],
    text: str,
    *,
    leaving: bool = True,
) -> Check:
    """The check that warns of each graph of such targets with operators that match.

    In `text`, `{unit}` is the accelerator, `{count}` the number of operators, `{operators}` that
    with its noun, `{types}` each type with its number. Without `leaving`, those that leave the
    accelerator anyway do not count.
    """

    def say(graph: GraphView, value: Value, unit: Accelerator) -> Said:
        elsewhere = () if leaving or unit.leaves is None else unit.leaves.value
        matching = (op for op in graph.known if matches(op, value))
        found = Counter(op.type for op in matching if op.type not in elsewhere)
        count = found.total()
        if count:
            operators, types = plural(count, "operator"), counted(found)
            yield (
                "warning",
                text.format(unit=unit.title, count=count, operators=operators, types=types),
            )

    return of_graphs(fact_of, say)
