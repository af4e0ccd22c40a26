"""A verification as plain data: what `mvmoe verify --json` prints, and what a manifest keeps."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.router_health import StageHealth
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.verification.faults import FaultLocation
from mvmoe_deploy.verification.kept_answers import KeptAnswers
from mvmoe_deploy.verification.metrics import quantiles
from mvmoe_deploy.verification.output_errors import OutputErrors, OutputsCompared
from mvmoe_deploy.verification.verification_report import (
    BoundExceeded,
    Disagreement,
    Report,
    RouteReport,
    StageReport,
    TargetReport,
)


class _Data(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is as data; a figure that is not finite is None (see `docs/verify.md`)."""


class OutputFigures(_Data, frozen=True):
    """How one output differs from the reference; `measure` says in words what `agreement` is."""

    kind: str
    measure: str | None
    agreement: float | None
    max_abs_error: float | None
    max_rel_error: float | None
    rms_error: float | None
    psnr_db: float | None
    """None where nothing differs as well."""


class ComparedImages(_Data, frozen=True):
    """How the outputs of some images differ, by name; none where the images were not compared."""

    images: int
    outputs: dict[str, OutputFigures]


class MarginFigures(_Data, frozen=True):
    """How sure a router is of its routes, over all images."""

    min: float
    p05: float
    p50: float
    p95: float
    max: float


class RouterFigures(_Data, frozen=True):
    """One router."""

    stage: int
    routing_agreement: float | None
    router_max_abs_error: float | None
    router_max_rel_error: float | None
    router_rms_error: float | None
    margin: MarginFigures | None
    near_tie_limit: float | None


class NearTie(_Data, frozen=True):
    """An image that may go either way, with the way it goes.

    A route is a list of experts for one routed stage, a list of lists for several.
    """

    image: str
    stage: int
    margin: float
    route: list[Any]
    target_route: list[Any]


class DisagreeingImage(_Data, frozen=True):
    """An image that leaves the reference's way, and at which stage it first does."""

    image: str
    stage: int
    route: Route
    target_route: Route
    margin: float | None
    near_tie: bool


class RouteFigures(ComparedImages, frozen=True):
    """A row of the table of routes; `images` took the route in the reference."""

    stage: int
    route: Route
    forced: bool
    checked: bool
    ok: bool


class BrokenBound(_Data, frozen=True):
    """A figure beyond its bound, and the graph to look at: route () of stage 0 is the stem."""

    stage: int
    route: Route
    output: str | None
    figure: str
    value: float | None
    bound: float | None
    sentence: str


class FoundFault(_Data, frozen=True):
    """Where the error of the first failure begins; what is not known is None.

    `operator`, `node` and `layer` are the model's, `engine_operator` and `engine_value` the
    exported graph's; `reason` says why there is no operator.
    """

    stage: int
    route: Route
    graph: str
    operator: str | None
    node: str | None
    layer: str | None
    engine_operator: str | None
    engine_value: str | None
    error: float | None
    bound: float | None
    reason: str | None
    sentence: str


class VerifiedTarget(ComparedImages, frozen=True):
    """One target: figures over all images on its own routes first, then by stage and by route.

    Where images have labels, `accuracy_pytorch` and `accuracy_target` are how right answers are by
    `accuracy_measure`, and `least_loss` to `most_loss` is a 95% interval of what the target loses,
    as a share.
    """

    ok: bool
    format: str
    strategy: str
    precision: str
    engine: str
    stands_in_for: str | None
    routing_agreement: float
    accuracy_measure: str | None
    accuracy_pytorch: float | None
    accuracy_target: float | None
    least_loss: float | None
    most_loss: float | None
    agreeing: ComparedImages | None
    same_route: ComparedImages
    stages: list[RouterFigures]
    near_ties: list[NearTie]
    disagreements: list[DisagreeingImage]
    routes: list[RouteFigures]
    bounds: manifest.Bounds
    bounds_limited: bool
    failures: list[BrokenBound]
    fault: FoundFault | None


class VerifiedBundle(_Data, frozen=True):
    """The result of `mvmoe verify`."""

    bundle: str
    ok: bool
    reference: str
    images: int
    targets: dict[str, VerifiedTarget]
    skipped: dict[str, str]
    kept: KeptAnswers | None
    routers: list[StageHealth] | None
    """What the reference's routers do with the images (docs/routing.md); None where nobody chose
    them: synthetic images say nothing of real ones."""


def report_data(
    report: Report, bundle: str, routers: Sequence[StageHealth] | None = None
) -> VerifiedBundle:
    """The whole report on the bundle at the path `bundle`, with what was found of its routers."""
    return VerifiedBundle(
        bundle=bundle,
        ok=report.ok,
        reference=report.reference,
        images=report.images,
        targets={name: _target(target) for name, target in report.targets.items()},
        skipped=report.skipped,
        kept=report.kept,
        routers=None if routers is None else list(routers),
    )


def summarize(target: TargetReport) -> manifest.Verification:
    """What a manifest keeps of a target that was within its bounds."""
    routed = [output.errors for report in target.per_route for output in report.outputs.values()]
    return manifest.Verification(
        images=target.overall.images,
        routing_agreement=target.routing_agreement,
        router_error=max((stage.max_rel_error for stage in target.stages), default=0.0),
        router_error_bound=target.used_bounds.bounds.router_error,
        answer_error=max(figures.max_rel_error for figures in routed),
        answer_error_bound=target.used_bounds.bounds.answer_error,
        outputs={name: _verified(found) for name, found in target.overall.outputs.items()},
        near_ties=len({image for _, image in target.near_ties}),
        forced_routes=sum(report.forced for report in target.per_route),
        accuracy=None
        if target.accuracy is None
        else manifest.VerifiedAccuracy(**asdict(target.accuracy)),
    )


