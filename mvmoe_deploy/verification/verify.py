"""Parity of a bundle, target by target and route by route: what `mvmoe verify` finds out.

See `docs/verify.md` for what is compared and how. The figures themselves are in `metrics.py`, the
bounds in `bounds.py`, and a report becomes JSON in `report.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.consistency import classes_of
from mvmoe_deploy.bundle.manifest import Manifest, Target
from mvmoe_deploy.errors import (
    BundleError,
    CheckFailedError,
    InputError,
    RoutingError,
    UnsupportedPlatformError,
)
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_deploy.routing import Route, Rule
from mvmoe_deploy.routing.contract import images_of, members_of, route_of
from mvmoe_deploy.runtime.contract import Runner
from mvmoe_deploy.runtime.isolated import OpenRunner
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_deploy.verification import metrics
from mvmoe_deploy.verification.bounds import Bounds, bounds_of, conditioned
from mvmoe_deploy.verification.checks import (
    BoundsCheck,
    Disagreement,
    Failure,
    RouteReport,
    StageReport,
)
from mvmoe_deploy.verification.image_choice import Samples, golden_samples
from mvmoe_deploy.verification.metrics import AnswerErrors, answer_errors
from mvmoe_deploy.verification.run_stages import Engine, TargetGraphs, Vectors, rows_of, run_stages
from mvmoe_export.user_code import prints_apart

if TYPE_CHECKING:
    from mvmoe_deploy.models.contract import RoutedModel

Progress = Callable[[str, str, int], None]
"""Called with a phase, what is done of it, and how many things the phase has."""


def _ignore(phase: str, item: str, total: int) -> None:
    """Progress that is not shown."""


@dataclass(frozen=True)
class Reference:
    """What PyTorch says of the images, and PyTorch itself if it can still be asked."""

    rules: tuple[Rule, ...]
    samples: Samples
    vectors: Vectors
    stages: Engine | None
    own_errors: tuple[float, float] = (0.0, 0.0)
    """PyTorch's own fp32 errors of router logits and answers, relative to the largest of each."""

    @property
    def members(self) -> list[np.ndarray]:
        """The routes of each routed stage, as memberships `[n, E]`."""
        return _members(self.vectors)


@dataclass(frozen=True)
class TargetReport:
    """One target against the reference.

    `overall` compares answers of images on the target's own routes, `agreeing` only those that go
    the same way (None if none does), `same_route` all images taken down the reference's routes.
    `near_ties` are positions (stage, image).
    """

    name: str
    record: Target
    engine: str
    stands_in_for: str | None
    """The engine that was not there, where a reference evaluator ran instead of it."""
    bounds: Bounds
    samples: Samples
    members: list[np.ndarray]
    """The routes of the reference: of each routed stage the membership `[n, E]`."""
    target_members: list[np.ndarray]
    """The routes of the target."""
    routing_agreement: float
    overall: AnswerErrors
    agreeing: AnswerErrors | None
    same_route: AnswerErrors
    accuracy: tuple[float, float] | None
    """Top-1 of PyTorch and of the target, where labels are known."""
    stages: list[StageReport]
    near_ties: list[tuple[int, int]]
    disagreements: list[Disagreement]
    per_route: list[RouteReport]
    failures: list[Failure]

    @property
    def ok(self) -> bool:
        """Whether every figure is within its bound."""
        return not self.failures


