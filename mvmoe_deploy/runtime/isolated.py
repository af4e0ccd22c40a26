"""Runners whose engines are in a process of their own: for bundles that are not trusted yet.

They fulfil the contract of a runner, so callers use them like any other. An engine that ends
its process, or does not come back within `TIME_LIMIT`, is an EngineError that names the graph. Each
run copies its inputs and outputs: this is for checking a bundle, not for answering images.
"""

import contextlib
import itertools
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from mvmoe_deploy.bundle.manifest import Graph, Target, TensorSpec
from mvmoe_deploy.errors import EngineError
from mvmoe_deploy.runtime.contract import Arrays, Runner, require_array
from mvmoe_deploy.runtime.isolated_messages import (
    DoneReply,
    LoadRequest,
    OpenReply,
    OpenRequest,
    Refused,
    Reply,
    Request,
    RunRequest,
)
from mvmoe_deploy.system.own_process import OwnProcess, ProcessEndedError, ProcessTimeoutError

TIME_LIMIT = 600.0
"""Seconds for one load or run: Core ML may compile a large graph for minutes."""

_WORK = "mvmoe_deploy.runtime.isolated_worker:serve"
_ANSWER_BYTES = 2**20
"""What an answer may have beside its arrays."""

_ADVICE = "the file is malformed, or the engine has a fault; take the bundle from another place"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Reply).decode

_EXPECTED = {OpenRequest: OpenReply, LoadRequest: DoneReply, RunRequest: DoneReply}

OpenRunner = Callable[[Path, Target], Runner]
"""Opens the runner of a target."""


@contextlib.contextmanager
def isolated_runners(
    time_limit: float = TIME_LIMIT, *, plugins: bool = False
) -> Iterator[OpenRunner]:
    """What opens isolated runners; they share one process, which ends with the block.

    After an engine has ended it, another is started for what comes next.
    """
    process = _EngineProcess(time_limit)
    try:
        yield lambda root, target: IsolatedRunner(process, root, target, plugins=plugins)
    finally:
        process.close()


@dataclass(frozen=True)
class _Asked:
    """What is asked of the process, and of which graph: what its errors say."""

    what: str
    """Such as `load`."""
    about: str
    """The engine; or the graph with its file and engine, for a sentence."""
    graph: str | None = None

    def ended(self, sentence: str, *, code: str) -> EngineError:
        """An error whose sentence begins with what this is about."""
        graph = {} if self.graph is None else {"graph": self.graph}
        return EngineError(f"{self.about} {sentence}; {_ADVICE}", code=code, **graph)


class _EngineProcess:
    """The process in which engines run, started when it is needed."""

    def __init__(self, time_limit: float) -> None:
        self._time_limit = time_limit
        self._current: OwnProcess | None = None
        self.numbers = itertools.count()
        # One message at a time.
        self.lock = threading.RLock()

    def current(self) -> OwnProcess:
        """The process that runs, or a new one."""
        if self._current is None or not self._current.alive:
            self._current = OwnProcess(_WORK)
        return self._current

    def ask(self, process: OwnProcess, request: Request, step: _Asked, most: int) -> Any:
        """The answer to a request, of at most `most` bytes of arrays.

        Raises the error that was raised there, or EngineError if the process ended or was too slow.
        """
        try:
            process.send(_encode(request), self._time_limit)
            answer = _decode(process.receive(most + _ANSWER_BYTES, self._time_limit))
        except ProcessEndedError as error:
            sentence = f"ended the process of its engine {error} at {step.what}"
            raise step.ended(sentence, code="engine.process-ended") from error
        except ProcessTimeoutError as error:
            sentence = f"did not {step.what} within {self._time_limit:g} seconds and was stopped"
            raise step.ended(sentence, code="engine.timeout") from error
        except msgspec.MsgspecError as error:
            raise self.malformed_answer(process, step) from error
        if isinstance(answer, Refused):
            raise answer.as_error()
        if not isinstance(answer, _EXPECTED[type(request)]):
            raise self.malformed_answer(process, step)
        return answer

    def malformed_answer(self, process: OwnProcess, step: _Asked) -> EngineError:
        """The error for an answer that breaks the protocol; the process is ended."""
        process.end()
        return step.ended("gave an answer that cannot be read", code="engine.process-ended")

    def close(self) -> None:
        """End the process."""
        with self.lock:
            if self._current is not None:
                self._current.end()


