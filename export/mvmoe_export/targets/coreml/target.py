"""Prepares the compiler's job for Core ML, and makes the manifest's record of what it wrote."""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.write import describe_files
from mvmoe_deploy.errors import InputError, MissingExtraError
from mvmoe_deploy.preprocessing import Preprocessing
from mvmoe_export import compiling
from mvmoe_export.compiling import FamilyJob, GraphJob, Job
from mvmoe_export.rewrites import names_for
from mvmoe_export.sizes import sizes
from mvmoe_export.stages import Stages
from mvmoe_export.targets.contract import ExportOptions, Records
from mvmoe_export.targets.coreml.options import CoreMLOptions, require_one_image

REWRITES = names_for(("one-partition", "fold-batch-norm", "gelu-as-trained"))
"""LayerNorm, GELU with erf and means stay: ML Programs have operators for them.

coremltools loses a GELU's `approximate="tanh"`, so that form is written out.
"""

_COMPILER = "mvmoe_export.targets.coreml.conversion:compile"


class CoreMLTarget:
    """The `coreml` target: ML Programs for iOS 16 and later, and macOS 13 and later."""

    name = "coreml"

    def require(self, stages: Stages, options: ExportOptions) -> None:
        """Raises InputError for options that do not go with the model, MissingExtraError."""
        chosen = options.of(self.name, CoreMLOptions)
        if find_spec("coremltools") is None:
            raise MissingExtraError.of("coremltools", "coreml")
        if chosen.input == "image":
            _require_pixels(stages)

    def room(self, stages: Stages, options: ExportOptions) -> int:
        """The weights that the compiler reads, and those that it writes."""
        weights = stages.weight_bytes
        half = options.of(self.name, CoreMLOptions).precision == "fp16"
        return weights + (weights // 2 if half else weights)

    def start(
        self, stages: Stages, options: ExportOptions, root: Path, scratch: Path
    ) -> "CoreMLWork":
        """Start to write `.mlpackage` directories below `root / "coreml"`.

        Raises InputError for a model that cannot be captured, MissingExtraError.
        """
        self.require(stages, options)
        told = _options(stages, options, options.of(self.name, CoreMLOptions))
        folder = scratch / self.name
        families = compiling.prepare(stages, tuple(told["rewrites"]), folder)
        job = Job(compiler=_COMPILER, families=families, options=told)
        compilation = compiling.start(job, folder, options.progress)
        target = root / self.name

        def record(made: dict[str, Any]) -> manifest.Target:
            return _record(stages, job, made, target)

        return CoreMLWork(compilation, target, record)


def _require_pixels(stages: Stages) -> None:
    """Refuse a stem of images whose pixels a manifest cannot describe, or of a batch."""
    require_one_image(stages.batch)
    spec = stages.model.input
    try:
        msgspec.convert(msgspec.to_builtins(_pixels(spec, {"input": "image"})), manifest.Pixels)
    except msgspec.ValidationError as error:
        raise InputError(
            f"the mean {list(spec.mean)} and std {list(spec.std)} of the model's input make "
            f"factors that an image input cannot have ({error}); give --coreml-input tensor"
        ) from error


@dataclass(frozen=True)
class CoreMLWork:
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
    """What the compiler is told, as JSON data."""
    return {
        "extra": "coreml",
        "rewrites": list(REWRITES if options.rewrites is None else options.rewrites),
        "options": asdict(chosen),
        "identity": dict(options.identity),
        "labels": None if options.labels is None else list(options.labels),
        "preprocessing": msgspec.to_builtins(stages.model.input),
        "stages": [
            {"name": stage.name, "rule": msgspec.to_builtins(stage.rule)} for stage in stages.specs
        ],
    }


def _record(stages: Stages, job: Job, made: dict[str, Any], folder: Path) -> manifest.Target:
    """The manifest's record of the packages in `folder`."""
    graphs = {graph.name: (family, graph) for family in job.families for graph in family.graphs}
    chosen = job.options["options"]
    pixels = _pixels(stages.model.input, chosen)
    return manifest.Target(
        format="coreml",
        options={key: chosen[key] for key in ("deployment_target", "input")},
        rewrites=compiling.effective(job.options["rewrites"], job.families),
        strategy=stages.strategy,
        precision=chosen["precision"],
        batch=stages.batch,
        graphs=tuple(_graph(*graphs[facts["name"]], facts, pixels) for facts in made["graphs"]),
        weights=None,
        files=describe_files(folder.parent, (path for path in folder.rglob("*") if path.is_file())),
        parity=None,
        sizes=sizes(stages, _reads(job)),
    )


def _reads(job: Job) -> dict[str, dict[str, int]]:
    """What each graph reads, in the bytes of the target's precision."""
    half = job.options["options"]["precision"] == "fp16"
    return {
        graph: {key: size // 2 if half else size for key, size in contents.items()}
        for graph, contents in compiling.reads(job).items()
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


def _pixels(spec: Preprocessing, chosen: dict[str, Any]) -> manifest.Pixels | None:
    """What a stem that takes pixels does to them, if it does."""
    if chosen["input"] != "image":
        return None
    return manifest.Pixels(
        channel_order=spec.channel_order,
        scale=tuple(1 / (255 * std) for std in spec.std),
        bias=tuple(-mean / std for mean, std in zip(spec.mean, spec.std, strict=True)),
    )


def _tensor(spec: manifest.TensorSpec, pixels: manifest.Pixels | None) -> manifest.TensorSpec:
    """An input as Core ML has it: its integers have 32 bits, its image may be pixels."""
    if spec.name == "image":
        return msgspec.structs.replace(spec, pixels=pixels)
    return msgspec.structs.replace(spec, dtype="int32") if spec.dtype == "int64" else spec