@dataclass(frozen=True)
class Report:
    """All targets of a bundle that were verified; `reference` is `pytorch` or `golden`.

    `skipped` has the others, which no engine of this machine runs, each with its reason.
    """

    reference: str
    images: int
    targets: dict[str, TargetReport]
    skipped: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether every target that was verified is."""
        return all(target.ok for target in self.targets.values())

    @property
    def failures(self) -> list[Failure]:
        """Those of all targets."""
        return [failure for target in self.targets.values() for failure in target.failures]

    def require_ok(self) -> None:
        """Raise CheckFailedError with the first failure unless everything is within its bounds."""
        if not self.ok:
            raise CheckFailedError(self.shortfall)

    @property
    def shortfall(self) -> str:
        """The first failure in a sentence, and how many there are beside it; empty if none."""
        sentences = [failure.sentence for failure in self.failures]
        more = f" (and {len(sentences) - 1} more)" if len(sentences) > 1 else ""
        return sentences[0] + more if sentences else ""


@prints_apart
def verify_bundle(
    bundle: Bundle,
    model: "RoutedModel | None" = None,
    samples: Samples | None = None,
    *,
    targets: Sequence[str] | None = None,
    progress: Progress = _ignore,
    open_runner: OpenRunner = open_runner,
) -> Report:
    """Compare targets of a bundle with PyTorch on `samples`.

    For None all that run on this machine; one that was asked for by name and does not run here is
    an error. Without samples the golden vectors are images and reference in one. Without a model
    nothing else can be, and routes that no image takes are not run. The files are taken as checked;
    where they are not trusted, `open_runner` is one that `isolated_runners` gives.
    Raises InputError for a model or samples that do not fit the bundle or a target that it lacks,
    BundleError for golden vectors that are damaged, MissingExtraError or EngineError of an engine,
    CheckFailedError if the model contradicts itself or a target's router gives a logit that is not
    finite.
    """
    names = bundle.manifest.targets if targets is None else targets
    records = {name: bundle.target(name) for name in names}
    reference = _reference(bundle, model, samples)
    reports, skipped = {}, {}
    for name, record in records.items():
        try:
            runner = open_runner(bundle.path, record)
        except UnsupportedPlatformError as error:
            if targets is not None:
                raise
            skipped[name] = str(error)
            continue
        check = _TargetCheck(name, record, TargetGraphs(runner, record), reference)
        try:
            reports[name] = check.run(runner, partial(progress, f"verify {name}"))
        except RoutingError as error:
            raise CheckFailedError(f"target {name}: {error}") from error
    kind = "golden" if model is None else "pytorch"
    return Report(kind, len(reference.samples.names), reports, skipped)


def require_fitting_model(
    model: "RoutedModel", manifest: Manifest, where: str, sha256: str | None = None
) -> None:
    """Refuse a model that cannot be the one a bundle was exported from; raises InputError.

    `where` names its source; `sha256` is compared with that in the manifest if both are known.
    """
    if model.input != manifest.input:
        given, wanted = _input_words(model.input, manifest.input)
        raise InputError(
            f"{where} takes images of {given}, but the bundle was exported for {wanted}; give the "
            "checkpoint that it was exported from"
        )
    if model.routing != manifest.rules:
        raise InputError(
            f"{where} routes by {_rule_words(model.routing)}, but the bundle by "
            f"{_rule_words(manifest.rules)}; give the checkpoint that it was exported from"
        )
    known = manifest.source.checkpoint_sha256
    if sha256 and known and sha256 != known:
        raise InputError(
            f"{where} (sha256 {sha256[:12]}...) is not the one that the bundle was exported from "
            f"({known[:12]}...); give that one, or export the bundle anew"
        )


def _input_words(one: Preprocessing, other: Preprocessing) -> tuple[str, str]:
    """Two inputs that differ: the size of each, then what it has otherwise than the other."""
    from mvmoe_deploy.models.input_choices import words  # with PyTorch

    names = [name for name in one.__struct_fields__ if getattr(one, name) != getattr(other, name)]
    said = []
    for spec in (one, other):
        size = " x ".join(map(str, spec.shape))
        fields = (f"{name} {words(getattr(spec, name))}" for name in names)
        said.append(f"{size} ({', '.join(fields)})")
    return said[0], said[1]


def _rule_words(rules: Sequence[Rule]) -> str:
    """Routing rules in a few words; of many stages the first."""
    if not rules:
        return "no router"
    return f"{len(rules)} routers ({rules[0].describe()})"


def _reference(bundle: Bundle, model: "RoutedModel | None", samples: Samples | None) -> Reference:
    """PyTorch's word on the images."""
    rules = bundle.manifest.rules
    stages = None
    if model is not None:
        require_fitting_model(model, bundle.manifest, type(model).__name__)
        model.eval()
        from mvmoe_export.parity.torch_stages import TorchStages  # with PyTorch

        stages = TorchStages(model)
    if samples is None:
        golden = bundle.golden()
        _require_sound(golden, rules, f"bundle {bundle.path}")
        return Reference(rules, golden_samples(golden), golden, stages, _own_errors(model, golden))
    if model is None:
        raise InputError(
            "images were given without a PyTorch model to answer them; give a checkpoint, or no "
            "images: the bundle's golden vectors have answers of their own"
        )
    _require_inputs(samples, bundle.manifest)
    import torch

    from mvmoe_export.parity.reference import checked_reference_outputs

    vectors = checked_reference_outputs(model, torch.from_numpy(samples.inputs))
    classes = classes_of(bundle.manifest)
    if vectors["answer"].shape[1] != classes:
        raise InputError(
            f"{type(model).__name__} answers with {vectors['answer'].shape[1]} classes, but the "
            f"bundle with {classes}; give the checkpoint that it was exported from"
        )
    return Reference(rules, samples, vectors, stages, _own_errors(model, vectors))


def _own_errors(model: "RoutedModel | None", vectors: Vectors) -> tuple[float, float]:
    """PyTorch's own fp32 errors of router logits and answers; zeros where it cannot be asked."""
    if model is None:
        return 0.0, 0.0
    from mvmoe_export.parity.double_precision import whole_way_error  # with PyTorch

    return whole_way_error(model, vectors)


