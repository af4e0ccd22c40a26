"""One target's graphs on all images, route by route, against the reference."""

from collections.abc import Callable

import msgspec
import numpy as np

from mvmoe_deploy.bundle.golden import logits_in
from mvmoe_deploy.bundle.manifest import Bounds, Target
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.outputs.accuracy import Accuracy
from mvmoe_deploy.routing import Route
from mvmoe_deploy.routing.choices import margins_in_turn
from mvmoe_deploy.routing.contract import images_of, route_of
from mvmoe_deploy.runtime.contract import Runner
from mvmoe_deploy.verification import metrics
from mvmoe_deploy.verification.bounds_check import BoundsCheck
from mvmoe_deploy.verification.fault_images import routes_of, shown_by
from mvmoe_deploy.verification.faults import FaultLocation, ShownBy
from mvmoe_deploy.verification.image_engine import ImageEngine
from mvmoe_deploy.verification.output_errors import OutputsCompared, compare_outputs, compare_route
from mvmoe_deploy.verification.reference import Reference, members_in
from mvmoe_deploy.verification.run_stages import Vectors, rows_of
from mvmoe_deploy.verification.used_bounds import used_bounds
from mvmoe_deploy.verification.verification_report import (
    BoundExceeded,
    Disagreement,
    RouteReport,
    StageReport,
    TargetReport,
)

_SHARE_OF_ONE = 0.2
"""Of a recipe's bounds, what one operator may be off by: errors of many add up to them."""

FindFault = Callable[[Bounds, ShownBy], FaultLocation | None]
"""Finds where a target's error begins, for the bounds that it was held to."""


TargetProgress = Callable[[str | None, int], None]
"""Called with what was done (None at the beginning), and how many steps there are."""


