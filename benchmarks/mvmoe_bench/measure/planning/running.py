"""A run of `mvmoe bench` from end to end: what is asked for, job after job, into a results file."""

import contextlib
import datetime
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from mvmoe_bench.measure.devices import default_device, find_device
from mvmoe_bench.measure.devices.contract import Device
from mvmoe_bench.measure.planning import distribution
from mvmoe_bench.measure.planning.bench_run import WHOLE_RUN, BenchRun, RunContext
from mvmoe_bench.measure.planning.choosing import Selection, choose
from mvmoe_bench.measure.planning.inputs import (
    SYNTHETIC,
    Inputs,
    load_inputs,
    picture_files,
    require_same_input,
)
from mvmoe_bench.measure.planning.models import Models
from mvmoe_bench.measure.planning.queries import QueryPlan, imposes
from mvmoe_bench.measure.schema import results
from mvmoe_bench.measure.schema.records import (
    BundleRecord,
    Done,
    InputRecord,
    Preset,
    Record,
    Resumed,
    Run,
)
from mvmoe_bench.measure.schema.results import ResultsFile, RunLines
from mvmoe_bench.measure.subjects import find_kind
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.bundle.model_outputs import class_output
from mvmoe_deploy.bundle.summary import summarize
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.progress import Progress, ignore_progress
from mvmoe_deploy.routing import UsagePrior
from mvmoe_deploy.routing.choices import required_choices, router_of
from mvmoe_deploy.system import output_places
from mvmoe_deploy.system.temporary import private_temporary_files
from mvmoe_deploy.training.datasets import is_name

_FIXED = ("device", "preset", "seed", "threads", "inputs", "bundles", "subjects")
"""Fields of a run that a resumed one must have alike."""
_FIXED_IDENTITY = ("cpu", "cores_logical", "os", "build", "python", "packages")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `mvmoe bench` was asked for."""

    bundles: tuple[Path, ...]
    output: Path
    preset: Preset
    device: str | None = None
    """None for the one that this program runs on."""
    targets: tuple[str, ...] = ()
    """Empty for all that the device runs."""
    threads: int = 1
    engine_options: tuple[tuple[str, str], ...] = ()
    """Names and values with which each target is measured."""
    images: str = SYNTHETIC
    distribution: str | None = None
    compare: tuple[str, ...] = ()
    checkpoints: tuple[Path, ...] = ()
    """One for each bundle, or none."""
    dense: tuple[Path, ...] = ()
    """Checkpoints of dense models, one for each bundle, or none."""
    factories: tuple[str, ...] = ()
    """Of users' own models: one for each bundle, or none; checkpoints have their weights."""
    manifest_sha256: tuple[str, ...] = ()
    """What pins the bundles: one for each, or none."""
    plugins: bool = False
    """Whether bundles may name parts of other distributions, which are then imported."""
    config: str | None = None
    weights: str | None = None
    seed: int = 0
    cache: Path | None = None
    """Where the baselines' graphs are kept; None for nowhere."""
    resume: bool = False
    replace: bool = False


def run_bench(request: Request, progress: Progress = ignore_progress) -> RunLines:
    """Measure, and give what the results file holds in the end.

    What was measured is in the file whatever happens: after Ctrl-C, `resume` goes on. Raises
    InputError, MissingExtraError, UnsupportedPlatformError or OutputError before anything is
    measured; a subject that fails later is a line in the file. Raises EngineError if the device
    is lost meanwhile.
    """
    _require_places(request)
    device = find_device(request.device or default_device())
    bundles = _open(request)
    _require_checkpoints(request)
    for bundle in bundles.values():
        for target in request.targets:
            bundle.target(target)
    require_same_input(list(bundles.values()))
    choice = choose(
        device,
        bundles,
        request.targets,
        request.compare,
        request.threads,
        engine_options=dict(request.engine_options),
    )
    asked = _distributions(request, bundles)
    for subject in choice.subjects:
        if subject.dispatches:
            subject.verify()
    inputs = load_inputs(request.images, list(bundles.values()), request.seed)
    with device.prepared():
        _measure(request, device, (bundles, choice, inputs, asked), progress)
    return results.read(request.output)[-1]


def _measure(request: Request, device: Device, parts: "_RunParts", progress: Progress) -> None:
    """Measure what is not in the output yet, on a device that is prepared for it."""
    bundles, choice, inputs, asked = parts
    run = _first_line(request, device, bundles, (choice, inputs, asked))
    if request.resume and _ended(request, run):
        return
    # What workers compile for themselves goes there too, for all of them, and away with it.
    with private_temporary_files() as folder:
        context = _context(request, device, parts, folder)
        with _output(request, run, device) as (out, known):
            BenchRun(context, out, known).run(progress)


