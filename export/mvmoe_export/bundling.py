"""The one way from a model to a bundle: stages, targets, route guard, golden vectors, manifest."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Self

import msgspec
import torch

import mvmoe_deploy
from mvmoe_deploy.bundle import Bundle, manifest
from mvmoe_deploy.bundle.write import foreign_to_bundle, write_golden, write_manifest
from mvmoe_deploy.cli.progress_bars import shown_or
from mvmoe_deploy.errors import CheckFailedError, InputError, UnsupportedPlatformError
from mvmoe_deploy.models.checkpoints import Checkpoint
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.models.counting import count
from mvmoe_deploy.models.input_choices import unstated
from mvmoe_deploy.models.own_weights import own_labels
from mvmoe_deploy.preprocessing import Origin, TrainedField
from mvmoe_deploy.progress import Progress
from mvmoe_deploy.routing import UsagePrior
from mvmoe_deploy.samples import Samples
from mvmoe_deploy.strategies import DEFAULT
from mvmoe_deploy.system import files, output_places
from mvmoe_deploy.verification.report_data import summarize
from mvmoe_export.auto_strategy import AUTO, choose_strategy
from mvmoe_export.bounds import bounds_for
from mvmoe_export.calibration import Calibrated, CalibrationRequest, calibrate, load_images
from mvmoe_export.captured import write_captured
from mvmoe_export.compression_loss import (
    require_labels,
    require_loss,
    require_measurable,
    what_may_help,
)
from mvmoe_export.evaluation_mode import evaluation_mode
from mvmoe_export.further_targets import further_name, take_over, variants, with_recipe
from mvmoe_export.parity.golden_vectors import GOLDEN_IMAGES, golden_vectors
from mvmoe_export.parity.guard import guard
from mvmoe_export.parity.guard_in_graph import guard_in_graph
from mvmoe_export.parity.pytorch import verify_against_model
from mvmoe_export.parity.soundness import require_sound
from mvmoe_export.parity.torch_reference import TorchReference
from mvmoe_export.preflight import (
    labelled,
    require_manifest,
    require_options,
    require_prior,
    require_room,
    require_targets,
    require_texts,
)
from mvmoe_export.restricting import RestrictedModel, restricted_prior
from mvmoe_export.resuming import FinishedTargets, export_key
from mvmoe_export.rewrites import find_rewrite
from mvmoe_export.stages import MAX_GRAPHS, Stages, make_stages
from mvmoe_export.targets import ExportOptions, TargetJob, TargetPart, find_target, target_names
from mvmoe_export.targets.contract import InlineJob

_SCRATCH = ".scratch"
_FURTHER = ".further"
"""Where the targets of a strategy or recipe that is not the first are made."""
_NO_GOLDEN = manifest.Golden(images=1, file=manifest.File(path="-", bytes=0, sha256=""))
"""Where the golden vectors are not written yet."""

_MODEL = "check the model"
"""The phase before any target begins."""

_POLL_SECONDS = 0.05
"""Seconds between two looks at the targets that work elsewhere."""


@dataclass(frozen=True)
class Identity:
    """What a bundle says of the model beyond its weights."""

    name: str = "model"
    family: str | None = None
    """None for the name of the model's class."""
    labels: Sequence[str] | None = None
    """The names of the classes, in order; None for those of the model's attribute `labels`."""
    usage_prior: UsagePrior | None = None
    checkpoint_sha256: str | None = None
    weights: str | None = None
    """Which of several sets in the checkpoint the weights are."""

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Self:
        """What a checkpoint says of its model."""
        return cls(
            name=checkpoint.name,
            family=checkpoint.config.family,
            labels=checkpoint.labels,
            usage_prior=checkpoint.usage_prior,
            checkpoint_sha256=checkpoint.sha256,
            weights=checkpoint.weights,
        )


