"""From a bundle to advice: targets are viewed, rules asked, and equal findings merged."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from mvmoe_bench.advice.contract import AdviceRule, Finding, GraphView, TargetView
from mvmoe_bench.advice.graph_view import Reading, view_target
from mvmoe_bench.measure.schema.records import Advice
from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle import Bundle

_MOST_NAMES = 3
"""Graphs that are named one by one; more are counted."""

_ORDER = ("problem", "warning", "info")


class Estimates(msgspec.Struct, frozen=True, kw_only=True):
    """What `mvmoe bench --advise` gives: of each target the gravest advice first."""

    estimate: Literal[True] = True
    """Nothing of it was measured."""
    advice: tuple[Advice, ...]


def all_rules() -> tuple[AdviceRule, ...]:
    """The rules of this package and of plug-ins, by name."""
    return tuple(part_lookup.find("advice", name) for name in part_lookup.names("advice"))


def advise(
    bundle: Bundle,
    targets: Sequence[str] | None = None,
    *,
    rules: Sequence[AdviceRule] | None = None,
    name: str | None = None,
    reading: Reading = len,
) -> list[Advice]:
    """What each rule says of `targets` (all of the bundle's if None), a target's gravest first.

    `rules` are `all_rules()` if None. `name` is what the advice calls the bundle: that of its model
    if None. `reading` is called with each file before it is parsed: parsers are native code, and a
    malformed file can end the process (`advise_isolated` reads in a process of its own).

    The caller has checked the files against their hashes (`Bundle.verify`). Nothing is run. A graph
    that cannot be read, or a missing extra, is an advice of its own; BundleError is raised only for
    a target that does not exist.
    """
    chosen = all_rules() if rules is None else tuple(rules)
    called = bundle.manifest.model.name if name is None else name
    asked = tuple(bundle.manifest.targets) if targets is None else tuple(targets)
    return [
        advice for target in asked for advice in _of_target(bundle, target, chosen, called, reading)
    ]


def _of_target(
    bundle: Bundle, name: str, rules: Sequence[AdviceRule], called: str, reading: Reading
) -> Iterable[Advice]:
    """The advice for one target."""
    target, read_errors = view_target(bundle, name, reading)
    said = [*read_errors, *((rule, rule.check(target)) for rule in rules)]
    found = [
        advice for rule, findings in said for advice in _merged(target, rule, findings, called)
    ]
    return sorted(found, key=lambda advice: _ORDER.index(advice.severity))


def _merged(
    target: TargetView, rule: AdviceRule, findings: Iterable[Finding], called: str
) -> list[Advice]:
    """One advice for each distinct finding, however many graphs have it."""
    graphs: dict[Finding, list[str]] = defaultdict(list)
    for finding in findings:
        same = Finding(
            severity=finding.severity,
            engine=finding.engine,
            text=finding.text,
            reason=finding.reason or rule.reason,
            source=finding.source or rule.source,
        )
        graphs[same] += [] if finding.graph is None else [finding.graph]
    return [
        Advice(
            bundle=called,
            target=target.name,
            graph=names[0] if len(names) == 1 else None,
            engine=finding.engine,
            rule=rule.name,
            severity=finding.severity,
            text=_about(target, names) + finding.text,
            reason=finding.reason or "",
            source=finding.source or "",
        )
        for finding, names in graphs.items()
    ]


def _about(target: TargetView, names: Sequence[str]) -> str:
    """Which graphs a text is about, where that is not one, nor the target as a whole."""
    if len(names) < 2:
        return ""
    if len(names) == len(target.graphs):
        return f"All {len(names)} graphs: "
    wanted = set(names)
    stages = {graph.stage for graph in target.graphs if graph.name in wanted}
    same = [graph for graph in target.graphs if graph.stage in stages]
    if len(stages) == 1 and len(same) == len(names):
        return f"All {len(names)} graphs of the routed stage {same[0].stage}: "
    return f"{_listed(same, names)} of {len(target.graphs)} graphs: "


def _listed(graphs: Sequence[GraphView], names: Sequence[str]) -> str:
    """Names of a few graphs, or how many they are and the first of them."""
    wanted = set(names)
    ordered = [graph.name for graph in graphs if graph.name in wanted]
    if len(ordered) <= _MOST_NAMES:
        return ", ".join(ordered)
    return f"{len(ordered)} ({', '.join(ordered[:_MOST_NAMES])}, ...)"