def _require_places(request: Request) -> None:
    """Refuse outputs that would replace or damage an input, or something that is no results."""
    read = [*request.bundles, *request.checkpoints, *request.dense]
    named = (request.config, request.distribution)
    read += [Path(text) for text in named if text and text.endswith(".json")]
    without = request.images == SYNTHETIC or is_name(request.images)
    folders = [] if without else [Path(request.images)]
    output_places.refuse_overlap([request.output], read, folders)
    if request.cache is not None:
        output_places.require_outside(
            request.cache, [*request.bundles, *request.checkpoints, *request.dense, *folders]
        )
        output_places.refuse_place_of(request.output, request.cache)
    results.require_free(request.output, request.replace, request.resume)
    with results.reserved(request.output):
        pass  # Whether another run is writing to it is said before anything is loaded.


_RunParts = tuple[dict[str, Bundle], Selection, Inputs, dict[str, UsagePrior] | None]
"""The bundles by name, the subjects, what they are asked, and the shares that were asked for."""


def _context(request: Request, device: Device, parts: _RunParts, folder: Path) -> RunContext:
    """What the campaign works with; the images are written to `folder`."""
    bundles, choice, inputs, asked = parts
    images = folder / "images.npy"
    np.save(images, inputs.images)
    queries = {
        name: QueryPlan(bundle.manifest, inputs, (asked or {}).get(name), request.seed)
        for name, bundle in bundles.items()
    }
    models = Models(
        bundles=bundles,
        checkpoints=dict(zip(bundles, request.checkpoints, strict=False)),
        factories=dict(zip(bundles, _lasting(request.factories), strict=False)),
        config=request.config,
        weights=request.weights,
        inputs=inputs,
        queries=queries,
        folder=folder,
        cache=request.cache,
        dense=dict(zip(bundles, request.dense, strict=False)),
    )
    models.load()
    models.require_places(choice.subjects)
    return RunContext(
        device=device,
        subjects=choice.subjects,
        preset=request.preset,
        inputs=inputs,
        images=images,
        pictures=picture_files(inputs.pictures, folder),
        queries=queries,
        models=models,
    )


def _open(request: Request) -> dict[str, Bundle]:
    """The bundles by a short name each."""
    bundles: dict[str, Bundle] = {}
    pins = pins_of(request.bundles, request.manifest_sha256)
    for path, pin in zip(request.bundles, pins, strict=True):
        name = stem = path.resolve().name.removesuffix(".mvmoe") or "bundle"
        number = 2
        while name in bundles:
            name, number = f"{stem}-{number}", number + 1
        bundles[name] = Bundle.open(path, pin, plugins=request.plugins)
    return bundles


def pins_of(bundles: tuple[Path, ...], given: tuple[str, ...]) -> tuple[str | None, ...]:
    """What pins each bundle; raises InputError for another number of hashes than of bundles."""
    if len(given) not in (0, len(bundles)):
        raise InputError(
            f"{len(given)} hashes of manifests were given for {len(bundles)} bundles; give "
            "--manifest-sha256 once for each bundle, in their order",
            code="input.option",
            name="manifest_sha256",
        )
    return given or (None,) * len(bundles)


def _require_checkpoints(request: Request) -> None:
    """Refuse baselines without the models to make them from."""
    for option, given in (("checkpoints", request.checkpoints), ("dense", request.dense)):
        if len(given) not in (0, len(request.bundles)):
            raise InputError(
                f"--{option.removesuffix('s')} was given {len(given)} times for "
                f"{len(request.bundles)} bundles; give it once for each bundle, in their order",
                code="input.option",
                name=option,
                given=len(given),
                expected=len(request.bundles),
            )
    _require_factories(request)
    needy = [name for name in request.compare if find_kind(name).needs_model]
    if needy and not (request.checkpoints or request.factories):
        raise InputError(
            f"--compare {','.join(needy)} needs the PyTorch model; give --checkpoint with what the "
            "bundle was exported from, or --model with the factory of your own model",
            code="input.option",
            name="compare",
            given=needy,
        )


def _lasting(factories: tuple[str, ...]) -> list[str]:
    """Specs that mean the same in a worker's directory; PyTorch is imported if there are any."""
    if not factories:
        return []
    from mvmoe_deploy.models.own_module import lasting_spec

    return [lasting_spec(each) for each in factories]


def _require_factories(request: Request) -> None:
    """Refuse factories that are not one for each bundle, or what they say themselves."""
    if not request.factories:
        return
    if len(request.factories) != len(request.bundles):
        raise InputError(
            f"{len(request.factories)} models were given for {len(request.bundles)} bundles; give "
            "--model once for each bundle",
            code="input.option",
            name="factories",
            given=len(request.factories),
            expected=len(request.bundles),
        )
    if request.config is not None:
        raise InputError(
            "--config was given with --model, whose factory says it; leave it out",
            code="input.option",
            name="config",
        )


