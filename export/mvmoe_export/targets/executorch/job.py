"""Prepares the compilers' jobs for ExecuTorch, and makes the manifest's record of each program."""

import shutil
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.write import describe_files
from mvmoe_export import captured, compiling
from mvmoe_export.compile_job import EXPERT_WEIGHTS, OUTPUT, CompileRequest, encoded
from mvmoe_export.compiling import Compilation, Compiled
from mvmoe_export.rewrites import names_for
from mvmoe_export.sizes import sizes
from mvmoe_export.stages import Stages
from mvmoe_export.targets.contract import ExportOptions, Records
from mvmoe_export.targets.executorch.engines import ENGINES
from mvmoe_export.targets.executorch.options import Delegate, ExecuTorchOptions, LoweringOptions

_COMPILER = "mvmoe_export.targets.executorch.lowering:compile"
_FILE = "model.pte"

_ENGINES = {engine.name: engine for engine in ENGINES}

REWRITES = {name: names_for(engine.needs) for name, engine in _ENGINES.items()}
"""By delegate: what is applied where a caller names no rewrites."""


def start(
    stages: Stages, options: ExportOptions, chosen: ExecuTorchOptions, root: Path, scratch: Path
) -> "_Lowerings":
    """Start a compiler for each delegate."""
    work = _Lowerings(stages, [], root / chosen.target, root)
    try:
        for delegate in chosen.delegate:
            one = msgspec.structs.replace(chosen, delegate=(delegate,))
            work.parts.append(_start(stages, options, one, scratch))
    except BaseException:
        work.cancel()  # Nobody else knows of those that have begun.
        raise
    return work


@dataclass(frozen=True)
class _Lowering:
    """One delegate's compiler at work."""

    delegate: Delegate
    chosen: ExecuTorchOptions
    job: CompileRequest
    compilation: Compilation


@dataclass(frozen=True)
class _Lowerings:
    """All delegates of one export."""

    stages: Stages
    parts: list[_Lowering]
    folder: Path
    root: Path

    def ready(self) -> bool:
        """Whether all compilers have ended."""
        return all(lowering.compilation.ready() for lowering in self.parts)

    def finish(self) -> Records:
        """Wait for the compilers and move their programs into the bundle."""
        self.folder.mkdir(parents=True, exist_ok=True)
        records: Records = {}
        for lowering in self.parts:
            made = lowering.compilation.wait()
            first = not records
            path = self.folder / (_FILE if first else f"model-{lowering.delegate}.pte")
            shutil.move(lowering.compilation.folder / OUTPUT / _FILE, path)
            name = "executorch" if first else f"executorch-{lowering.delegate}"
            weights = _take_weights(lowering, path.with_suffix(".weights"))
            files = [path] if weights is None else [path, weights]
            records[name] = _record(self.stages, lowering, made, files, self.root)
        return records

    def cancel(self) -> None:
        """Stop all compilers."""
        for lowering in self.parts:
            lowering.compilation.cancel()


def _start(
    stages: Stages, options: ExportOptions, chosen: ExecuTorchOptions, scratch: Path
) -> _Lowering:
    """Start the compiler of one delegate."""
    (delegate,) = chosen.delegate
    numbers, rewrites = chosen.numbers_of(delegate), options.rewrites
    if rewrites is None:
        needs = _ENGINES[delegate].needs_of(in_int8=numbers.computes_in_int8)
        rewrites = names_for(needs)
    families = captured.write_captured(stages, scratch)
    calls: tuple[captured.CapturedCall, ...] = ()
    if numbers.needs_images and options.calibration is not None:
        calls = captured.write_calls(options.calibration.calls, scratch)
    job = CompileRequest(
        compiler=_COMPILER,
        extra="executorch",
        captured=str(scratch / captured.FOLDER),
        families=families,
        rewrites=rewrites,
        recipe=chosen.recipe_of(delegate).name,
        numbers=numbers,
        calibration=calls,
        experts=stages.bound_experts,
        options=encoded(
            LoweringOptions(
                delegate=delegate,
                compute_units=chosen.compute_units,
                deployment_target=chosen.deployment_target,
            )
        ),
    )
    folder = scratch / f"{chosen.target}-{delegate}"
    compilation = compiling.start(job, folder, options.progress)
    return _Lowering(delegate, chosen, job, compilation)


def _take_weights(lowering: _Lowering, path: Path) -> Path | None:
    """Move the weights that graphs take as inputs to `path`; None if they take none."""
    written = lowering.compilation.folder / OUTPUT / EXPERT_WEIGHTS
    if not written.exists():
        return None
    shutil.move(written, path)
    return path


def _record(
    stages: Stages,
    lowering: _Lowering,
    made: Compiled,
    files: list[Path],
    root: Path,
) -> manifest.Target:
    """The manifest's record of one `.pte`, and of the weights beside it that its graphs take."""
    path, *weights = files
    delegate, job = lowering.delegate, lowering.job
    file = path.relative_to(root).as_posix()
    place = partial(_placement, delegate, made.data["placement"])
    graphs = compiling.graph_records(job, made.rewritten.tensors, file, place, made.bound)
    return manifest.Target(
        format="executorch",
        options=lowering.chosen.recorded(),
        rewrites=made.rewritten.rewrites,
        strategy=stages.strategy.name,
        precision=job.recipe,
        batch=stages.batch,
        graphs=tuple(stages.in_order(graphs, lambda graph: graph.name)),
        weights=weights[0].relative_to(root).as_posix() if weights else None,
        files=describe_files(root, files),
        parity=None,
        sizes=sizes(stages, made.rewritten.tensors, made.bound.expert_bytes),
        experts=made.bound.experts,
        compression=made.rewritten.tally.record(job.numbers),
    )


def _placement(
    delegate: str, placements: dict[str, Any], graph: str
) -> tuple[manifest.Placement, ...]:
    """Where a graph's nodes run, as its delegate has decided."""
    if delegate == "portable":
        return ()
    said = placements[graph]
    return (
        manifest.Placement(
            engine=delegate,
            partitions=said["partitions"],
            nodes_outside=sum(said["outside"].values()),
            outside=said["outside"],
        ),
    )