def _target(target: TargetReport) -> VerifiedTarget:
    """One target."""
    known = target.accuracy
    return VerifiedTarget(
        ok=target.ok,
        format=target.record.format,
        strategy=target.record.strategy,
        precision=target.record.precision,
        engine=target.engine,
        stands_in_for=target.stands_in_for,
        routing_agreement=target.routing_agreement,
        images=target.overall.images,
        outputs=_outputs(target.overall.outputs),
        accuracy_measure=None if known is None else _measure_of(target),
        accuracy_pytorch=None if known is None else known.reference,
        accuracy_target=None if known is None else known.target,
        least_loss=None if known is None else known.least_loss,
        most_loss=None if known is None else known.most_loss,
        agreeing=None if target.agreeing is None else _compared(target.agreeing),
        same_route=_compared(target.same_route),
        stages=[_stage(stage) for stage in target.stages],
        near_ties=[_near_tie(target, *place) for place in target.near_ties],
        disagreements=[_disagreement(item) for item in target.disagreements],
        routes=[_route(target, report) for report in target.per_route],
        bounds=target.used_bounds.bounds,
        bounds_limited=target.used_bounds.limited,
        failures=[_failure(failure) for failure in target.failures],
        fault=None if target.fault is None else _fault(target.fault),
    )


def _measure_of(target: TargetReport) -> str | None:
    """What the accuracies of labelled images are."""
    return find_kind(target.samples.kind).accuracy_measure


def _verified(errors: OutputErrors) -> manifest.VerifiedOutput:
    """What a manifest keeps of one output."""
    return manifest.VerifiedOutput(
        kind=errors.kind,
        measure=errors.measure,
        agreement=errors.agreement,
        max_abs_error=errors.max_abs_error,
        max_rel_error=errors.max_rel_error,
        rms_error=errors.rms_error,
        psnr_db=_finite(errors.psnr_db),
    )


def _compared(found: OutputsCompared) -> ComparedImages:
    """The outputs of some images."""
    return ComparedImages(images=found.images, outputs=_outputs(found.outputs))


def _outputs(outputs: Mapping[str, OutputErrors]) -> dict[str, OutputFigures]:
    """Each output."""
    return {name: _output(errors) for name, errors in outputs.items()}


def _output(errors: OutputErrors) -> OutputFigures:
    """One output."""
    return OutputFigures(
        kind=errors.kind,
        measure=errors.measure,
        agreement=_finite(errors.agreement),
        max_abs_error=_finite(errors.max_abs_error),
        max_rel_error=_finite(errors.max_rel_error),
        rms_error=_finite(errors.rms_error),
        psnr_db=_finite(errors.psnr_db),
    )


def _stage(stage: StageReport) -> RouterFigures:
    """One router."""
    decided = stage.reached & np.isfinite(stage.margins)
    margins = quantiles(stage.margins[decided])
    return RouterFigures(
        stage=stage.stage,
        routing_agreement=_finite(stage.routing_agreement),
        router_max_abs_error=_finite(stage.max_abs_error),
        router_max_rel_error=_finite(stage.max_rel_error),
        router_rms_error=_finite(stage.rms_error),
        margin=None if margins is None else MarginFigures(**margins),
        near_tie_limit=_finite(stage.near_tie_limit),
    )


def _near_tie(target: TargetReport, stage: int, image: int) -> NearTie:
    """An image that may go either way."""
    report = target.stages[stage - 1]
    return NearTie(
        image=target.samples.names[image],
        stage=stage,
        margin=float(report.margins[image]),
        route=_whole_route(target.members, image),
        target_route=_whole_route(target.target_members, image),
    )


def _disagreement(found: Disagreement) -> DisagreeingImage:
    """An image that goes another way."""
    return DisagreeingImage(**{**asdict(found), "margin": _finite(found.margin)})


def _failure(failure: BoundExceeded) -> BrokenBound:
    """A figure beyond its bound."""
    numbers = {"value": _finite(failure.value), "bound": _finite(failure.bound)}
    return BrokenBound(**{**asdict(failure), **numbers})


def _fault(fault: FaultLocation) -> FoundFault:
    """Where an error begins."""
    numbers = {"error": _finite(fault.error), "bound": _finite(fault.bound)}
    return FoundFault(**{**asdict(fault), **numbers}, sentence=fault.sentence)


def _whole_route(members: Sequence[np.ndarray], image: int) -> list[Any]:
    """An image's experts by the memberships `[n, E]` of all stages: one list for each stage.

    Of a single stage the list itself.
    """
    stages = [list(route_of(stage[image])) for stage in members]
    return stages[0] if len(stages) == 1 else stages


def _route(target: TargetReport, report: RouteReport) -> RouteFigures:
    """A row of the table of routes."""
    failed = {(failure.stage, failure.route) for failure in target.failures}
    return RouteFigures(
        images=report.images,
        outputs=_outputs({name: found.errors for name, found in report.outputs.items()}),
        stage=report.stage,
        route=report.route,
        forced=report.forced,
        checked=bool(report.outputs),
        ok=(report.stage, report.route) not in failed,
    )


def _finite(number: float | None) -> float | None:
    """A number that JSON can hold."""
    return number if number is not None and math.isfinite(number) else None