def _require_sound(golden: Vectors, rules: Sequence[Rule], where: str) -> None:
    """Refuse golden vectors that do not follow from each other; raises BundleError."""
    sound = bool(np.isfinite(golden["answer"]).all())
    for stage, rule in enumerate(rules, start=1):
        logits = golden[f"logits.{stage}"]
        sound = sound and bool(np.isfinite(logits).all())
        if sound:
            members, gates = rule.select(logits)
            sound = np.array_equal(members, golden[f"members.{stage}"])
            sound = sound and np.allclose(gates, golden[f"gates.{stage}"], rtol=0, atol=1e-6)
    if not sound:
        raise BundleError(
            f"the golden vectors of {where} contradict themselves: routes and gates do not follow "
            "from the logits, or a value is not finite; export the bundle anew"
        )


def _require_inputs(samples: Samples, manifest: Manifest) -> None:
    """Refuse images of another size than the bundle takes."""
    inputs, shape = samples.inputs, manifest.input.shape
    if inputs.dtype != np.float32 or inputs.shape[1:] != shape or not len(inputs):
        raise InputError(
            f"images of {inputs.dtype} {list(inputs.shape)} were given; the bundle takes float32 "
            f"[n, {', '.join(map(str, shape))}] with at least one image"
        )


class _TargetCheck:
    """One target's graphs on all images."""

    def __init__(self, name: str, record: Target, engine: Engine, reference: Reference) -> None:
        self.name = name
        self.record = record
        self.engine = engine
        self.reference = reference
        self.bounds = conditioned(bounds_of(record), record.precision, *reference.own_errors)
        self.rules = reference.rules

    def run(self, runner: Runner, progress: Callable[[str, int], None]) -> TargetReport:
        """Everything about this target, whose graphs `runner` runs."""
        reference = self.reference
        wanted = reference.vectors["answer"]
        start = self.engine.stem(reference.samples.inputs)
        own = run_stages(self.engine, self.rules, start)
        first = metrics.first_difference(_members(own), reference.members)
        first = first if self.rules else np.zeros(len(wanted), np.int64)
        same = self._down_the_reference(start, own, first)
        stages = [self._stage(stage, same, first) for stage in range(1, len(self.rules) + 1)]
        disagreements = self._disagreements(own, first, stages)
        per_route = self._per_route(start, same, progress)
        check = BoundsCheck(self.name, self.bounds, len(self.rules) > 1)
        names = reference.samples.names
        return TargetReport(
            name=self.name,
            record=self.record,
            engine=runner.description,
            stands_in_for=runner.stands_in_for,
            bounds=self.bounds,
            samples=reference.samples,
            members=reference.members,
            target_members=_members(own),
            routing_agreement=float(np.mean(first == 0)),
            overall=answer_errors(own["answer"], wanted),
            agreeing=answer_errors(own["answer"][first == 0], wanted[first == 0]),
            same_route=answer_errors(same["answer"], wanted),
            accuracy=self._accuracy(own["answer"]),
            stages=stages,
            near_ties=_near_ties(stages),
            disagreements=disagreements,
            per_route=per_route,
            failures=[
                *check.routers(stages, names),
                *check.routing(disagreements, per_route),
                *check.answers(per_route),
            ],
        )

    def _down_the_reference(self, start: Vectors, own: Vectors, first: np.ndarray) -> Vectors:
        """What the target says on the reference's routes: only images that left them run again."""
        lost = np.flatnonzero(first)
        if not len(lost):
            return own
        imposed = [members[lost] for members in self.reference.members]
        forced = run_stages(self.engine, self.rules, rows_of(start, lost), imposed=imposed)
        same = {name: array.copy() for name, array in own.items()}
        for name, array in forced.items():
            same[name][lost] = array
        return same

    def _stage(self, stage: int, same: Vectors, first: np.ndarray) -> StageReport:
        """One router on the reference's routes."""
        rule = self.rules[stage - 1]
        wanted = self.reference.vectors[f"logits.{stage}"]
        errors = metrics.absolute_errors(same[f"logits.{stage}"], wanted)
        largest, peak = float(errors.max()), metrics.peak(wanted)
        worst = int(errors.max(axis=1).argmax())
        previous = route_of(self.reference.members[stage - 2][worst]) if stage > 1 else ()
        arrived = (first == 0) | (first >= stage)
        return StageReport(
            stage=stage,
            experts=rule.experts,
            routing_agreement=float(np.mean(first[arrived] != stage)) if arrived.any() else 1.0,
            max_abs_error=largest,
            max_rel_error=largest / peak,
            rms_error=float(np.sqrt(np.mean(np.square(errors)))),
            worst_image=worst,
            previous_route=previous,
            margins=rule.margins(wanted),
            near_tie_limit=metrics.near_tie_limit(largest, self.bounds.router_error * peak),
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

    def _accuracy(self, answer: np.ndarray) -> tuple[float, float] | None:
        """Top-1 of PyTorch and of the target."""
        labels = self.reference.samples.labels
        if labels is None:
            return None
        both = (self.reference.vectors["answer"], answer)
        theirs, ours = (float(np.mean(rows.argmax(axis=1) == labels)) for rows in both)
        return theirs, ours

    def _per_route(
        self, start: Vectors, same: Vectors, progress: Callable[[str, int], None]
    ) -> list[RouteReport]:
        """Every route of every stage: by the images that took it, or forced."""
        wanted = self.reference.vectors["answer"]
        if not self.rules:
            progress("images", 1)
            return [self._route(0, (), np.arange(len(wanted)), same)]
        listed = [
            (stage, route, images_of(route, members))
            for stage, (rule, members) in enumerate(
                zip(self.rules, self.reference.members, strict=True), start=1
            )
            for route in metrics.listed_routes(rule, members)
        ]
        rare = [(stage, route) for stage, route, images in listed if not len(images)]
        total = 1 + (len(rare) if self.reference.stages else 0)
        progress("images", total)
        reports = []
        for stage, route, images in listed:
            if len(images):
                reports.append(self._route(stage, route, images, same))
            else:
                reports.append(self._unreached(stage, route, start))
                if self.reference.stages:
                    progress(str(list(route)), total)
        return reports

    def _route(self, stage: int, route: Route, images: np.ndarray, same: Vectors) -> RouteReport:
        """A route by the images that took it."""
        given, wanted = same["answer"][images], self.reference.vectors["answer"][images]
        return self._compare(stage, route, len(images), given, wanted)

    def _unreached(self, stage: int, route: Route, start: Vectors) -> RouteReport:
        """A route that no image took: one image is forced down it, in PyTorch and here.

        Twice: with the gates that its scores give, and with gates of 1. An expert that its router
        does not want has a gate of nearly nothing, and so little of a broken one does not show.
        """
        torch_stages = self.reference.stages
        if torch_stages is None:
            return RouteReport(stage, route, images=0, forced=False, errors=None)
        image = self._image_with_highest_route_logits(stage, route)
        imposed = [members[[image, image]] for members in self.reference.members]
        imposed[stage - 1] = members_of([route, route], self.rules[stage - 1].experts)
        unit_gate_stage = np.array([0, stage])
        inputs = self.reference.samples.inputs[[image]]
        theirs = rows_of(torch_stages.stem(inputs), np.array([0, 0]))
        forced = partial(run_stages, imposed=imposed, unit_gate_stage=unit_gate_stage)
        wanted = forced(torch_stages, self.rules, theirs)["answer"]
        ours = rows_of(start, np.array([image, image]))
        given = forced(self.engine, self.rules, ours)["answer"]
        return self._compare(stage, route, 0, given, wanted)

    def _compare(
        self, stage: int, route: Route, images: int, given: np.ndarray, wanted: np.ndarray
    ) -> RouteReport:
        """The report of a route from answers `[n, classes]`; forced if no image took it."""
        allowed = self.bounds.answer_error * metrics.peak(wanted)
        errors = metrics.absolute_errors(given, wanted)
        limit = metrics.near_tie_limit(float(errors.max()), allowed)
        decided = metrics.top1_margins(wanted) > limit
        same = given.argmax(axis=1) == wanted.argmax(axis=1)
        return RouteReport(
            stage=stage,
            route=route,
            images=images,
            forced=not images,
            errors=answer_errors(given, wanted),
            top1_without_near_ties=float(np.mean(same[decided])) if decided.any() else 1.0,
            share_over_bound=float(np.mean(errors.max(axis=1) > allowed)),
        )

    def _image_with_highest_route_logits(self, stage: int, route: Route) -> int:
        """The image whose logits speak most for a route."""
        logits = self.reference.vectors[f"logits.{stage}"]
        # Relative to each image's own winner, as its scores are.
        return int((logits[:, list(route)].sum(axis=1) - len(route) * logits.max(axis=1)).argmax())


def _members(vectors: Vectors) -> list[np.ndarray]:
    """The routes of each stage in a set of vectors, as memberships `[n, E]`."""
    count = sum(name.startswith("members.") for name in vectors)
    return [vectors[f"members.{stage}"] for stage in range(1, count + 1)]


def _near_ties(stages: list[StageReport]) -> list[tuple[int, int]]:
    """Stage and image of every margin within its limit."""
    return [
        (report.stage, int(image))
        for report in stages
        for image in np.flatnonzero(report.margins <= report.near_tie_limit)
    ]
