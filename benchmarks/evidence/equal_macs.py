"""A model of each family with as many active multiply-accumulates as the paper's main model.

Of random weights: what an answer takes and holds does not depend on what was learnt. 224 pixels,
patches of 32; the sizes are those of the preset 12x192, but of a Union of Experts, of which half is
active: it is as much wider as makes up for that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidence import answer_times
from evidence.made_on import cpu, versions
from evidence.piece_results import Bench, Results, Subject
from mvmoe_deploy.cli.output import note

if TYPE_CHECKING:
    from mvmoe_bench.measure.schema.results import RunLines
    from mvmoe_bench.report.run_summary import Summary
    from mvmoe_deploy.bundle.manifest import Manifest, Target

_TARGETS = ("onnx", "executorch")
_DELEGATES = {"executorch": "xnnpack"}
"""Whose pieces are counted: ONNX Runtime's CPU provider takes a graph as a whole."""

_SIZES = {"image_size": 224, "patch_size": 32, "width": 192, "depth": 12, "heads": 3}
_SHORT_SIZES = {"image_size": 16, "patch_size": 8, "width": 16, "depth": 2, "heads": 4}
_DENSE = "dense"


@dataclass(frozen=True)
class Model:
    """A model of the table."""

    name: str
    title: str
    family: str
    fields: Mapping[str, Any] = field(default_factory=dict)


MODELS = (
    Model(_DENSE, "dense", "vit"),
    Model("mobile-vmoe", "Mobile V-MoE, E = 10, k = 1", "mobile_vmoe", {"experts": 10, "top_k": 1}),
    Model("uoe", "UoE of width 268, one router, 2 of 4", "uoe", {"width": 268, "heads": 4}),
    Model("vmoe", "V-MoE, E = 10, k = 1", "vmoe", {"experts": 10, "moe_layers": 2, "top_k": 1}),
    Model(
        "soft-moe", "Soft MoE, E = 10, five slots each", "soft_moe",
        {"experts": 10, "moe_layers": 2, "slots": 5},
    ),
)  # fmt: skip
TITLES = {model.name: model.title for model in MODELS}


def measure_bench(work: Path, results: Results, quick: bool) -> None:
    """Make the table, unless it is there; raises what exports and runs raise."""
    known = results.bench()
    if known is not None and {model.name for model in MODELS} <= {s.model for s in known.subjects}:
        return
    folder = work / "equal-macs"
    paths = {model.name: _exported(model, folder, quick) for model in MODELS}
    lines = folder / f"bench-{len(paths)}.jsonl"
    preset = answer_times.effort(quick, rounds=20, starts=3)
    found = answer_times.run(tuple(paths.values()), lines, preset, _TARGETS)
    results.put_bench(
        Bench(
            subjects=_subjects(found, paths),
            repeats=preset.repeats,
            started=found.run.started,
            load_average=answer_times.load_average(found),
            versions=versions(),
            machine=cpu(),
        )
    )
    note(f"mvmoe bench: {len(paths)} models on {len(_TARGETS)} engines")


def _exported(model: Model, folder: Path, quick: bool) -> Path:
    """The bundle of a model for both engines; exported once."""
    from mvmoe_deploy.models import build
    from mvmoe_deploy.models.families import find_family
    from mvmoe_export import export_bundle

    path = folder / f"{model.name}.mvmoe"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        sizes = dict(_SHORT_SIZES if quick else {**_SIZES, **model.fields})
        config = find_family(model.family).config(**{**model.fields, **sizes})
        note(f"exporting {model.title}")
        export_bundle(
            build(config, seed=0).eval(), path, targets=_TARGETS, skip_verify=True, resume=True
        )
    return path


def _subjects(found: "RunLines", paths: Mapping[str, Path]) -> list[Subject]:
    """A line for each model and engine."""
    from mvmoe_bench.report.run_summary import summarize_run
    from mvmoe_deploy.bundle import Bundle

    times = answer_times.times(found)
    held = _held(summarize_run(found))
    keys = {(s.bundle, s.target): s.key for s in reversed(found.run.subjects)}
    subjects = []
    for target in _TARGETS:
        for name, path in paths.items():
            of = times[name, target]
            ms, low, high = answer_times.milliseconds(of)
            over = answer_times.ratio(of, times[_DENSE, target])
            assert over is not None
            manifest = Bundle.open(path).manifest
            key = keys[name, target]
            subjects.append(
                Subject(
                    model=name,
                    target=target,
                    ms=ms,
                    low=low,
                    high=high,
                    over_dense=over.value,
                    over_dense_low=over.low,
                    over_dense_high=over.high,
                    resident_one=held[key][0] if key in held else None,
                    resident_all=held[key][-1] if key in held else None,
                    **_sizes(manifest, manifest.targets[target], target),
                )
            )
    return subjects


def _held(summary: "Summary") -> dict[str, list[float]]:
    """What each subject adds to a process, with one expert resident first and with all last."""
    held: dict[str, list[float]] = {}
    for its in summary.sections.get("memory", ()):
        held.setdefault(its.subject, []).append(its.added.total.value)
    return held


def _sizes(manifest: "Manifest", record: "Target", target: str) -> dict[str, Any]:
    """What the manifest says: sizes, and the pieces of the graphs of one answer."""
    first = {graph.stage: graph for graph in reversed(record.graphs)}
    placed = [
        its
        for graph in first.values()
        for its in graph.placement
        if its.engine == _DELEGATES.get(target)
    ]
    return {
        "macs": manifest.model.macs,
        "params_total": manifest.model.params_total,
        "params_active": manifest.model.params_active,
        "graphs": len(record.graphs),
        "bundle_bytes": sum(file.bytes for file in record.files),
        "partitions": sum(its.partitions for its in placed) if placed else None,
        "nodes_outside": sum(its.nodes_outside for its in placed) if placed else None,
    }