def export_bundle(
    model: RoutedModel,
    path: str | Path,
    *,
    targets: Sequence[str] = ("onnx",),
    strategy: str | Sequence[str] = DEFAULT,
    precision: str | Sequence[str] = (),
    batch: int = 1,
    max_graphs: int = MAX_GRAPHS,
    routers: manifest.Routers = manifest.HOST,
    identity: Identity | None = None,
    options: ExportOptions | None = None,
    calibration: CalibrationRequest | None = None,
    max_loss: float | None = None,
    replace_existing: bool = False,
    skip_verify: bool = False,
    resume: bool = False,
    progress: Progress | None = None,
) -> manifest.Manifest:
    """Export a routed model to the bundle directory `path`; gives its manifest.

    - `model`: a module that satisfies `RoutedModel`: one of a family, as `load_checkpoint` gives it
      in `.model`, or your own. It stays on its device and keeps its weights.
    - `path`: a directory that does not exist yet, or see `replace_existing`.
    - `targets`: names of `mvmoe parts targets`. `options` has those of each target, as the class
      that the target documents, and `rewrites`: None for the targets' choice, `()` for none.
    - `batch`: images that a graph takes at a time. `max_graphs`: of more the export is refused.
    - `identity`: name, labels and usage prior (`Identity`, or `Identity.of(checkpoint)`). Labels
      are those of the first output that has classes, in the order of its numbers; without them
      those of the model's attribute `labels`, if it has one.
    - `calibration`: images for the recipes that need some, or to measure what targets lose.
    - `progress`: called as `progress(phase, item, total)` for each of `total` things of a phase
      that is done, such as `("export onnx", "stem", 5)`; from the thread of the caller.

    As the last step the bundle is verified on its golden images, or on those of `calibration`, and
    every route that none of them takes (see `docs/verify.md`), unless `skip_verify`; the manifest
    keeps the figures. A target may then lose no more than `max_loss` points of right answers.

    `strategy` is the name of one, or `auto`: the most suitable that can serve the model
    (`auto_strategy.choose_strategy` says which, and why). `precision` is the name of a recipe for
    all targets; without one each target's options say it. Of several strategies, and of several
    recipes, the first one's targets have their own names, and the others' end in that of the
    strategy and of the recipe: `onnx-all-experts`, `onnx-int8`. With the `routers` `in-graph` there
    is one graph that selects by itself, for strategies that can have that.

    With `resume`, targets that are finished are kept beside `path` (in `.NAME.resume`) if the
    export ends early, and taken over by the next one of the same model and options.

    How far it is stands on stderr, in bars on a terminal and in lines elsewhere; a `progress` of
    the caller's is told instead (`ignore_progress`: nobody).

    What the model's own code prints goes where the caller's does. The model is in evaluation mode
    meanwhile; each of its modules is then in the mode that it was in.

    A directory at `path` is replaced only with `replace_existing`, and only if it is a bundle and
    holds nothing else (or is empty); this is asked at the start, and again at the end.

    Raises InputError for a path, model or options that cannot be used, MissingExtraError for a
    target whose engine is not installed, CheckFailedError if a graph does not do what the model
    does, OutputError if it cannot be written; what was at `path` is then as it was.
    """
    path, foreign = Path(path), foreign_to_bundle if replace_existing else None
    output_places.require_directory(path, foreign)
    identity = _of_restricted(model, _with_labels(model, identity or Identity()))
    options = _with_identity(options or ExportOptions(), identity)
    found = {name: find_target(name) for name in targets}
    if not found:
        raise InputError(
            f"no target was given; give one of {', '.join(target_names())}",
            code="input.option",
            name="targets",
        )
    for name in options.rewrites or ():
        find_rewrite(name)
    require_options(options)
    named = [strategy] if isinstance(strategy, str) else list(strategy)
    if AUTO in named:
        chosen = choose_strategy(
            model, batch, max_graphs, routers=routers, targets=targets, options=options
        ).name
        named = [chosen if name == AUTO else name for name in named]
    if not named:
        raise InputError(
            f"no strategy was given; give {DEFAULT}, or another one",
            code="input.option",
            name="strategy",
        )
    with evaluation_mode(model), shown_or(progress) as advance:
        make = partial(make_stages, batch=batch, max_graphs=max_graphs, routers=routers)
        calibrated = Calibrated(model)
        require_measurable(max_loss, calibration, skip_verify=skip_verify)
        if calibration is not None:
            stages = make(model, named[0])
            described = _described(stages, identity, found)
            expected = require_manifest(described, stages, found, GOLDEN_IMAGES)
            samples = load_images(expected, calibration)
            require_labels(max_loss, samples)
            calibrated = calibrate(model, samples, smooth=calibration.smooth)
            options = replace(options, calibration=calibrated.run)
        exports = [
            _Export(make(calibrated.model, each.strategy), found, chosen, each.further, advance)
            for each in variants(named, precision)
            for chosen in [with_recipe(options, found, each.recipe)]
        ]
        for export in exports:
            require_targets(found, export.stages, export.options)
        require_room(found, [(export.stages, export.options) for export in exports], path)
        with files.new_directory(path, foreign) as work, torch.no_grad():
            described, *_ = [_checked(each.stages, identity, options, found) for each in exports]
            advance(_MODEL, None, 1)
            require_sound(exports[0].stages.on_host)
            advance(_MODEL, "repeatable", 1)
            kept = [each.finished(path, resume) for each in exports]
            records: dict[str, manifest.Target] = {}
            for export, finished in zip(exports, kept, strict=True):
                records |= export.run(work, finished)
            # After the route guard, which says what is wrong with a model more exactly.
            golden = write_golden(work, golden_vectors(model))
            records = {name: _calibrated(each, calibrated) for name, each in records.items()}
            result = msgspec.structs.replace(described, targets=records, golden=golden)
            if not skip_verify:
                made = Bundle(work, result, plugins=True)
                result = _verified(made, model, calibrated.samples, advance)
                require_loss(result, max_loss)
            write_manifest(work, result)
    kept[0].clear()
    return result


