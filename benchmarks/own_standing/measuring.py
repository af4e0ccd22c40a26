"""What `make bench` measures, step by step; each step's result is a file that is made once."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from PIL import Image

from mvmoe_bench.measure.planning.inputs import smooth_picture
from mvmoe_bench.measure.planning.running import Request, run_bench
from mvmoe_bench.measure.schema.records import Preset
from mvmoe_bench.measure.schema.results import RunLines
from mvmoe_bench.report.run_summary import Summary, summarize_run
from mvmoe_bench.report.statistics import Ratio
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.progress import Progress, ignore_progress
from mvmoe_deploy.system import files
from own_standing import host_time
from own_standing.rounds import latencies, ratio

_BASELINES = ("bare", "static", "all-experts", "gather", "dense", "eager")
_TARGETS = ("onnx", "executorch")
_PICTURES = 64


@dataclass(frozen=True)
class Scale:
    """One number of experts."""

    experts: int
    params: int
    bytes: int
    """Of the ONNX target's files."""
    export_seconds: float
    """ONNX alone, guard and verification included."""
    ratio: Ratio
    """Latency over that of the fewest experts, paired by round."""
    subject: str


@dataclass(frozen=True)
class OwnPerformance:
    """All of it."""

    preset: str
    baselines: Summary
    """Every subject, on pictures that the router routes."""
    host: dict[str, dict[str, list[float]]]
    """By target what `host_time.measure` gives."""
    residency: Summary
    """The dispatchers, on pictures forced evenly down all routes."""
    naive: dict[str, Any]
    """What `rewriting.measure` gives."""
    scaling: Summary
    """One dispatcher for each number of experts, forced likewise."""
    scales: tuple[Scale, ...]
    started: str


def measure(
    preset: str,
    scaling: Sequence[int],
    effort: Preset,
    work: Path,
    progress: Progress = ignore_progress,
) -> OwnPerformance:
    """Do every step that is not done yet; raises what exports and runs raise."""
    work.mkdir(parents=True, exist_ok=True)
    _require_same(work / "asked.json", [preset, list(scaling), effort.name])
    bundle, checkpoint, _ = _export(preset, None, work, _TARGETS)
    still = msgspec.structs.replace(effort, name=f"{effort.name}, no residency", stream=0)
    asked = {"device": "host", "resume": True}
    baselines = run_bench(
        Request(
            bundles=(bundle,),
            output=work / "baselines.jsonl",
            preset=still,
            images=str(_pictures(bundle, work / "pictures")),
            targets=_TARGETS,
            compare=_BASELINES,
            checkpoints=(checkpoint,),
            cache=work / "graphs",
            **asked,
        ),
        progress,
    )
    host = _step(work / "host.json", partial(_host, bundle))
    residency = run_bench(
        Request(
            bundles=(bundle,),
            output=work / "residency.jsonl",
            preset=msgspec.structs.replace(effort, name=f"{effort.name}, residency", queries=10),
            targets=_TARGETS,
            **asked,
        ),
        progress,
    )
    naive = _step(work / "naive.json", lambda: _naive(checkpoint, work, progress))
    exported = [_export(preset, experts, work, ("onnx",)) for experts in scaling]
    scaled = run_bench(
        Request(
            bundles=tuple(path for path, _, _ in exported),
            output=work / "scaling.jsonl",
            preset=still,
            targets=("onnx",),
            **asked,
        ),
        progress,
    )
    return OwnPerformance(
        preset=preset,
        baselines=summarize_run(baselines),
        host=host,
        residency=summarize_run(residency),
        naive=naive,
        scaling=summarize_run(scaled),
        scales=_scales(scaled, scaling, [seconds for _, _, seconds in exported]),
        started=baselines.run.started,
    )


