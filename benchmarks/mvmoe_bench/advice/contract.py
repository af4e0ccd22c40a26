"""What a rule of the advisor sees, and what it gives back.

A rule is one file in `rules/` whose `PART` is an object as `AdviceRule` says. Another distribution
brings its own as the part `advice.NAME` (see `mvmoe_deploy.part_lookup`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.routing import Route
from mvmoe_deploy.strategies import Strategy, find_strategy
from mvmoe_export.accelerator import Accelerator
from mvmoe_export.engine_facts import EngineFacts
from mvmoe_export.graph_operators import Op, OperatorTensor
from mvmoe_export.targets import engine_of_record, engines_of

Severity = Literal["info", "warning", "problem"]


@dataclass(frozen=True)
class GraphView:
    """One graph of a target, the same for every format."""

    name: str
    stage: int
    route: Route | None
    ops: tuple[Op, ...] | None
    """None where the format keeps them from being read; rules then have nothing to say."""
    weight_bytes: int
    placement: tuple[manifest.Placement, ...]

    @property
    def known(self) -> tuple[Op, ...]:
        """Its operators; none where they are not known."""
        return self.ops or ()

    @property
    def results(self) -> Iterator[OperatorTensor]:
        """What its operators give."""
        return (tensor for op in self.known for tensor in op.outputs)

    @property
    def macs(self) -> int:
        """Of all its operators; 0 where they are not known."""
        return sum(op.macs for op in self.known)


@dataclass(frozen=True)
class TargetView:
    """One target of a bundle: its record in the manifest, and its graphs."""

    name: str
    record: manifest.Target
    graphs: tuple[GraphView, ...]
    targets: Mapping[str, manifest.Target]
    """All targets of the bundle: some advice is to use another one."""
    plugins: bool = False
    """Whether the bundle's parts may be another distribution's."""

    @cached_property
    def engine(self) -> EngineFacts | None:
        """The engine that the export shaped its graphs for; None if nothing is known of it."""
        return self.engine_of(self.record)

    def engine_of(self, record: manifest.Target) -> EngineFacts | None:
        """The engine that one of the bundle's targets is shaped for."""
        return engine_of_record(record, plugins=self.plugins)

    @property
    def strategy(self) -> Strategy:
        """How routing became its graphs."""
        return find_strategy(self.record.strategy, plugins=self.plugins)

    @property
    def accelerator(self) -> Accelerator | None:
        """The unit that may run its graphs; None for those of a CPU."""
        return None if self.engine is None else self.engine.accelerator

    def flag(self, option: str, value: str) -> str:
        """How `mvmoe export` is told an option of its target."""
        return f"--{self.record.format}-{option.replace('_', '-')} {value}"

    def engine_called(self, name: str) -> EngineFacts:
        """The engine that a placement of one of its graphs names."""
        known = (
            engine
            for engine in engines_of(self.record.format, plugins=self.plugins)
            if engine.name == name
        )
        return next(known, EngineFacts(name, name))


@dataclass(frozen=True)
class Finding:
    """What a rule found in one graph, or in a whole target (`graph` is None).

    Equal findings of several graphs become one advice: `text` does not name the graph.
    """

    severity: Severity
    engine: str
    text: str
    """One sentence that begins with a capital: what was found, and what to do."""
    graph: str | None = None
    reason: str | None = None
    """None where the rule's own says it."""
    source: str | None = None


class AdviceRule(Protocol):
    """One thing that is known of an engine.

    Invariants:

    - It looks at the view alone: no files, no engine, no device.
    - Everything it says is an estimate; it never claims that something was measured here.
    - `source` is public: a document with its address, a thread with its number, or a measurement
      of ours with its command.
    - What it does not know (a shape, an operator) it takes for harmless.
    """

    @property
    def name(self) -> str:
        """In lower case, with hyphens."""

    @property
    def reason(self) -> str:
        """Why it matters, in a sentence or two."""

    @property
    def source(self) -> str:
        """Where it is known from."""

    def check(self, target: TargetView) -> Iterable[Finding]:
        """What there is to say about a target."""
        ...
