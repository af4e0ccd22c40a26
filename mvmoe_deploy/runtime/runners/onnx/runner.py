"""ONNX Runtime, on the CPU or another provider, with I/O bound to the caller's own buffers."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, Self

import numpy as np

from mvmoe_deploy.bundle.manifest import Graph, Target, TensorSpec
from mvmoe_deploy.runtime.contract import (
    Arrays,
    EngineVariant,
    GraphPlacement,
    RunnerDefaults,
    Signature,
    load_error,
    require_array,
    require_options,
    require_signature,
    require_threads,
    run_error,
)
from mvmoe_deploy.runtime.engine_versions import TestedVersions
from mvmoe_deploy.runtime.runners.onnx import process_pool
from mvmoe_deploy.runtime.runners.onnx.importing import import_onnxruntime
from mvmoe_deploy.runtime.runners.onnx.operator_placement import placements
from mvmoe_deploy.system.files import utf8_path

_CPU = "CPU"
_SUFFIX = "ExecutionProvider"
_OWN_POOLS, _ONE_POOL = "session", "process"
_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int8)": "int8",
}


class OnnxRunner(RunnerDefaults):
    """Runs the graphs of an `onnx` target, one session each."""

    name = "onnx"
    extra = "onnx"
    packages = ("onnxruntime",)
    tested_versions = (TestedVersions("onnxruntime", "1.24.4", "1.33"),)

    def __init__(
        self,
        engine: Any,
        root: Path,
        target: Target,
        threads: int | None,
        provider: str = _CPU,
        *,
        pool: str = _OWN_POOLS,
    ) -> None:
        self._engine = engine
        self._root = root
        self.provider = provider
        # What a provider does not take, the CPU's runs.
        self._providers = [f"{name}{_SUFFIX}" for name in dict.fromkeys((provider, _CPU))]
        self._options = _session_options(engine, threads)
        if pool == _ONE_POOL or process_pool.is_started():
            process_pool.start(engine, threads)
        self._graphs = {graph.name: graph for graph in target.graphs}

    @classmethod
    def open(
        cls,
        root: Path,
        target: Target,
        threads: int | None,
        engine_options: Mapping[str, str] | None = None,
    ) -> Self:
        """A runner for the checked bundle at `root`; its options are `provider` and `pool`.

        `provider` is an execution provider of this build of ONNX Runtime without its suffix, `CPU`
        if none is given: `CoreML`, `XNNPACK`. With `pool` = `process` all graphs run on one pool of
        threads, of which the process has one, else each on one of its own; once there is that pool,
        all later graphs of the process use it. Raises MissingExtraError, InputError (where the pool
        has another number of threads).
        """
        require_threads(threads)
        onnxruntime = import_onnxruntime()
        known = {"provider": providers(onnxruntime), "pool": (_OWN_POOLS, _ONE_POOL)}
        require_options("ONNX Runtime", known, engine_options)
        chosen = engine_options or {}
        provider, pool = chosen.get("provider", _CPU), chosen.get("pool", _OWN_POOLS)
        return cls(onnxruntime, root, target, threads, provider, pool=pool)

    @classmethod
    def variants(cls, target: Target) -> list[EngineVariant]:
        """Each execution provider of this build of ONNX Runtime; the CPU's first."""
        engine = import_onnxruntime()
        return [
            EngineVariant(
                engine=f"ONNX Runtime {engine.__version__}",
                provider=provider,
                engine_options={"provider": provider},
                modules=("onnxruntime",),
                label="" if provider == _CPU else provider,
            )
            for provider in sorted(providers(engine), key=lambda name: name != _CPU)
        ]

    @classmethod
    def placements(
        cls, root: Path, target: Target, engine_options: Mapping[str, str]
    ) -> Iterator[GraphPlacement]:
        """What the session of each stage's first graph recorded while it cut the graph."""
        return placements(root, target, engine_options.get("provider", _CPU))

    @property
    def description(self) -> str:
        """The engine and where it runs."""
        return f"ONNX Runtime {self._engine.__version__} ({self.provider})"

    def load(self, graph: str) -> "OnnxGraph":
        """A session for a graph, compared with the manifest; raises EngineError that names it."""
        return self._open(self._graphs[graph])

    def _open(self, graph: Graph) -> "OnnxGraph":
        """Make a session and compare it with what the manifest says of the graph."""
        path = utf8_path(self._root / graph.file)
        self._options.use_per_session_threads = not process_pool.is_started()
        try:
            # Of its own accord it would fall back to other providers, and print so to stdout.
            session = self._engine.InferenceSession(
                path, self._options, providers=self._providers, enable_fallback=0
            )
            # Of a hostile file these raise too: a name may be no text.
            inputs = [_signature(node) for node in session.get_inputs()]
            outputs = [_signature(node) for node in session.get_outputs()]
        except Exception as error:  # Its exceptions share no base class of their own.
            raise load_error(graph, f"ONNX Runtime {self._engine.__version__}", error) from error
        require_signature(graph, inputs, outputs)
        return OnnxGraph(graph, session, _value_maker(self._engine))


