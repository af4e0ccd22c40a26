"""Compiling in another process: programs and weights go there as files, finished graphs come back.

An engine's compiler takes tens of seconds and hundreds of megabytes; two of them run side by side,
and none is imported here. What crosses the border is data: exported programs, safetensors, JSON.
A graph's structure is compiled once: `Family.probed` tells the compiler that the program holds
made-up weights, each slot's unlike all others, so that it finds in its result where each went.
"""

import errno
import hashlib
import io
import json
import math
import os
import shutil
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mvmoe_deploy import errors
from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.manifest import TensorSpec
from mvmoe_deploy.errors import EngineError, MvmoeError
from mvmoe_deploy.routing import Route
from mvmoe_export.programs import Program, make_program
from mvmoe_export.sizes import exclusive
from mvmoe_export.stages import GraphSpec, Stages, StageSpec

_JOB, _RESULT, _LOG, _WEIGHTS = "job.json", "result.json", "log.txt", "weights.safetensors"
_TEMPORARY = "temporary"
_LITTLE = 1 << 20
"""Bytes of free space below which a refused write means a full disk."""


class GraphJob(msgspec.Struct, frozen=True, kw_only=True):
    """One graph to make: what it is called, and the key of the tensor that fills each slot."""

    name: str
    stage: int
    route: Route | None
    slots: dict[str, str]


class FamilyJob(msgspec.Struct, frozen=True, kw_only=True):
    """Graphs of one structure, with the file of the program that stands for all of them."""

    program: str
    probed: bool
    """Whether the program's weights are made up; False where it is the one graph itself."""
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    graphs: tuple[GraphJob, ...]
    rewritten: dict[str, int]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a compiler is asked to do: `module:function` on families, with options of its own."""

    compiler: str
    extra: str
    """The extra of the distribution that the compiler's packages come with."""
    families: tuple[FamilyJob, ...]
    options: dict[str, Any]


@dataclass(frozen=True)
class Order:
    """A job as the compiler sees it, in its own process.

    A compiler is a function `compile(order: Order) -> dict`: it writes its files below
    `order.output` and gives JSON data about them. It raises MvmoeError in one sentence.
    """

    folder: Path
    job: Job
    report: Callable[[str], None]
    """To be called with a graph's name when it is done."""

    @property
    def output(self) -> Path:
        """Where finished files go."""
        return self.folder / "output"

    def program(self, family: FamilyJob) -> torch.export.ExportedProgram:
        """The program of a family; its parameters are the slots."""
        return torch.export.load(self.folder / family.program)

    def weights(self, graph: GraphJob) -> dict[str, Tensor]:
        """The content of each slot of a graph."""
        return {slot: self._file.get_tensor(key) for slot, key in graph.slots.items()}

    @cached_property
    def _file(self) -> Any:
        return safe_open(str(self.folder / _WEIGHTS), framework="pt")


@dataclass
class Compilation:
    """A compiler at work in its own process."""

    folder: Path
    process: subprocess.Popen[str]
    progress: Callable[[str], None]
    _thread: threading.Thread = field(init=False)
    _fault: BaseException | None = field(init=False, default=None)
    """What `progress` raised."""

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def ready(self) -> bool:
        """Whether the compiler has ended."""
        return self.process.poll() is not None

    def wait(self) -> Any:
        """The compiler's data; raises the error that it raised, or that `progress` did."""
        self.process.wait()
        self._close()
        if self._fault is not None:
            raise self._fault
        result = self.folder / _RESULT
        if not result.exists():
            complaints = (self.folder / _LOG).read_text(errors="replace")
            last = (complaints.strip().splitlines() or ["it said nothing"])[-1]
            raise EngineError(
                f"the compiler process ended with code {self.process.returncode}: {last[:300]}; "
                "check memory and space"
            )
        given = json.loads(result.read_text())
        if "error" in given:
            kind = getattr(errors, given["error"], EngineError)
            raise kind(given["message"])
        return given["data"]

    def cancel(self) -> None:
        """Stop the compiler."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        """Let go of the pipes of a compiler that has ended."""
        self._thread.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def _listen(self) -> None:
        """Pass on what the compiler says is done; stop it if nobody can hear that."""
        try:
            for line in self.process.stdout or ():
                if line.startswith("done "):
                    self.progress(line.removeprefix("done ").strip())
        except BaseException as error:  # Raised again where somebody waits.
            self._fault = error
            self.process.kill()


def start(job: Job, folder: Path, progress: Callable[[str], None]) -> Compilation:
    """Start a compiler on a folder that `prepare` has filled."""
    (folder / _JOB).write_bytes(msgspec.json.encode(job))
    temporary = folder / _TEMPORARY
    temporary.mkdir(exist_ok=True)
    with (folder / _LOG).open("w") as log:
        process = subprocess.Popen(
            # -P: without the current directory, where another numpy.py may lie.
            [sys.executable, "-P", "-m", "mvmoe_export.compiler", str(folder)],
            stdin=subprocess.PIPE,  # Its end tells the compiler that this process is gone.
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # What engines write for themselves goes away with the folder, even after a kill.
            env={**os.environ, "TMPDIR": str(temporary)},
        )
    return Compilation(folder, process, progress)


def read(folder: Path, report: Callable[[str], None]) -> Order:
    """The order in a folder."""
    return Order(folder, msgspec.json.decode((folder / _JOB).read_bytes(), type=Job), report)


def answer(folder: Path, data: Any = None, error: MvmoeError | None = None) -> None:
    """Leave a compiler's data, or its error, for the process that started it."""
    said = {"data": data} if error is None else _error(error)
    partial = folder / f"{_RESULT}.partial"
    partial.write_text(json.dumps(said))
    partial.replace(folder / _RESULT)  # Whole or not at all: the disk may be full.


