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
    own_stage: int
    """The stage as the model counts it, from 1: with those that the export made constant."""
    health: StageHealth
    """The stage from 1, as the bundle counts it and `mvmoe routing` does."""


def router_verdicts(index: Index) -> tuple[RouterOfTarget, ...] | None:
    """Of each bundle, target and routed stage, by the first product that says routes."""
    inputs = index.run.inputs
    if inputs.forced or inputs.source == SYNTHETIC:
        return None
    found: list[RouterOfTarget] = []
    for bundle in index.run.bundles:
        targets = {s.target: s for s in reversed(products_with_routes(index, bundle.name))}
        for target, subject in reversed(targets.items()):
            lines, model = routed_answers(index, subject.key), _model(bundle)
            found += [
                RouterOfTarget(
                    subject=subject.key,
                    bundle=bundle.name,
                    target=target,
                    own_stage=model.own_stage(counts.stage),
                    health=judge(counts, model),
                )
                for counts in _counts(bundle, model, lines)
            ]
    return tuple(found) or None


def _model(bundle: BundleRecord) -> ModelSource:
    """How advice names the model: by its own stages, with what the bundle's export has fixed."""
    return ModelSource(name=bundle.name, constant=bundle.constant_routes, kept=bundle.kept_experts)


def _counts(bundle: BundleRecord, model: ModelSource, lines: list[Answer]) -> list[RouteCounts]:
    """What each router that decides something did with the images.

    Lines with experts that the bundle does not have were not written by it: their stage is left
    out.
    """
    found = []
    for stage, experts in enumerate(bundle.experts, start=1):
        taken = counted(Counter(line.routes[stage - 1] for line in lines if line.routes))
        fits = all(is_ascending(route, experts) for route in taken)
        if fits and taken and stage not in bundle.chosen_stages:
            found.append(
                RouteCounts(
                    stage, experts, f"{experts} experts", taken, images=len(lines),
                    kept=bundle.kept_experts.get(model.own_stage(stage)),
                )
            )  # fmt: skip
    return found