class IsolatedRunner:
    """Runs the graphs of a target in another process.

    After an engine has ended the process, the next load opens the runner in a new one; graphs that
    were loaded before are gone.
    """

    def __init__(
        self,
        shared: _EngineProcess,
        root: Path,
        target: Target,
        threads: int | None = None,
        engine_options: Mapping[str, str] | None = None,
        *,
        plugins: bool = False,
    ) -> None:
        self._shared = shared
        self._request = OpenRequest(
            next(shared.numbers),
            os.fsencode(root),
            target,
            threads,
            dict(engine_options or {}),
            plugins,
        )
        self._graphs = {graph.name: graph for graph in target.graphs}
        self._unused: list[int] = []
        self._engine = target.format
        self._process: OwnProcess | None = None
        with shared.lock:
            self._opened_as = self._opened()

    @classmethod
    def open(
        cls,
        root: Path,
        target: Target,
        threads: int | None = None,
        engine_options: Mapping[str, str] | None = None,
        *,
        time_limit: float = TIME_LIMIT,
        plugins: bool = False,
    ) -> "IsolatedRunner":
        """A runner in a process of its own, for the checked bundle at `root`; close it.

        Raises what `open_runner` raises, and EngineError if the engine ends the process.
        """
        process = _EngineProcess(time_limit)
        try:
            return cls(process, root, target, threads, engine_options, plugins=plugins)
        except BaseException:
            process.close()
            raise

    @property
    def description(self) -> str:
        """What runs the graphs."""
        return self._opened_as.description

    @property
    def provider(self) -> str:
        """Where the engine runs graphs."""
        return self._opened_as.provider

    @property
    def stands_in_for(self) -> str | None:
        """The engine that this evaluates instead of."""
        return self._opened_as.stands_in_for

    def load(self, graph: str) -> "IsolatedGraph":
        """Bring a graph into the process's memory; raises EngineError that names it.

        What nothing refers to any more is dropped there at the next load.
        """
        with self._shared.lock:
            if self._process is None or not self._process.alive:
                self._opened_as = self._opened()
            record, number = self._graphs[graph], next(self._shared.numbers)
            unused = tuple(self._unused)
            del self._unused[: len(unused)]
            process = self._shared.current()
            request = LoadRequest(self._request.runner, graph, number, unused)
            self._shared.ask(process, request, self._step("load", record), 0)
        made = IsolatedGraph(self, process, record, number)
        weakref.finalize(made, self._unused.append, number)
        return made

    def close(self) -> None:
        """End the process, of all runners that share it."""
        self._shared.close()

    def run(self, graph: Graph, number: int, arrays: tuple[Any, Any], process: OwnProcess) -> None:
        """Run a graph of a process on inputs and outputs in the manifest's order."""
        given, wanted = arrays
        request = RunRequest(number, tuple(array.tobytes() for array in given))
        with self._shared.lock:
            if not process.alive:
                raise EngineError(
                    f"graph {graph.name} is no longer loaded: the process of {self._engine} has "
                    "ended; load it again",
                    code="engine.process-ended",
                    graph=graph.name,
                )
            most = sum(array.nbytes for array in wanted)
            step = self._step("run", graph)
            answer = self._shared.ask(process, request, step, most)
            if [len(data) for data in answer.outputs] != [array.nbytes for array in wanted]:
                raise self._shared.malformed_answer(process, step)
        for array, data in zip(wanted, answer.outputs, strict=True):
            array[...] = np.frombuffer(data, array.dtype).reshape(array.shape)

    def _opened(self) -> OpenReply:
        """Open the runner in the process that runs now."""
        self._process = self._shared.current()
        step = _Asked("open", self._engine)
        answer: OpenReply = self._shared.ask(self._process, self._request, step, 0)
        self._engine = answer.description
        return answer

    def _step(self, what: str, graph: Graph) -> _Asked:
        """What is asked of a graph."""
        return _Asked(what, f"graph {graph.name} ({graph.file}) in {self._engine}", graph.name)


class IsolatedGraph:
    """A graph in the memory of a process."""

    def __init__(
        self, runner: IsolatedRunner, process: OwnProcess, graph: Graph, number: int
    ) -> None:
        self._runner = runner
        self._process = process
        self._graph = graph
        self._number = number

    def bind(self, inputs: Arrays, outputs: Arrays) -> Callable[[], None]:
        """A call that sends the inputs, waits, and writes the outputs."""
        given, wanted = (
            [_checked(spec, arrays[spec.name]) for spec in specs]
            for specs, arrays in ((self._graph.inputs, inputs), (self._graph.outputs, outputs))
        )

        def call(keep: IsolatedGraph = self) -> None:
            self._runner.run(self._graph, self._number, (given, wanted), self._process)

        return call


def _checked(spec: TensorSpec, array: np.ndarray) -> np.ndarray:
    require_array(spec, array)
    return array