def _export(
    preset: str, experts: int | None, work: Path, targets: tuple[str, ...]
) -> tuple[Path, Path, float]:
    """A bundle of a model with random weights, its checkpoint, and the seconds it took."""
    name = "own" if experts is None else f"e{experts:02}"
    bundle, checkpoint = work / f"{name}.mvmoe", work / f"{name}.checkpoint"
    make = partial(_exported, preset, experts, (bundle, checkpoint), targets)
    made = _step(work / f"{name}.json", make)
    return bundle, checkpoint, made["seconds"]


def _pictures(bundle: Path, folder: Path) -> Path:
    """A directory of smooth random pictures of the bundle's size."""
    if not folder.exists():
        spec = Bundle.open(bundle).manifest.input
        with files.new_directory(folder) as work:
            for number in range(_PICTURES):
                pixels = smooth_picture(spec, seed=1000 + number)
                pixels = pixels[:, :, 0] if spec.channels == 1 else pixels
                Image.fromarray(pixels).save(work / f"{number:03}.png")
    return folder


def _exported(
    preset: str, experts: int | None, paths: tuple[Path, Path], targets: tuple[str, ...]
) -> dict[str, float]:
    """Write bundle and checkpoint to `paths`; only the export is timed."""
    from mvmoe_deploy.models import Checkpoint, build, load_checkpoint, save_checkpoint
    from mvmoe_export import Identity, export_bundle
    from own_standing.configurations import with_experts

    bundle, checkpoint = paths
    config = with_experts(preset, experts)
    model = build(config, seed=0)
    if not model.routing:
        raise InputError(
            f"preset {preset} is dense; give one of a routed model",
            code="input.option",
            name="preset",
            given=preset,
        )
    save_checkpoint(Checkpoint(model), checkpoint, replace=True)
    loaded = load_checkpoint(checkpoint)
    identity = Identity(name=preset, family=config.family, checkpoint_sha256=loaded.sha256)
    start = time.perf_counter()
    export_bundle(loaded.model, bundle, targets=targets, identity=identity, replace_existing=True)
    return {"seconds": time.perf_counter() - start}


def _host(bundle: Path) -> dict[str, Any]:
    """The host's own lines of an answer, for each target."""
    return {target: host_time.measure(bundle, target) for target in _TARGETS}


def _naive(checkpoint: Path, work: Path, progress: Progress) -> dict[str, Any]:
    """The naive export against ours."""
    from mvmoe_deploy.models import load_checkpoint
    from own_standing import rewriting

    folder = work / "naive"
    preset = rewriting.latency_only(repeats=9, iterations=30, warmup=5)
    paths = rewriting.export(load_checkpoint(checkpoint).model, folder)
    return rewriting.measure(paths, work / "naive.jsonl", preset, progress)


def _scales(
    scaled: RunLines, scaling: Sequence[int], seconds: Sequence[float]
) -> tuple[Scale, ...]:
    """What each number of experts costs; bundles are in the order of `scaling`."""
    measured, subjects = latencies(scaled), scaled.run.subjects
    fewest = measured[subjects[0].key]
    return tuple(
        Scale(
            experts=experts,
            params=bundle.params_total,
            bytes=bundle.targets["onnx"]["bytes"],
            export_seconds=spent,
            ratio=ratio(measured[subject.key], fewest),
            subject=subject.key,
        )
        for experts, bundle, subject, spent in zip(
            scaling, scaled.run.bundles, subjects, seconds, strict=True
        )
    )


def _step(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a file holds; made first if it is not there."""
    if not path.exists():
        text = json.dumps(make())
        files.write_file(path, lambda partial: partial.write_text(text))
    return json.loads(path.read_text())


def _require_same(path: Path, asked: list[Any]) -> None:
    """Refuse to mix what was asked for with what another call has left."""
    earlier = _step(path, lambda: {"asked": asked})["asked"]
    if earlier != asked:
        raise InputError(
            f"{path.parent} was begun with {earlier}, and now {asked} was asked for; remove it, or "
            "give another --work",
            code="resume.mismatch",
            found=asked,
            expected=earlier,
        )
