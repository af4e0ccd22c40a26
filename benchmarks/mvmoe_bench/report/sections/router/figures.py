"""The verdict on each router, from the routes of the run's images.

Only where images are real and the router chose: a sequence that was drawn from a distribution, or
synthetic images, say nothing of what a router does.
"""

from collections import Counter

from mvmoe_bench.measure.jobs.answers import Answer
from mvmoe_bench.measure.planning.inputs import SYNTHETIC
from mvmoe_bench.measure.schema.records import BundleRecord
from mvmoe_bench.report.index import Index
from mvmoe_bench.report.routed_answers import products_with_routes, routed_answers
from mvmoe_bench.report.statistics import Figure
from mvmoe_deploy.router_health import ModelSource, RouteCounts, StageHealth, judge
from mvmoe_deploy.router_health.route_counts import counted
from mvmoe_deploy.routing.contract import is_ascending


class RouterOfTarget(Figure, frozen=True):
    """One router, as one target of a bundle runs it."""

    subject: str
    bundle: str
    target: str | None
    health: StageHealth
    """The stage from 1, as in `mvmoe routing`."""


def router_verdicts(index: Index) -> tuple[RouterOfTarget, ...] | None:
    """Of each bundle, target and routed stage, by the first product that says routes."""
    inputs = index.run.inputs
    if inputs.forced or inputs.source == SYNTHETIC:
        return None
    found: list[RouterOfTarget] = []
    for bundle in index.run.bundles:
        targets = {s.target: s for s in reversed(products_with_routes(index, bundle.name))}
        for target, subject in reversed(targets.items()):
            lines, model = routed_answers(index, subject.key), ModelSource(name=bundle.name)
            found += [
                RouterOfTarget(
                    subject=subject.key,
                    bundle=bundle.name,
                    target=target,
                    health=judge(counts, model),
                )
                for counts in _counts(bundle, lines)
            ]
    return tuple(found) or None


def _counts(bundle: BundleRecord, lines: list[Answer]) -> list[RouteCounts]:
    """What each router that decides something did with the images.

    Lines with experts that the bundle does not have were not written by it: their stage is left
    out.
    """
    found = []
    for stage, experts in enumerate(bundle.experts, start=1):
        taken = counted(Counter(line.routes[stage - 1] for line in lines if line.routes))
        fits = all(is_ascending(route, experts) for route in taken)
        if fits and taken and stage not in bundle.chosen_stages:
            rule = f"{experts} experts"
            found.append(RouteCounts(stage, experts, rule, taken, images=len(lines)))
    return found
