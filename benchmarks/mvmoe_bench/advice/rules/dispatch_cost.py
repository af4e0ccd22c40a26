"""The time of a graph against the cost of calling it: what is too small for an accelerator."""

from collections.abc import Iterator
from dataclasses import replace
from operator import attrgetter

from mvmoe_bench.advice.contract import Finding, GraphView, TargetView
from mvmoe_bench.advice.engine_rule import Said, accelerator_rule, of_graphs, of_targets
from mvmoe_bench.advice.wording import duration, work
from mvmoe_deploy.strategies import slot_of
from mvmoe_export.accelerator import Accelerator, CallCost
from mvmoe_export.neural_engine import NEURAL_ENGINE

_CLEARLY = 1.25
"""Estimates that are nearer to each other than this say nothing."""


def _say_of_graph(graph: GraphView, cost: CallCost, unit: Accelerator) -> Said:
    """Where a graph whose multiply-adds are known is probably quicker, and what to do."""
    if not graph.macs:
        return
    there, cpu = _milliseconds(graph, cost), 2 * graph.macs / cost.cpu_gflops / 1e6
    estimate = (
        f"{work(2 * graph.macs)} are about {duration(there)} there with the call, against "
        f"{duration(cpu)} on the CPU"
    )
    if cpu * _CLEARLY < there:
        keep = "keep it on the CPU (compute units cpuOnly)"
        yield "warning", f"Too small for the {unit.title}: {estimate}; {keep}"
    elif cpu < there * _CLEARLY:
        yield "info", f"As good on the CPU as on the {unit.title}: {estimate}; measure both"
    else:
        yield "info", f"Large enough for the {unit.title}: {estimate}"


def _say_of_image(target: TargetView, cost: CallCost, unit: Accelerator) -> Said:
    """What an image's calls cost: one a stage, and one more for each expert that is joined."""
    calls = list(_calls(target))
    if len(calls) > 1:
        total = sum(_milliseconds(graph, cost) for graph in calls)
        stages = len({graph.stage for graph in calls})
        how = "one a stage" if stages == len(calls) else "one for each expert and stage"
        yield (
            "info",
            f"An image takes {len(calls)} calls, {how}: "
            f"{duration(len(calls) * cost.call_ms)} of an estimated {duration(total)} on the "
            f"{unit.title}; fewer routed stages mean fewer calls",
        )


def _calls(target: TargetView) -> Iterator[GraphView]:
    """The graphs with known multiply-adds that an image runs, on the longest route."""
    slots = {
        graph.stage: 1 + max(slot_of(spec.name) or 0 for spec in graph.inputs)
        for graph in target.record.graphs
        if any(slot_of(spec.name) is not None for spec in graph.inputs)
    }
    # Where experts are joined, graphs with a route are experts', and one without joins them.
    kinds = {
        (graph.stage, graph.stage in slots and graph.route is not None): graph
        for graph in target.graphs
        if graph.macs
    }
    for (stage, is_joined), graph in kinds.items():
        yield from [graph] * (slots[stage] if is_joined else 1)


def _milliseconds(graph: GraphView, cost: CallCost) -> float:
    """The time of a graph on the accelerator, with the call."""
    return cost.call_ms + 2 * graph.macs / cost.gflops / 1e6


def _check(target: TargetView) -> Iterator[Finding]:
    """One finding a graph, and one for an image's calls."""
    yield from of_graphs(attrgetter("call"), _say_of_graph)(target)
    for finding in of_targets(attrgetter("call"), _say_of_image)(target):
        engine = target.engine.title if target.engine else finding.engine
        yield replace(finding, engine=engine)


PART = accelerator_rule(
    "dispatch-cost",
    NEURAL_ENGINE.call,
    _check,
    looks_at="multiply-adds of each graph, and stages",
    says="which graphs are too small for the Neural Engine, and what an image's calls cost",
    gravity="clearly quicker on the CPU: `warning`; else `info`",
)
