"""A verification as plain data: what `mvmoe verify --json` prints, and what a manifest keeps."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.routing.contract import route_of
from mvmoe_deploy.verification.metrics import AnswerErrors, quantiles
from mvmoe_deploy.verification.report import Report, RouteReport, StageReport, TargetReport


def to_json(report: Report) -> dict[str, Any]:
    """The whole report; figures that are not finite are null (see `docs/verify.md`)."""
    data = {
        "ok": report.ok,
        "reference": report.reference,
        "images": report.images,
        "targets": {name: _target(target) for name, target in report.targets.items()},
        "skipped": report.skipped,
    }
    return {key: _finite(value) for key, value in data.items()}


def summarize(target: TargetReport) -> manifest.Verification:
    """What a manifest keeps of a target that was within its bounds."""
    errors = target.overall
    routed = [report.errors for report in target.per_route if report.errors is not None]
    return manifest.Verification(
        images=errors.images,
        routing_agreement=target.routing_agreement,
        top1_agreement=errors.top1_agreement,
        router_error=max((stage.max_rel_error for stage in target.stages), default=0.0),
        router_error_bound=target.used_bounds.bounds.router_error,
        answer_error=max(figures.max_rel_error for figures in routed),
        answer_error_bound=target.used_bounds.bounds.answer_error,
        max_abs_error=errors.max_abs_error,
        rms_error=errors.rms_error,
        psnr_db=errors.psnr_db if math.isfinite(errors.psnr_db) else None,
        near_ties=len({image for _, image in target.near_ties}),
        forced_routes=sum(report.forced for report in target.per_route),
    )


def _target(target: TargetReport) -> dict[str, Any]:
    """One target: figures over all images first, then by stage and by route."""
    top1_pytorch, top1_target = target.accuracy or (None, None)
    return {
        "ok": target.ok,
        "format": target.record.format,
        "strategy": target.record.strategy,
        "precision": target.record.precision,
        "engine": target.engine,
        "stands_in_for": target.stands_in_for,
        "routing_agreement": target.routing_agreement,
        **asdict(target.overall),
        "top1_pytorch": top1_pytorch,
        "top1_target": top1_target,
        "agreeing": _errors(target.agreeing),
        "same_route": _errors(target.same_route),
        "stages": [_stage(stage) for stage in target.stages],
        "near_ties": [_near_tie(target, *place) for place in target.near_ties],
        "disagreements": [asdict(item) for item in target.disagreements],
        "routes": [_route(target, report) for report in target.per_route],
        "bounds": msgspec.structs.asdict(target.used_bounds.bounds),
        "bounds_limited": target.used_bounds.limited,
        "failures": [asdict(failure) for failure in target.failures],
    }


def _errors(errors: AnswerErrors | None) -> dict[str, Any] | None:
    return None if errors is None else asdict(errors)


def _stage(stage: StageReport) -> dict[str, Any]:
    """One router."""
    return {
        "stage": stage.stage,
        "routing_agreement": stage.routing_agreement,
        "router_max_abs_error": stage.max_abs_error,
        "router_max_rel_error": stage.max_rel_error,
        "router_rms_error": stage.rms_error,
        "margin": quantiles(stage.margins),
        "near_tie_limit": stage.near_tie_limit,
    }


def _near_tie(target: TargetReport, stage: int, image: int) -> dict[str, Any]:
    """An image that may go either way, with the way it goes."""
    report = target.stages[stage - 1]
    return {
        "image": target.samples.names[image],
        "stage": stage,
        "margin": float(report.margins[image]),
        "route": _whole_route(target.members, image),
        "target_route": _whole_route(target.target_members, image),
    }


def _whole_route(members: Sequence[np.ndarray], image: int) -> list[Any]:
    """An image's experts by the memberships `[n, E]` of all stages: one list for each stage.

    Of a single stage the list itself.
    """
    stages = [list(route_of(stage[image])) for stage in members]
    return stages[0] if len(stages) == 1 else stages


def _route(target: TargetReport, report: RouteReport) -> dict[str, Any]:
    """A row of the table of routes."""
    nothing = dict.fromkeys(
        ("top1_agreement", "max_abs_error", "max_rel_error", "rms_error", "psnr_db")
    )
    figures = nothing if report.errors is None else asdict(report.errors)
    failed = {(failure.stage, failure.route) for failure in target.failures}
    return {
        "stage": report.stage,
        "route": list(report.route),
        **figures,
        "images": report.images,
        "forced": report.forced,
        "checked": report.errors is not None,
        "ok": (report.stage, report.route) not in failed,
    }


def _finite(value: Any) -> Any:
    """Plain data that JSON can hold."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
