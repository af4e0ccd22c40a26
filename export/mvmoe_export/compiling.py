"""Compiling in another process: programs and weights go there as files, finished graphs come back.

An engine's compiler takes tens of seconds and hundreds of megabytes; two of them run side by side,
and none is imported here. What is read there is `captured.py`'s, what is asked `compile_job.py`'s.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_deploy import errors
from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.errors import EngineError, MvmoeError
from mvmoe_export.compile_job import OUTPUT, CompileJob, CompileRequest, Rewritten
from mvmoe_export.expert_weights import BoundRecords
from mvmoe_export.sizes import exclusive

_JOB, _RESULT, _LOG = "job.json", "result.json", "log.txt"
_TEMPORARY = "temporary"


@dataclass(frozen=True)
class Compiled:
    """What a compiler gives."""

    data: Any
    """JSON data of the compiler's own."""
    rewritten: Rewritten
    bound: BoundRecords


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

    def wait(self) -> Compiled:
        """What the compiler gives; raises the error that it raised, or that `progress` did."""
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
                "check memory and space",
                code="engine.process-ended",
                found=self.process.returncode,
            )
        given = msgspec.json.decode(result.read_bytes(), type=_Result)
        if given.error is not None:
            raise _error_of(given)
        return Compiled(given.data, given.rewritten, given.bound)

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


def start(job: CompileRequest, folder: Path, progress: Callable[[str], None]) -> Compilation:
    """Start a compiler that works in `folder`, which is made here; it finds what this process does.

    Its finished files will be in `folder / OUTPUT`.
    """
    (folder / OUTPUT).mkdir(parents=True)
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
            env={
                **os.environ,
                # What engines write for themselves goes away with the folder, even after a kill.
                "TMPDIR": str(temporary),
                # A plug-in is found there as it is here.
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            },
        )
    return Compilation(folder, process, progress)


def read_job(folder: Path, report: Callable[[str], None]) -> CompileJob:
    """The job in a folder."""
    return CompileJob(
        folder, msgspec.json.decode((folder / _JOB).read_bytes(), type=CompileRequest), report
    )


def write_result(folder: Path, given: Compiled | MvmoeError) -> None:
    """Leave what a compiler gives, or its error, for the process that started it."""
    if isinstance(given, MvmoeError):
        result = _result_of(given)
    else:
        result = _Result(given.data, given.rewritten, given.bound)
    partial = folder / f"{_RESULT}.partial"
    partial.write_bytes(msgspec.json.encode(result))
    partial.replace(folder / _RESULT)  # Whole or not at all: the disk may be full.


class _Result(msgspec.Struct, omit_defaults=True):
    """What a compiler leaves: its data, or the error that it raised."""

    data: Any = None
    rewritten: Rewritten = Rewritten()
    bound: BoundRecords = BoundRecords()
    error: str | None = None
    """The name of the error's class."""
    message: str = ""
    code: str | None = None
    fields: dict[str, Any] = msgspec.field(default_factory=dict)


def _result_of(error: MvmoeError) -> _Result:
    """An error as it crosses to the other process."""
    # A class of another package is not known there, and has no general code of its own.
    own = error.code != error.general_code or getattr(errors, type(error).__name__, None)
    return _Result(
        error=type(error).__name__,
        message=str(error),
        code=error.code if own else None,
        # A field is a plain value; a path is one as its text.
        fields=msgspec.to_builtins(error.fields, enc_hook=str),
    )


def _error_of(given: _Result) -> MvmoeError:
    """The error that a compiler has raised; of a class that is not known here, EngineError."""
    kind: type[MvmoeError] = getattr(errors, str(given.error), EngineError)
    return kind(given.message, code=given.code, **given.fields)


def graph_records(
    job: CompileRequest,
    contents: dict[str, dict[str, int]],
    file: str,
    placement: Callable[[str], tuple[manifest.Placement, ...]],
    bound: BoundRecords | None = None,
) -> list[manifest.Graph]:
    """The manifest's records of graphs that one file holds, called by their names in it.

    `contents` is `Rewritten.tensors`, `bound` what they take of experts' weights.
    """
    alone = exclusive(contents)
    bound = bound or BoundRecords()
    return [
        manifest.Graph(
            name=graph.name,
            stage=graph.stage,
            route=graph.route,
            file=file,
            entry=graph.name,
            weight_bytes=sum(contents[graph.name].values()) + bound.read_bytes(graph.name),
            exclusive_bytes=alone[graph.name],
            inputs=(*family.inputs, *bound.inputs.get(graph.name, ())),
            outputs=family.outputs,
            placement=placement(graph.name),
            bound=bound.graphs.get(graph.name, {}),
        )
        for family in job.families
        for graph in family.graphs
    ]