class OnnxGraph:
    """One session."""

    def __init__(self, graph: Graph, session: Any, value_of: Callable[[np.ndarray], Any]) -> None:
        self._graph = graph
        self._session = session
        new_binding: Any = type(session.io_binding()._iobinding)
        self._new_binding = partial(new_binding, session._sess)
        self._value_of = value_of
        self._weights: dict[tuple[str, int], tuple[np.ndarray, Any]] = {}
        """Weights and ONNX Runtime's values of them, by input and array."""
        # What `session.run_with_iobinding` does itself, without what it asks about WebGPU before:
        # that is as much again, where it runs cold.
        self._run = session._sess.run_with_iobinding

    def bind(self, inputs: Arrays, outputs: Arrays) -> Callable[[], None]:
        """A call on the caller's arrays themselves: nothing is copied or allocated in it."""
        binding, name, run = self._bound(inputs, outputs), self._graph.name, self._run

        def call(keep: object = (self._session, inputs, outputs)) -> None:
            try:
                run(binding, None)
            except Exception as error:
                raise run_error(name, "ONNX Runtime", error) from error

        return call

    def bind_from(self, inputs: Arrays, outputs: Arrays, name: str) -> Callable[[np.ndarray], None]:
        """A call that binds input `name` to the memory of the array that it is given."""
        binding, graph, run = self._bound(inputs, outputs), self._graph.name, self._run

        def call(array: np.ndarray, keep: object = (self._session, inputs, outputs)) -> None:
            try:
                binding.bind_input(name, array)
                run(binding, None)
            except Exception as error:
                raise run_error(graph, "ONNX Runtime", error) from error

        return call

    def prepare(self, weights: Arrays) -> None:
        """Values of weights, which later bindings take."""
        for spec in self._graph.inputs:
            array = weights.get(spec.name)
            if array is not None and (spec.name, id(array)) not in self._weights:
                self._weight(spec, array)

    def _bound(self, inputs: Arrays, outputs: Arrays) -> Any:
        """A binding to arrays, of the session that `_run` belongs to."""
        binding = self._new_binding()
        # What `IOBinding` itself calls, which asks for devices and addresses each time: weights are
        # bound between two graphs, where every step runs cold.
        bind_value, weights = binding.bind_ortvalue_input, self._weights
        for spec in self._graph.inputs:
            name = spec.name
            array = inputs[name]
            known = weights.get((name, id(array)))
            if known is not None:
                bind_value(name, known[1])
            elif array.flags.writeable:
                require_array(spec, array)
                binding.bind_input(name, array)
            else:
                bind_value(name, self._weight(spec, array))
        for spec in self._graph.outputs:
            array = outputs[spec.name]
            require_array(spec, array)
            binding.bind_ortvalue_output(spec.name, self._value_of(array))
        return binding

    def _weight(self, spec: TensorSpec, array: np.ndarray) -> Any:
        """The memory of weights as ONNX Runtime's value: made once, for all bindings.

        No other array is one that cannot be written to.
        """
        require_array(spec, array)
        value = self._value_of(array)
        self._weights[spec.name, id(array)] = array, value
        return value


def providers(engine: Any) -> list[str]:
    """The execution providers of this build that run on this machine, without their suffix."""
    # Azure's sends the inputs to a service; it is in every build.
    names = (name.removesuffix(_SUFFIX) for name in engine.get_available_providers())
    return [name for name in names if name != "Azure"]


def _session_options(engine: Any, threads: int | None) -> Any:
    """Options for every session of a runner."""
    options = engine.SessionOptions()
    options.log_severity_level = 3
    # One arena for all sessions: an expert works in the buffers that the stem has just used, which
    # are still in the caches, and ten resident experts hold one set of buffers instead of ten.
    _register_shared_arena(engine)
    options.add_session_config_entry("session.use_env_allocators", "1")
    # Each session has threads of its own, which spin for a while after a run: those of the stem
    # would take the cores from the expert's. So they stop with the run.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if threads is not None:
        options.intra_op_num_threads = threads
    return options


@cache
def _value_maker(engine: Any) -> Callable[[np.ndarray], Any]:
    """What makes values over the memory of arrays, which it does not keep.

    `OrtValue.ortvalue_from_numpy` asks for its device each time.
    """
    device = engine.OrtDevice.make("cpu", 0)._get_c_device()
    kind = type(engine.OrtValue.ortvalue_from_numpy(np.zeros(1, np.float32))._ortvalue)
    return lambda array: kind.ortvalue_from_numpy(array, device)


@cache
def _register_shared_arena(engine: Any) -> None:
    """Register the arena that sessions may share.

    It belongs to the process: sessions that other code makes later share it too if they ask for an
    environment's allocator, as ours do. Sessions that exist keep what they have.
    """
    kind, purpose = engine.OrtAllocatorType.ORT_ARENA_ALLOCATOR, engine.OrtMemType.DEFAULT
    memory = engine.OrtMemoryInfo("Cpu", kind, 0, purpose)
    engine.create_and_register_allocator(memory, engine.OrtArenaCfg({}))


def _signature(node: Any) -> Signature:
    return node.name, list(node.shape), _TYPES.get(node.type, node.type)
