"""Prepares the compiler's job for Core ML, and makes the manifest's record of what it wrote."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.write import describe_files
from mvmoe_export import compiling
from mvmoe_export.compiling import FamilyJob, GraphJob, Job
from mvmoe_export.rewrites import names_for
from mvmoe_export.sizes import sizes
from mvmoe_export.stages import Stages
from mvmoe_export.targets.contract import ExportOptions, Records
from mvmoe_export.targets.coreml.engines import ENGINES
from mvmoe_export.targets.coreml.options import CoreMLOptions
from mvmoe_export.targets.coreml.pixels import pixels_of

REWRITES = names_for(need for engine in ENGINES for need in engine.needs)
"""What is applied where a caller names no rewrites."""

_COMPILER = "mvmoe_export.targets.coreml.conversion:compile"


def start(
    stages: Stages, options: ExportOptions, chosen: CoreMLOptions, root: Path, scratch: Path
) -> "CoreMLJob":
    """Start the compiler; its packages will be below `root / "coreml"`."""
    declared = _options(stages, options, chosen)
    folder = scratch / chosen.target
    families = compiling.prepare(stages, tuple(declared["rewrites"]), folder)
    job = Job(compiler=_COMPILER, extra="coreml", families=families, options=declared)
    compilation = compiling.start(job, folder, options.progress)
    target = root / chosen.target

    def record(made: dict[str, Any]) -> manifest.Target:
        return _record(stages, job, chosen, made, target)

    return CoreMLJob(compilation, target, record)


@dataclass(frozen=True)
class CoreMLJob:
    """The compiler at work, and what is done with what it wrote."""

    compilation: compiling.Compilation
    folder: Path
    record: Callable[[dict[str, Any]], manifest.Target]

    def ready(self) -> bool:
        """Whether the compiler has ended."""
        return self.compilation.ready()

    def finish(self) -> Records:
        """Wait for the packages and move them to their place; raises InputError, EngineError."""
        made = self.compilation.wait()
        shutil.move(self.compilation.folder / "output", self.folder)
        return {"coreml": self.record(made)}

    def cancel(self) -> None:
        """Stop the compiler."""
        self.compilation.cancel()


def _options(stages: Stages, options: ExportOptions, chosen: CoreMLOptions) -> dict[str, Any]:
    """The options of the compiler, as JSON data."""
    return {
        "rewrites": list(REWRITES if options.rewrites is None else options.rewrites),
        "options": msgspec.to_builtins(chosen),
        "identity": dict(options.identity),
        "labels": None if options.labels is None else list(options.labels),
        "preprocessing": msgspec.to_builtins(stages.model.input),
        "stages": [
            {"name": stage.name, "rule": msgspec.to_builtins(stage.rule)} for stage in stages.specs
        ],
    }


def _record(
    stages: Stages, job: Job, chosen: CoreMLOptions, made: dict[str, Any], folder: Path
) -> manifest.Target:
    """The manifest's record of the packages in `folder`."""
    graphs = {graph.name: (family, graph) for family in job.families for graph in family.graphs}
    pixels = pixels_of(stages.model.input) if chosen.input == "image" else None
    return manifest.Target(
        format="coreml",
        options=chosen.recorded(),
        rewrites=compiling.applied_rewrites(job.options["rewrites"], job.families),
        strategy=stages.strategy.name,
        precision=chosen.precision,
        batch=stages.batch,
        graphs=tuple(_graph(*graphs[facts["name"]], facts, pixels) for facts in made["graphs"]),
        weights=None,
        files=describe_files(folder.parent, (path for path in folder.rglob("*") if path.is_file())),
        parity=None,
        sizes=sizes(stages, _reads(job, chosen)),
    )


def _reads(job: Job, chosen: CoreMLOptions) -> dict[str, dict[str, int]]:
    """What each graph reads, in the bytes of the target's recipe."""
    recipe = chosen.recipe
    return {
        graph: {key: recipe.stored(size) for key, size in contents.items()}
        for graph, contents in compiling.tensors_read(job).items()
    }


def _graph(
    family: FamilyJob,
    graph: GraphJob,
    facts: dict[str, Any],
    pixels: manifest.Pixels | None,
) -> manifest.Graph:
    """The manifest's record of one graph."""
    return manifest.Graph(
        name=graph.name,
        stage=graph.stage,
        route=graph.route,
        file=f"coreml/{facts['file']}",
        entry=facts["entry"],
        weight_bytes=facts["weight_bytes"],
        exclusive_bytes=facts["exclusive_bytes"],
        inputs=tuple(_tensor(spec, pixels) for spec in family.inputs),
        outputs=family.outputs,
    )


def _tensor(spec: manifest.TensorSpec, pixels: manifest.Pixels | None) -> manifest.TensorSpec:
    """An input as Core ML has it: its integers have 32 bits, its image may be pixels."""
    if spec.name == "image":
        return msgspec.structs.replace(spec, pixels=pixels)
    return msgspec.structs.replace(spec, dtype="int32") if spec.dtype == "int64" else spec
