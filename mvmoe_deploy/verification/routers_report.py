"""What is said of routers: the result of `mvmoe routing`, and of `mvmoe verify --data`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec
import numpy as np

from mvmoe_deploy.bundle.manifest import Manifest, Stage, Target
from mvmoe_deploy.router_health import (
    ModelSource,
    StageHealth,
    Verdict,
    count_routes,
    judge,
    margin_spread,
    worst_verdict,
)
from mvmoe_deploy.router_health.route_drift import ComparedStage, RouteDrift, drift_of
from mvmoe_deploy.routing.choices import margins_in_turn
from mvmoe_deploy.verification import metrics
from mvmoe_deploy.verification.routes_of_images import RoutesOfImages, RoutesTaken, routers_stages
from mvmoe_deploy.verification.used_bounds import used_bounds
from mvmoe_deploy.verification.verification_report import Report


class JudgedRouters(msgspec.Struct, frozen=True, kw_only=True):
    """What one engine's routers do: the worst verdict of the stages, and each stage."""

    engine: str
    """What ran."""
    stands_in_for: str | None
    """The engine that is not there, where a reference evaluator ran instead of it."""
    verdict: Verdict | None
    stages: list[StageHealth]
    drift: RouteDrift | None
    """From the reference; None of the reference itself."""


class RoutersReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of `mvmoe routing`; `verdict` is the worst of the reference's stages."""

    model: str
    data: str
    images: int
    reference: str
    verdict: Verdict | None
    engines: dict[str, JudgedRouters]
    """The reference first."""
    skipped: dict[str, str]


def judge_routers(
    routes: RoutesOfImages,
    descriptions: Mapping[str, tuple[str, str | None]],
    records: Mapping[str, Target],
    groups: Sequence[str] | None,
    model: ModelSource,
) -> dict[str, JudgedRouters]:
    """Judge what each engine did; the first is the reference of the others.

    `descriptions` are what ran, and what it stands in for; `records` the targets among them.
    """
    reference, *_ = routes.taken
    judged = {}
    for name, taken in routes.taken.items():
        stages = [
            _judged(number, stage, taken, groups, model)
            for number, stage in enumerate(routes.stages[1:], start=1)
        ]
        engine, absent = descriptions[name]
        judged[name] = JudgedRouters(
            engine=engine,
            stands_in_for=absent,
            verdict=worst_verdict(stages),
            stages=stages,
            drift=None if name == reference else _drift(reference, routes, name, records[name]),
        )
    return judged


def of_bundle(model: ModelSource, manifest: Manifest) -> ModelSource:
    """The model of a bundle, with what its export has fixed of the routing."""
    fixed = manifest.restrictions
    return replace(
        model,
        constant={each.stage: each.route for each in fixed if each.route is not None},
        kept={each.stage: each.kept for each in fixed if each.kept is not None},
    )


def verified_routers(report: Report, model: ModelSource) -> list[StageHealth] | None:
    """The verdicts on the reference's routers; None where nobody chose the images.

    What routers do with synthetic images says nothing of real ones. Raises MissingExtraError
    without SciPy.
    """
    reference = report.compared_with
    if reference is None or not reference.samples.real:
        return None
    taken = RoutesTaken.nothing(len(reference.stages) - 1)
    taken.add(reference.vectors)
    groups, stages = reference.samples.groups, routers_stages(reference.stages)
    for number, (stage, own) in enumerate(zip(reference.stages, stages, strict=True)):
        if stage.rule != own.rule:
            taken.members[number - 1] = [_selected(own, taken, number)]
    return [
        _judged(number, stage, taken, groups, model)
        for number, stage in enumerate(stages[1:], start=1)
    ]


def _selected(stage: Stage, taken: RoutesTaken, number: int) -> np.ndarray:
    """The memberships `[n, E]` that a stage's router selects, whatever was chosen instead.

    Images of a verification take what callers may choose, in turn.
    """
    members = taken.members_at(number)
    reached = members.any(axis=1)
    selected = np.zeros_like(members)
    if reached.any():
        selected[reached], _ = stage.routing.select(taken.logits_at(number)[reached])
    return selected


def _judged(
    number: int,
    stage: Stage,
    taken: RoutesTaken,
    groups: Sequence[str] | None,
    model: ModelSource,
) -> StageHealth:
    """One stage."""
    members, logits = taken.members_at(number), taken.logits_at(number)
    reached = members.any(axis=1)
    margins = margins_in_turn(stage.routing, logits)[reached]
    spread = margin_spread(margins, logits[reached])
    return judge(count_routes(number, stage.routing, members, groups), model, spread)


def _drift(reference: str, routes: RoutesOfImages, name: str, record: Target) -> RouteDrift:
    """A target against the reference."""
    wanted, given = routes.taken[reference], routes.taken[name]
    bound = used_bounds(record).bounds.router_error

    def limit(stage: int, error: float) -> float:
        return metrics.near_tie_limit(error, bound, metrics.peak(wanted.logits_at(stage)))

    compared = [
        ComparedStage(
            wanted=wanted.members_at(number),
            given=given.members_at(number),
            margins=margins_in_turn(stage.routing, wanted.logits_at(number)),
            errors=_errors(wanted.logits_at(number), given.logits_at(number)),
        )
        for number, stage in enumerate(routes.stages[1:], start=1)
    ]
    return drift_of(reference, compared, limit)


def _errors(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The largest error of each image's logits, `[n]`."""
    found: np.ndarray = metrics.absolute_errors(given, wanted).max(axis=1, initial=0.0)
    return found