@dataclass(frozen=True)
class _Export:
    """The targets of one strategy and recipe; of those that are not the first with longer names."""

    stages: Stages
    found: Mapping[str, TargetPart]
    options: ExportOptions
    further: str | None
    """What the names of its targets end in; None for the first."""
    progress: Progress

    def finished(self, path: Path, resume: bool) -> FinishedTargets:
        """What an interrupted export to `path` has finished; raises InputError as it does."""
        key = _key(self.stages, self.options, self.found) if resume else None
        finished = FinishedTargets(path, key, self.further)
        finished.require_free(self.found)
        return finished

    def run(self, root: Path, finished: FinishedTargets) -> dict[str, manifest.Target]:
        """All targets in their folders below `root`, each checked by the route guard."""
        reference = TorchReference(self.stages.on_host)
        if self.further is None:
            return TargetMaking(self, root, finished, reference).run()
        folder = root / _FURTHER
        folder.mkdir()
        made = TargetMaking(self, folder, finished, reference).run()
        return take_over(made, self.found, self.further, folder, root)

    def name(self, target: str) -> str:
        """A target's name in the bundle."""
        return target if self.further is None else further_name(target, self.further)


@dataclass(frozen=True)
class TargetMaking:
    """The targets of one strategy in the making, below a folder of their own."""

    export: _Export
    root: Path
    finished: FinishedTargets
    reference: TorchReference

    def run(self) -> dict[str, manifest.Target]:
        """All targets side by side, each checked when it is ready; stops all if one fails."""
        scratch = self.root / _SCRATCH
        scratch.mkdir()
        started: dict[str, TargetJob] = {}
        records: dict[str, dict[str, manifest.Target]] = {}
        try:
            for name, target in self.export.found.items():
                started[name] = self._start(name, target, scratch)
            while waiting := [name for name in started if name not in records]:
                ready = next((name for name in waiting if started[name].ready()), None)
                if ready is None:
                    time.sleep(_POLL_SECONDS)
                else:
                    records[ready] = self._finish(ready, started[ready])
        finally:
            for work in started.values():
                work.cancel()
        shutil.rmtree(scratch)
        # In the order in which they were asked for, whichever was done first.
        return {each: made for name in self.export.found for each, made in records[name].items()}

    def _start(self, name: str, target: TargetPart, scratch: Path) -> TargetJob:
        """Let a target begin, unless an interrupted export has finished it."""
        records = self.finished.restore(name, self.root)
        if records is not None:
            return InlineJob(lambda: records)
        stages = self.export.stages
        if getattr(target, "reads_captured", False):
            write_captured(stages, scratch)
        told = self._told(name, "export")
        total = self._graphs(name, target)
        told(None, total)
        options = replace(self.export.options, progress=lambda graph: told(graph, total))
        return target.start(stages, options, self.root, scratch)

    def _finish(self, name: str, work: TargetJob) -> dict[str, manifest.Target]:
        """Wait for a target, and ask the route guard's questions of what it has written."""
        records = work.finish()
        for variant, made in records.items():
            record = msgspec.structs.replace(made, routers=self.export.stages.routers)
            if record.parity is None:
                compression = record.compression
                bounds = bounds_for(
                    find_target(name),
                    record.precision,
                    record.rewrites,
                    activations=None if compression is None else compression.activations,
                )
                bounded = msgspec.structs.replace(record, bounds=bounds)
                parity = self._guarded(variant, bounded)
                records[variant] = msgspec.structs.replace(bounded, parity=parity)
        self.finished.keep(name, records, self.root)
        return records

    def _guarded(self, name: str, record: manifest.Target) -> manifest.Parity | None:
        """The route guard's report; None for graphs that run on no engine of this machine."""
        stages = self.export.stages
        try:
            ask = guard if stages.routers == manifest.HOST else guard_in_graph
            told = self._told(name, "check")
            return ask(name, stages, record, self.root, told, reference=self.reference)
        except UnsupportedPlatformError:
            return None

    def _graphs(self, name: str, target: TargetPart) -> int:
        """How many graphs a target writes."""
        chosen = self.export.options.of(name, target.options)
        return len(list(self.export.stages.graphs)) * chosen.copies

    def _told(self, target: str, phase: str) -> Callable[[str | None, int], None]:
        """What is told of one phase of a target."""
        return partial(self.export.progress, f"{phase} {self.export.name(target)}")