def _distributions(request: Request, bundles: dict[str, Bundle]) -> dict[str, UsagePrior] | None:
    """By bundle, the distribution that was asked for."""
    if request.distribution is None:
        return None
    text = request.distribution
    return {name: distribution.parse(text, bundle.manifest) for name, bundle in bundles.items()}


def _first_line(
    request: Request,
    device: Device,
    bundles: dict[str, Bundle],
    parts: tuple[Selection, Inputs, dict[str, UsagePrior] | None],
) -> Run:
    """What the results file begins with."""
    choice, inputs, asked = parts
    imposed = any(imposes(bundle.manifest, inputs) for bundle in bundles.values())
    return Run(
        schema="mvmoe-bench",
        version=1,
        id=uuid.uuid4().hex,
        started=_now(),
        device=device.name,
        identity=device.identity(),
        preset=request.preset,
        seed=request.seed,
        threads=request.threads,
        inputs=InputRecord(
            source=inputs.source,
            images=len(inputs.images),
            sha256=inputs.sha256,
            forced=imposed,
            distribution=asked,
            order=inputs.order,
        ),
        bundles=tuple(_bundle_record(name, bundle) for name, bundle in bundles.items()),
        subjects=tuple(subject.record for subject in choice.subjects),
        notes=(*choice.notes, *_choice_notes(bundles, inputs)),
    )


def _choice_notes(bundles: dict[str, Bundle], inputs: Inputs) -> Iterator[str]:
    """What images take where the caller has to choose, and no route is imposed."""
    for name, bundle in bundles.items() if inputs.real else ():
        for choice, names in required_choices(bundle.manifest.rules).items():
            yield (
                f"the caller of bundle {name} chooses its {choice}: images take "
                f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''} in turn"
            )


def _bundle_record(name: str, bundle: Bundle) -> BundleRecord:
    """What reports say of a bundle."""
    manifest = bundle.manifest
    classes = class_output(manifest)
    return BundleRecord(
        name=name,
        sha256=bundle.manifest_sha256 or "",
        model=manifest.model.name,
        family=manifest.model.family,
        params_total=manifest.model.params_total,
        params_active=manifest.model.params_active,
        macs=manifest.model.macs,
        experts=tuple(rule.experts for rule in manifest.rules),
        labels=classes.labels if classes is not None else None,
        usage_prior=manifest.usage_prior,
        targets=msgspec.to_builtins(summarize(manifest).targets),
        chosen_stages=tuple(
            stage for stage, rule in enumerate(manifest.rules, start=1) if router_of(rule) is None
        ),
        constant_routes={
            fixed.stage: fixed.route for fixed in manifest.restrictions if fixed.route is not None
        },
        kept_experts={
            fixed.stage: fixed.kept for fixed in manifest.restrictions if fixed.kept is not None
        },
    )


def _ended(request: Request, run: Run) -> bool:
    """Whether a run of the same is in the output already, from beginning to end."""
    if not request.output.exists():
        return False
    previous = results.read(request.output)[-1]
    _require_same_run(previous.run, run, request.output)
    return any(isinstance(line, Done) and line.job == WHOLE_RUN for line in previous.lines)


@contextlib.contextmanager
def _output(
    request: Request, run: Run, device: Device
) -> Iterator[tuple[ResultsFile, list[Record]]]:
    """The results file, and what it holds already of a run that goes on."""
    with results.reserved(request.output):
        opened, kept = _begun(request, run, device)
    with opened as out:
        yield out, kept


def _begun(request: Request, run: Run, device: Device) -> tuple[ResultsFile, list[Record]]:
    """A new results file, or the one that goes on, without the jobs that did not end."""
    if not request.resume or not request.output.exists():
        return ResultsFile.new(request.output, run, replace=request.replace), []
    *others, previous = results.read(request.output)
    _require_same_run(previous.run, run, request.output)
    kept = results.finished_jobs(previous)
    before = [line for other in others for line in (other.run, *other.lines)]
    resumed = Resumed(at=_now(), load_average=device.load_average())
    return ResultsFile.again(request.output, [*before, previous.run, *kept, resumed]), kept


def _require_same_run(previous: Run, now: Run, path: Path) -> None:
    """Refuse to go on with a run of something else."""
    differing = [name for name in _FIXED if _plain(previous, name) != _plain(now, name)]
    differing += [
        f"identity: {name}"
        for name in _FIXED_IDENTITY
        if previous.identity.get(name) != msgspec.to_builtins(now.identity).get(name)
    ]
    if differing:
        raise InputError(
            f"{path} cannot be resumed: it differs in {', '.join(differing)}; give the options, "
            "files and machine it was begun with, or another output",
            code="resume.mismatch",
            name=differing[0],
        )


def _plain(run: Run, field: str) -> object:
    """A field as it comes out of a file."""
    return msgspec.json.decode(msgspec.json.encode(getattr(run, field)))


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