class TargetCheck:
    """One target's graphs on all images."""

    def __init__(
        self,
        name: str,
        record: Target,
        engine: ImageEngine,
        reference: Reference,
        *,
        find_fault: FindFault | None = None,
    ) -> None:
        self.name = name
        self.record = record
        self.engine = engine
        self.reference = reference
        self.find_fault = find_fault
        self.used_bounds = used_bounds(record, *reference.own_errors)
        self.bounds = self.used_bounds.bounds
        self.stages = reference.stages
        self.rules = reference.rules

    def run(self, runner: Runner, progress: TargetProgress) -> TargetReport:
        """Everything about this target, whose graphs `runner` runs."""
        reference = self.reference
        count = len(reference.samples.names)
        progress(None, self._steps())
        start = self.engine.start(reference.samples.inputs)
        own = self.engine.own(start)
        first = metrics.first_difference(members_in(own), reference.members)
        first = first if self.rules else np.zeros(count, np.int64)
        same = self._down_the_reference(start, own, first)
        stages = [self._stage(stage, same, first) for stage in range(1, len(self.rules) + 1)]
        same_way = first == 0
        disagreements = self._disagreements(own, first, stages)
        per_route = self._per_route(start, same, progress)
        check = BoundsCheck(self.name, self.bounds, len(self.rules) > 1)
        names = reference.samples.names
        failures = [
            *check.routers(stages, names),
            *check.routing(disagreements, per_route),
            *check.outputs(per_route),
        ]
        return TargetReport(
            name=self.name,
            record=self.record,
            engine=runner.description,
            stands_in_for=runner.stands_in_for,
            used_bounds=self.used_bounds,
            samples=reference.samples,
            members=reference.members,
            target_members=members_in(own),
            routing_agreement=float(np.mean(same_way)),
            overall=self._compared(own),
            agreeing=self._compared(own, same_way) if same_way.any() else None,
            same_route=self._compared(same),
            accuracy=self._accuracy(own),
            stages=stages,
            near_ties=_near_ties(stages),
            disagreements=disagreements,
            per_route=per_route,
            failures=failures,
            fault=self._fault(failures[0], same) if failures else None,
        )

    def _fault(self, failure: BoundExceeded, same: Vectors) -> FaultLocation | None:
        """Where a figure beyond its bound comes from; None if there is nobody to ask."""
        if self.find_fault is None:
            return None
        shown = shown_by(failure, self.reference, same)
        if shown is None:
            number = self._image_with_highest_route_logits(failure.stage, failure.route)
            routes = list(routes_of(self.reference.members, number))
            routes[failure.stage - 1] = failure.route
            image = self.reference.samples.inputs[[number]]
            shown = ShownBy(image, tuple(routes), unit_gate_stage=failure.stage)
        compressed = self.record.compression is not None
        return self.find_fault(_locating(self.bounds) if compressed else self.bounds, shown)

    def _down_the_reference(self, start: Vectors, own: Vectors, first: np.ndarray) -> Vectors:
        """What the target says on the reference's routes: only images that left them run again."""
        lost = np.flatnonzero(first)
        if not len(lost):
            return own
        forced = self.engine.down(rows_of(start, lost), rows_of(self.reference.vectors, lost))
        same = {name: array.copy() for name, array in own.items()}
        for name, array in forced.items():
            same[name][lost] = array
        return same

    def _stage(self, stage: int, same: Vectors, first: np.ndarray) -> StageReport:
        """One router on the reference's routes."""
        rule = self.rules[stage - 1]
        wanted = logits_in(self.reference.vectors, stage)
        errors = metrics.absolute_errors(logits_in(same, stage), wanted)
        largest, peak = float(errors.max(initial=0.0)), metrics.peak(wanted)
        worst = int(errors.max(axis=1, initial=0.0).argmax())
        previous = route_of(self.reference.members[stage - 2][worst]) if stage > 1 else ()
        reached: np.ndarray = np.any(self.reference.members[stage - 1], axis=1)
        arrived = ((first == 0) | (first >= stage)) & reached
        return StageReport(
            stage=stage,
            experts=rule.experts,
            routing_agreement=float(np.mean(first[arrived] != stage)) if arrived.any() else 1.0,
            max_abs_error=largest,
            max_rel_error=largest / peak,
            rms_error=float(np.sqrt(np.mean(np.square(errors)))) if errors.size else 0.0,
            worst_image=worst,
            previous_route=previous,
            margins=np.where(reached, margins_in_turn(rule, wanted), np.inf),
            reached=reached,
            near_tie_limit=metrics.near_tie_limit(largest, self.bounds.router_error, peak),
        )

    def _disagreements(
        self, own: Vectors, first: np.ndarray, stages: list[StageReport]
    ) -> list[Disagreement]:
        """The images that leave the reference's route, at the stage where they do."""
        result = []
        for image in np.flatnonzero(first):
            report = stages[first[image] - 1]
            margin = float(report.margins[image])
            result.append(
                Disagreement(
                    image=self.reference.samples.names[image],
                    stage=report.stage,
                    route=route_of(self.reference.members[report.stage - 1][image]),
                    target_route=route_of(own[f"members.{report.stage}"][image]),
                    margin=margin,
                    near_tie=margin <= report.near_tie_limit,
                )
            )
        return result

    def _compared(self, given: Vectors, images: np.ndarray | None = None) -> OutputsCompared:
        """The outputs of all images, or some, against the reference."""
        outputs, wanted = self.reference.outputs, self.reference.vectors
        if images is not None:
            given, wanted = rows_of(given, images), rows_of(wanted, images)
        return compare_outputs(outputs, given, wanted)

    def _accuracy(self, own: Vectors) -> Accuracy | None:
        """The accuracy of PyTorch and of the target, by the output that the labels are of."""
        samples = self.reference.samples
        labelled = [each for each in self.reference.outputs if each.kind == samples.kind]
        if samples.labels is None or not labelled:
            return None
        name = f"outputs.{labelled[0].name}"
        wanted, given = self.reference.vectors[name], own[name]
        return find_kind(samples.kind).accuracy(wanted, given, samples.labels)

    def _per_route(
        self, start: Vectors, same: Vectors, progress: TargetProgress
    ) -> list[RouteReport]:
        """Every route of every stage: by the images that took it, or forced."""
        if not self.rules:
            progress("images", 1)
            return [self._route(0, (), np.arange(len(self.reference.samples.names)), same)]
        total = self._steps()
        progress("images", total)
        reports = []
        for stage, route, images in self._listed():
            if len(images):
                reports.append(self._route(stage, route, images, same))
            else:
                reports.append(self._unreached(stage, route, start))
                if self.reference.model_stages:
                    progress(str(list(route)), total)
        return reports

    def _listed(self) -> list[tuple[int, Route, np.ndarray]]:
        """Every route to look at: its stage, and the images that take it."""
        return [
            (stage, route, images_of(route, members))
            for stage, (rule, members) in enumerate(
                zip(self.rules, self.reference.members, strict=True), start=1
            )
            for route in metrics.listed_routes(rule, members)
        ]

    def _steps(self) -> int:
        """How many steps are told: all images, then each route that is forced."""
        if not self.reference.model_stages:
            return 1
        return 1 + sum(not len(images) for _, _, images in self._listed())

    def _route(self, stage: int, route: Route, images: np.ndarray, same: Vectors) -> RouteReport:
        """A route by the images that took it."""
        given, wanted = rows_of(same, images), rows_of(self.reference.vectors, images)
        return self._compare(stage, route, len(images), given, wanted)

    def _unreached(self, stage: int, route: Route, start: Vectors) -> RouteReport:
        """A route that no image took: one image is forced down it, in PyTorch and here."""
        torch_stages = self.reference.model_stages
        both = None
        if torch_stages is not None:
            image = self._image_with_highest_route_logits(stage, route)
            routes = list(routes_of(self.reference.members, image))
            routes[stage - 1] = route
            one = rows_of(start, np.array([image]))
            both = self.engine.unreached(torch_stages, one, stage, routes)
        if both is None:
            return RouteReport(stage, route, images=0, forced=False, outputs={})
        wanted, given = both
        return self._compare(stage, route, 0, given, wanted)

    def _compare(
        self, stage: int, route: Route, images: int, given: Vectors, wanted: Vectors
    ) -> RouteReport:
        """The report of a route from what it gave; forced if no image took it."""
        outputs = compare_route(self.reference.outputs, given, wanted, self.bounds)
        return RouteReport(stage, route, images, forced=not images, outputs=outputs)

    def _image_with_highest_route_logits(self, stage: int, route: Route) -> int:
        """The image with the largest sum of the route's logits, relative to its largest logit.

        The first one where there is no router.
        """
        logits = logits_in(self.reference.vectors, stage)
        if not logits.size:
            return 0
        return int((logits[:, list(route)].sum(axis=1) - len(route) * logits.max(axis=1)).argmax())


def _locating(bounds: Bounds) -> Bounds:
    """The bounds by which a fault is looked for in graphs whose own are those of a recipe.

    Decisions differ there although every error is within them: wanted is the operator from which on
    the error is far more than what the recipe does to each.
    """
    return msgspec.structs.replace(
        bounds,
        router_error=bounds.router_error * _SHARE_OF_ONE,
        answer_error=bounds.answer_error * _SHARE_OF_ONE,
    )


def _near_ties(stages: list[StageReport]) -> list[tuple[int, int]]:
    """Stage and image of every margin within its limit."""
    return [
        (report.stage, int(image))
        for report in stages
        for image in np.flatnonzero(report.margins <= report.near_tie_limit)
    ]