def _with_labels(model: RoutedModel, identity: Identity) -> Identity:
    """With the names of the classes that the model itself has, where nobody gave others."""
    module = model.model if isinstance(model, RestrictedModel) else model
    labels = own_labels(module) if identity.labels is None else identity.labels
    return replace(identity, labels=labels)


def _of_restricted(model: RoutedModel, identity: Identity) -> Identity:
    """What is known of a model whose routing may be restricted."""
    return replace(identity, usage_prior=restricted_prior(identity.usage_prior, model))


def _key(stages: Stages, options: ExportOptions, found: Mapping[str, TargetPart]) -> str:
    """What a finished target depends on."""
    chosen = (options.targets, options.rewrites, options.identity, options.labels)
    images = None if options.calibration is None else options.calibration.record
    kind = (stages.strategy.name, stages.routers, stages.batch, images)
    return export_key(stages, (*kind, *chosen, _packages(found)))


def _with_identity(options: ExportOptions, identity: Identity) -> ExportOptions:
    """Options with what formats can hold of the model's identity."""
    labels = tuple(identity.labels) if identity.labels is not None else None
    return replace(options, identity={"name": identity.name, **options.identity}, labels=labels)


def _calibrated(record: manifest.Target, calibrated: Calibrated) -> manifest.Target:
    """The record of a compressed target with what is known of the calibration."""
    if record.compression is None or calibrated.run is None:
        return record
    compression = msgspec.structs.replace(
        record.compression,
        calibration=calibrated.run.record,
        smoothed=calibrated.smoothed_norms,
    )
    return msgspec.structs.replace(record, compression=compression)


def _verified(
    bundle: Bundle, model: RoutedModel, samples: Samples | None, progress: Progress
) -> manifest.Manifest:
    """The manifest with what the verification found; raises CheckFailedError if it fell short."""
    checked = [name for name, record in bundle.manifest.targets.items() if record.parity]
    report = verify_against_model(bundle, model, samples, targets=checked, progress=progress)
    if not report.ok:
        hint = what_may_help(bundle.manifest)
        raise CheckFailedError(
            f"{report.shortfall}; the bundle was not written{hint}", **report.fields
        )
    targets = {}
    for name, record in bundle.manifest.targets.items():
        if record.parity is None:
            targets[name] = record
            continue
        summary = summarize(report.targets[name])
        parity = msgspec.structs.replace(record.parity, verification=summary)
        targets[name] = msgspec.structs.replace(record, parity=parity)
    return msgspec.structs.replace(bundle.manifest, targets=targets)


def _checked(
    stages: Stages,
    identity: Identity,
    options: ExportOptions,
    found: Mapping[str, TargetPart],
) -> manifest.Manifest:
    """The manifest of a bundle, its targets and golden file still to come.

    Raises InputError for what it could not hold: labels, texts, a usage prior, sizes.
    """
    require_prior(identity.usage_prior, stages)
    require_texts(options.identity)
    described = _described(stages, identity, found)
    require_texts({"family": described.model.family})
    require_manifest(described, stages, found, GOLDEN_IMAGES)
    return described


def _described(
    stages: Stages, identity: Identity, found: Mapping[str, TargetPart]
) -> manifest.Manifest:
    """What the manifest says of the model."""
    model = stages.model
    counts = count(model)
    return manifest.Manifest(
        format=manifest.FORMAT,
        version=manifest.VERSION,
        model=manifest.Model(
            family=identity.family or type(model).__name__,
            name=identity.name,
            params_total=counts.params_total,
            params_active=counts.params_active,
            macs=counts.macs,
        ),
        source=manifest.Source(
            checkpoint_sha256=identity.checkpoint_sha256,
            packages=_packages(found),
            weights=identity.weights,
            input=_origins(model),
        ),
        input=model.input,
        stages=stages.records,
        outputs=labelled(stages, identity.labels),
        targets={},
        usage_prior=identity.usage_prior,
        golden=_NO_GOLDEN,
        restrictions=getattr(model, "restrictions", ()),
    )


def _origins(model: RoutedModel) -> dict[TrainedField, Origin]:
    """Who stated the input; of a module without such a table, what has a default's value."""
    known = getattr(model, "input_origins", None)
    return unstated(model.input) if known is None else known


def _packages(found: Mapping[str, TargetPart]) -> dict[str, str]:
    """The versions of what makes the graphs, as far as it is installed."""
    versions = {"mvmoe-deploy": mvmoe_deploy.__version__}
    for package in dict.fromkeys(name for target in found.values() for name in target.packages):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
