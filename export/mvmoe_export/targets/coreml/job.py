"""Prepares the compiler's job for Core ML, and makes the manifest's record of what it wrote."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.write import describe_files
from mvmoe_export import captured, compiling
from mvmoe_export.captured import CapturedFamily, CapturedGraph
from mvmoe_export.compile_job import EXPERT_WEIGHTS, OUTPUT, CompileRequest, encoded
from mvmoe_export.compiling import Compiled
from mvmoe_export.compression import NumberTypes
from mvmoe_export.expert_weights import BoundRecords
from mvmoe_export.rewrites import names_for
from mvmoe_export.sizes import sizes
from mvmoe_export.stages import Stages
from mvmoe_export.targets.contract import ExportOptions, Records
from mvmoe_export.targets.coreml.engines import ENGINES
from mvmoe_export.targets.coreml.options import ConversionOptions, CoreMLOptions
from mvmoe_export.targets.coreml.pixel_inputs import pixels_of

REWRITES = names_for(need for engine in ENGINES for need in engine.needs)
"""What is applied where a caller names no rewrites."""

_COMPILER = "mvmoe_export.targets.coreml.conversion:compile"


def start(
    stages: Stages, options: ExportOptions, chosen: CoreMLOptions, root: Path, scratch: Path
) -> "CoreMLJob":
    """Start the compiler; its packages will be below `root / "coreml"`."""
    rewrites = REWRITES if options.rewrites is None else options.rewrites
    families = captured.write_captured(stages, scratch)
    calls: tuple[captured.CapturedCall, ...] = ()
    if chosen.numbers.needs_images and options.calibration is not None:
        calls = captured.write_calls(options.calibration.calls, scratch)
    job = CompileRequest(
        compiler=_COMPILER,
        extra="coreml",
        captured=str(scratch / captured.FOLDER),
        families=families,
        rewrites=rewrites,
        recipe=chosen.precision,
        numbers=chosen.numbers,
        calibration=calls,
        experts=stages.bound_experts,
        options=encoded(conversion_options(stages, options, chosen)),
    )
    compilation = compiling.start(job, scratch / chosen.target, options.progress)
    target = root / chosen.target

    def record(made: Compiled) -> manifest.Target:
        return _record(stages, job, chosen, made, target)

    return CoreMLJob(compilation, target, record)


@dataclass(frozen=True)
class CoreMLJob:
    """The compiler at work, and what is done with what it wrote."""

    compilation: compiling.Compilation
    folder: Path
    record: Callable[[Compiled], manifest.Target]

    def ready(self) -> bool:
        """Whether the compiler has ended."""
        return self.compilation.ready()

    def finish(self) -> Records:
        """Wait for the packages and move them to their place; raises InputError, EngineError."""
        made = self.compilation.wait()
        shutil.move(self.compilation.folder / OUTPUT, self.folder)
        return {"coreml": self.record(made)}

    def cancel(self) -> None:
        """Stop the compiler."""
        self.compilation.cancel()


def conversion_options(
    stages: Stages, options: ExportOptions, chosen: CoreMLOptions
) -> ConversionOptions:
    """The options of the compiler."""
    facts = {
        "mvmoe.labels": options.labels,
        "mvmoe.outputs": stages.outputs,
        "mvmoe.preprocessing": stages.model.input,
        "mvmoe.stages": [{"name": stage.name, "rule": stage.rule} for stage in stages.records],
    }
    return ConversionOptions(
        chosen=chosen,
        identity=dict(options.identity),
        preprocessing=stages.model.input,
        facts={
            key: json.dumps(msgspec.to_builtins(fact), sort_keys=True)
            for key, fact in facts.items()
            if fact is not None
        },
    )


def _record(
    stages: Stages,
    job: CompileRequest,
    chosen: CoreMLOptions,
    made: Compiled,
    folder: Path,
) -> manifest.Target:
    """The manifest's record of the packages in `folder`."""
    graphs = {graph.name: (family, graph) for family in job.families for graph in family.graphs}
    found = made.data["graphs"]
    pixels = pixels_of(stages.model.input) if chosen.input == "image" else None
    return manifest.Target(
        format="coreml",
        options=chosen.recorded(),
        rewrites=made.rewritten.rewrites,
        strategy=stages.strategy.name,
        precision=chosen.precision,
        batch=stages.batch,
        graphs=tuple(
            _graph(*graphs[facts["name"]], facts, pixels, made.bound)
            for facts in stages.in_order(found, lambda facts: facts["name"])
        ),
        weights=f"{folder.name}/{EXPERT_WEIGHTS}" if made.bound.experts else None,
        files=describe_files(folder.parent, (path for path in folder.rglob("*") if path.is_file())),
        parity=None,
        sizes=sizes(stages, _reads(made, chosen.numbers), made.bound.expert_bytes),
        experts=made.bound.experts,
        compression=made.rewritten.tally.record(chosen.numbers),
    )


def _reads(made: Compiled, numbers: NumberTypes) -> dict[str, dict[str, int]]:
    """What each graph reads: the bytes of packed weights, and of others in the graphs' numbers."""
    stored, plain = made.data["stored"], numbers._replace(weights=numbers.other)
    return {
        graph: {key: stored.get(key, plain.stored(size)) for key, size in contents.items()}
        for graph, contents in made.rewritten.tensors.items()
    }


def _graph(
    family: CapturedFamily,
    graph: CapturedGraph,
    facts: dict[str, Any],
    pixels: manifest.Pixels | None,
    bound: BoundRecords,
) -> manifest.Graph:
    """The manifest's record of one graph."""
    return manifest.Graph(
        name=graph.name,
        stage=graph.stage,
        route=graph.route,
        file=f"coreml/{facts['file']}",
        entry=facts["entry"],
        weight_bytes=facts["weight_bytes"] + bound.read_bytes(graph.name),
        exclusive_bytes=facts["exclusive_bytes"],
        inputs=(
            *(_tensor(spec, pixels) for spec in family.inputs),
            *bound.inputs.get(graph.name, ()),
        ),
        outputs=family.outputs,
        bound=bound.graphs.get(graph.name, {}),
    )


def _tensor(spec: manifest.TensorSpec, pixels: manifest.Pixels | None) -> manifest.TensorSpec:
    """An input as Core ML has it: its integers have 32 bits, its image may be pixels."""
    if spec.name == "image":
        return msgspec.structs.replace(spec, pixels=pixels)
    return msgspec.structs.replace(spec, dtype="int32") if spec.dtype == "int64" else spec
