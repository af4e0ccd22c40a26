"""The process of isolated runners: opens the real ones and does what it is asked."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from mvmoe_deploy.bundle.manifest import Graph
from mvmoe_deploy.errors import MvmoeError
from mvmoe_deploy.runtime.contract import LoadedGraph, Runner, first_line
from mvmoe_deploy.runtime.isolated_messages import (
    DoneReply,
    OpenReply,
    OpenRequest,
    Refused,
    Reply,
    Request,
    RunRequest,
)
from mvmoe_deploy.runtime.runners import open_runner
from mvmoe_deploy.system.own_process import Channel

_ENCODE = msgspec.msgpack.Encoder().encode
_DECODE = msgspec.msgpack.Decoder(Request).decode


def serve(line: Channel) -> None:
    """Follow messages one by one, until there are no more."""
    worker = _Worker()
    while (message := line.receive()) is not None:
        request = _DECODE(message)
        try:
            answer: Reply = worker.answer(request)
        except MvmoeError as error:
            answer = Refused.of(error)
        except Exception as error:  # An engine may raise anything.
            answer = Refused(
                "EngineError", f"{type(error).__name__}: {first_line(error)}", "engine.failed"
            )
        line.send(_ENCODE(answer))


class _Worker:
    """The real runners, and the graphs that are loaded in them, by number."""

    def __init__(self) -> None:
        self._runners: dict[int, Runner] = {}
        self._graphs: dict[int, dict[str, Graph]] = {}
        self._bound: dict[int, _Bound] = {}

    def answer(self, request: Request) -> Reply:
        """Do what one message asks for."""
        if isinstance(request, OpenRequest):
            return self._open(request)
        if isinstance(request, RunRequest):
            return DoneReply(self._bound[request.number].run(request.inputs))
        for number in request.unused:
            self._bound.pop(number, None)
        graph = self._graphs[request.runner][request.graph]
        loaded = self._runners[request.runner].load(graph.name)
        self._bound[request.number] = _Bound(graph, loaded)
        return DoneReply()

    def _open(self, request: OpenRequest) -> OpenReply:
        """Open a runner; gives what it says of itself."""
        runner = open_runner(
            Path(os.fsdecode(request.root)),
            request.target,
            request.threads,
            request.engine_options,
            plugins=request.plugins,
        )
        self._runners[request.runner] = runner
        self._graphs[request.runner] = {graph.name: graph for graph in request.target.graphs}
        return OpenReply(runner.description, runner.provider, runner.stands_in_for)


class _Bound:
    """A loaded graph, bound to arrays of its own the first time it runs."""

    def __init__(self, graph: Graph, loaded: LoadedGraph) -> None:
        self._graph = graph
        self._loaded = loaded
        self._inputs: list[np.ndarray] = []
        self._outputs: list[np.ndarray] = []
        self._call: Callable[[], None] | None = None

    def run(self, inputs: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """The bytes of the outputs for those of the inputs."""
        if self._call is None:
            self._bind()
        for array, data in zip(self._inputs, inputs, strict=True):
            array[...] = np.frombuffer(data, array.dtype).reshape(array.shape)
        for array in self._outputs:
            array.fill(0)
        if self._call is not None:
            self._call()
        return tuple(array.tobytes() for array in self._outputs)

    def _bind(self) -> None:
        specs = self._graph.inputs, self._graph.outputs
        given, wanted = (
            {spec.name: np.zeros(spec.shape, spec.dtype) for spec in tensors} for tensors in specs
        )
        self._call = self._loaded.bind(given, wanted)
        self._inputs, self._outputs = list(given.values()), list(wanted.values())