def _error(error: MvmoeError) -> dict[str, str]:
    return {"error": type(error).__name__, "message": str(error)}


def prepare(stages: Stages, names: tuple[str, ...], folder: Path) -> tuple[FamilyJob, ...]:
    """Capture all graphs of a model, one program a structure, and write them with all weights."""
    folder.mkdir(parents=True)
    (folder / "output").mkdir()
    tensors: dict[str, Tensor] = {}
    jobs: list[FamilyJob] = []
    for stage in stages.specs:
        for group in stage.groups:
            template = group.template
            program = make_program(
                template.name, template.build(), template.inputs, names, group.capture
            )
            graphs = tuple(
                GraphJob(
                    name=spec.name,
                    stage=stage.index,
                    route=spec.route,
                    slots=_store(program.fill(spec.build()), tensors),
                )
                for spec in group.members
            )
            path = folder / f"program{len(jobs)}.pt2"
            jobs.append(_family(stage, template, program, graphs, path))
    _save(tensors, folder / _WEIGHTS)
    return tuple(jobs)


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    """Write tensors; raises OSError, which safetensors' own error is not."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        full = "too large" in str(error) or shutil.disk_usage(path.parent).free < _LITTLE
        raise OSError(errno.ENOSPC if full else errno.EIO, str(error), str(path)) from error


def _store(contents: dict[str, Tensor], tensors: dict[str, Tensor]) -> dict[str, str]:
    """Put the contents of slots among the tensors, each content once; gives their keys."""
    keys = {}
    for slot, tensor in contents.items():
        data = tensor.reshape(-1).view(torch.uint8).numpy()
        shape = "x".join(map(str, tensor.shape))
        key = f"{hashlib.sha256(data.data).hexdigest()}-{tensor.dtype}-{shape}"
        tensors.setdefault(key, tensor)
        keys[slot] = key
    return keys


def _family(
    stage: StageSpec,
    template: GraphSpec,
    program: Program,
    graphs: tuple[GraphJob, ...],
    path: Path,
) -> FamilyJob:
    """Write a family's program; of several graphs, with made-up weights."""
    probed = len(graphs) > 1
    if probed:
        _probe(program)
    packed = io.BytesIO()  # Given a path, PyTorch aborts the process where the disk is full.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, of tensors that are parts of others.
        torch.export.save(program.exported, packed)
    path.write_bytes(packed.getbuffer())
    examples = program.exported.module(check_guards=False)(*template.inputs.values())
    outputs = examples if isinstance(examples, tuple) else (examples,)
    return FamilyJob(
        program=path.name,
        probed=probed,
        inputs=tuple(_spec(name, tensor) for name, tensor in template.inputs.items()),
        outputs=tuple(
            _spec(name, tensor) for name, tensor in zip(stage.outputs, outputs, strict=True)
        ),
        graphs=graphs,
        rewritten=program.rewritten,
    )


def _spec(name: str, tensor: Tensor) -> TensorSpec:
    dtype = cast(manifest.DType, str(tensor.dtype).removeprefix("torch."))
    return TensorSpec(name=name, shape=tuple(tensor.shape), dtype=dtype)


def _probe(program: Program) -> None:
    """Fill the slots of a program with made-up weights, no two alike, also in fp16."""
    generator = torch.Generator().manual_seed(0)
    for index, slot in enumerate(program.slots):
        weight = program.exported.state_dict[slot]
        if not weight.is_floating_point():
            continue
        # Around 1 and positive: an engine that folds a variance or a scale gets sane numbers.
        made = torch.rand(weight.shape, generator=generator) * 0.5 + 0.75
        made.reshape(-1)[0] = 1 + (index + 1) % 1024 / 1024
        program.exported.state_dict[slot] = torch.nn.Parameter(
            made.to(weight.dtype), requires_grad=False
        )


def tensors_read(job: Job) -> dict[str, dict[str, int]]:
    """For each graph of a job by name, the keys of the tensors that it reads, and their bytes."""
    return {
        graph.name: {key: _size(key) for key in graph.slots.values()}
        for family in job.families
        for graph in family.graphs
    }


def graph_records(
    job: Job, file: str, placement: Callable[[str], tuple[manifest.Placement, ...]]
) -> tuple[manifest.Graph, ...]:
    """The manifest's records of graphs that one file holds, called by their names in it."""
    contents = tensors_read(job)
    alone = exclusive(contents)
    return tuple(
        manifest.Graph(
            name=graph.name,
            stage=graph.stage,
            route=graph.route,
            file=file,
            entry=graph.name,
            weight_bytes=sum(contents[graph.name].values()),
            exclusive_bytes=alone[graph.name],
            inputs=family.inputs,
            outputs=family.outputs,
            placement=placement(graph.name),
        )
        for family in job.families
        for graph in family.graphs
    )


def applied_rewrites(names: Iterable[str], families: Iterable[FamilyJob]) -> tuple[str, ...]:
    """The rewrites that have changed something, each once, in order."""
    families = list(families)
    return tuple(
        name
        for name in dict.fromkeys(names)
        if any(family.rewritten.get(name) for family in families)
    )


def _size(key: str) -> int:
    """The bytes of the tensor that a key names."""
    _, dtype, shape = key.split("-")
    count = math.prod(int(size) for size in shape.split("x")) if shape else 1
    element: torch.dtype = getattr(torch, dtype.removeprefix("torch."))
    return count * element.itemsize
