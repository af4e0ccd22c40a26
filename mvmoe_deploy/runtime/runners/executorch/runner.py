"""ExecuTorch: one program per file, one method per graph."""

import contextlib
import ctypes
import gc
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any, Self

import numpy as np

from mvmoe_deploy.bundle.manifest import Graph, Target, TensorSpec
from mvmoe_deploy.errors import InputError, MissingExtraError, UnsupportedPlatformError
from mvmoe_deploy.quiet_imports import import_quietly
from mvmoe_deploy.runtime.contract import (
    Arrays,
    EngineVariant,
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
from mvmoe_deploy.system.own_process import is_own_process

_MODULES = ("torch", "executorch.extension.pybindings.portable_lib", "executorch.runtime")
"""What a Python application with ExecuTorch imports."""

BACKENDS = {"xnnpack": "XnnpackBackend", "coreml": "CoreMLBackend"}
"""ExecuTorch's names for the delegates; the portable kernels are none."""

_SCALARS = {6: "float32", 5: "float16", 4: "int64", 3: "int32"}
"""ExecuTorch's types by number, as PyTorch's c10 counts them."""


_LOADING = threading.Lock()
"""Held while a program loads or the pool is replaced, in the whole process."""

_LOADED: "weakref.WeakSet[ExecuTorchGraph]" = weakref.WeakSet()
"""The methods in memory, of all runners."""


def import_engine() -> tuple[Any, Any, Any]:
    """The modules `torch`, `portable_lib` (with the pool) and `executorch.runtime`.

    Raises MissingExtraError if they are not installed.
    """
    with import_quietly("ExecuTorch", "executorch"), _without_exporter():
        # By their names: a package that lost a module still has it as an attribute.
        torch, portable_lib, runtime = map(import_module, _MODULES)
    return torch, portable_lib, runtime


@contextlib.contextmanager
def _without_exporter() -> Iterator[None]:
    """Import inside this block as if ExecuTorch's exporter had no `__init__.py`.

    The bindings take decorators from one of its modules, and the package imports PyTorch's
    compiler, which takes two thirds of the time. Only in a process of our own: in another one,
    a thread could import the exporter meanwhile.
    """
    name = "executorch.exir"
    if not is_own_process() or name in sys.modules or (spec := find_spec(name)) is None:
        yield
        return
    sys.modules[name] = module_from_spec(spec)
    try:
        yield
    finally:
        del sys.modules[name]


class ExecuTorchRunner(RunnerDefaults):
    """Runs the methods of an `executorch` target.

    `threads` sets ExecuTorch's pool, of which a process has one: while graphs are loaded, another
    number is refused.
    """

    name = "executorch"
    extra = "executorch"
    packages = ("executorch", "torch")
    tested_versions = (TestedVersions("executorch", "1.4.1", "1.5.2"),)

    def __init__(self, engine: Any, torch: Any, root: Path, target: Target) -> None:
        self._engine = engine
        self._torch = torch
        self._root = root
        self._delegate = _delegate(target)
        self._graphs = {graph.name: graph for graph in target.graphs}

    @classmethod
    def open(
        cls,
        root: Path,
        target: Target,
        threads: int | None,
        engine_options: Mapping[str, str] | None = None,
    ) -> Self:
        """A runner for the checked bundle at `root`.

        Raises MissingExtraError, InputError (for `threads`, too, if loaded graphs use another
        number), or UnsupportedPlatformError for a delegate that this build of ExecuTorch lacks.
        """
        require_threads(threads)
        require_options("ExecuTorch", {}, engine_options)
        torch, portable_lib, runtime = import_engine()
        runner = cls(runtime.Runtime.get(), torch, root, target)
        backend = BACKENDS.get(runner._delegate)
        if backend is not None and not runner._engine.backend_registry.is_available(backend):
            raise UnsupportedPlatformError(
                f"this target runs through ExecuTorch's {runner._delegate} delegate, which this "
                "machine's ExecuTorch does not have; run it on a device that has it",
                name=runner._delegate,
            )
        _look_at_processor(portable_lib)
        _start_pool(portable_lib, threads)
        return runner

    @classmethod
    def variants(cls, target: Target) -> list[EngineVariant]:
        """As the target was lowered; Core ML below ExecuTorch exists on Apple's systems only."""
        delegate = _delegate(target)
        if delegate == "coreml" and sys.platform != "darwin":
            raise UnsupportedPlatformError(
                "ExecuTorch's delegate coreml exists on Apple's systems only", name="coreml"
            )
        if find_spec("executorch") is None:
            raise MissingExtraError.of("ExecuTorch", cls.extra)
        return [
            EngineVariant(
                engine=f"ExecuTorch {version('executorch')}",
                provider=delegate,
                modules=_MODULES,
            )
        ]

    @property
    def provider(self) -> str:
        """The delegate."""
        return self._delegate

    @property
    def description(self) -> str:
        """The engine and its delegate."""
        return f"ExecuTorch {version('executorch')} ({self._delegate})"

    def load(self, graph: str) -> "ExecuTorchGraph":
        """The method of a graph, compared with the manifest; raises EngineError that names it."""
        return self._open(self._graphs[graph])

    def _open(self, graph: Graph) -> "ExecuTorchGraph":
        """Load a method and compare it with what the manifest says of the graph."""
        try:
            # One load after the other: nothing says that the engine is made for more. On one line,
            # so that nothing can be raised between the end of the load and that of the lock.
            with _LOADING: loaded = self._load_method(graph)  # fmt: skip  # noqa: E701
        except Exception as error:  # RuntimeError, KeyError: the bindings have no class of theirs.
            raise load_error(graph, "ExecuTorch", error, "; export the bundle again") from error
        metadata = loaded.metadata
        require_signature(
            graph,
            _signatures(graph.inputs, metadata.input_tensor_meta, metadata.num_inputs()),
            _signatures(graph.outputs, metadata.output_tensor_meta, metadata.num_outputs()),
        )
        return loaded

    def _load_method(self, graph: Graph) -> "ExecuTorchGraph":
        """A program of its own for a method: one keeps every method that was loaded through it."""
        program = self._engine.load_program(self._root / graph.file)
        method = program.load_method(graph.entry or graph.name)
        return ExecuTorchGraph(graph, program, method, self._torch)


class ExecuTorchGraph:
    """One method. Calls wait for each other: a method has one set of buffers.

    It reads no input where a caller happens to have it: a tensor over other memory, and setting it,
    take more of an answer than copying an image, which the method finds in the caches then.
    """

    def __init__(self, graph: Graph, program: Any, method: Any, torch: Any) -> None:
        self._graph = graph
        self._program = program  # Holds the data that the method works on.
        self._metadata = method.metadata
        # What `method.execute` calls, which copies each output into a new tensor on its way.
        self._method = method._method
        self._torch = torch
        self._copies_inputs = any(
            _planned(method.metadata.input_tensor_meta, method.metadata.num_inputs())
        )
        self._weights: dict[tuple[str, int], tuple[np.ndarray, Any]] = {}
        """Weights that were bound and their tensors, by input and array."""
        self._lock = threading.Lock()
        self._given: list[Any] | None = None
        """What the method reads its inputs from at present, where it reads them in place."""
        self._gives: list[np.ndarray] | None = None
        """Where the method's outputs lie, once it has run; all of them in memory of its own."""
        _LOADED.add(self)

    @property
    def metadata(self) -> Any:
        """What the method says of its inputs and outputs."""
        return self._metadata

    def bind(self, inputs: Arrays, outputs: Arrays) -> Callable[[], None]:
        """A call on tensors that share the caller's memory."""
        given = [self._tensor(spec, inputs[spec.name]) for spec in self._graph.inputs]
        wanted = []
        for spec in self._graph.outputs:
            require_array(spec, outputs[spec.name])
            wanted.append(outputs[spec.name])
        set_inputs, execute = self._method.set_inputs, self._method.execute
        copies_inputs = self._copies_inputs
        lock, name = self._lock, self._graph.name

        def run() -> None:
            if copies_inputs or self._given is not given:
                self._given = None  # An interruption leaves it open which were set.
                set_inputs(given)
                self._given = given
            execute()
            for array, result in zip(wanted, self._gives or self._results(), strict=True):
                array[...] = result

        def call(keep: object = (inputs, outputs)) -> None:
            try:
                with lock: run()  # fmt: skip  # noqa: E701  As in `_open`.
            except Exception as error:
                raise run_error(name, "ExecuTorch", error) from error

        return call

    def prepare(self, weights: Arrays) -> None:
        """Tensors of weights, which later bindings take."""
        for spec in self._graph.inputs:
            if spec.name in weights:
                self._tensor(spec, weights[spec.name])

    def _results(self) -> list[np.ndarray]:
        """What the method gives, where it lies; remembered if that is the same after every run."""
        found = [tensor.numpy() for tensor in self._method.get_outputs(False)]
        if all(_planned(self._metadata.output_tensor_meta, len(found))):
            self._gives = found
        return found

    def _tensor(self, spec: TensorSpec, array: np.ndarray) -> Any:
        """A tensor over an array's own memory; that of weights is made once, for all bindings."""
        known = self._weights.get((spec.name, id(array)))
        if known is not None:
            return known[1]
        require_array(spec, array)
        if array.flags.writeable:
            return self._torch.from_numpy(array)
        # PyTorch has no tensors that cannot be written to. No graph writes to its inputs; the
        # mapped pages themselves stay read-only.
        memory = (ctypes.c_uint8 * array.nbytes).from_address(array.ctypes.data)
        writable = np.ndarray(array.shape, array.dtype, memoryview(memory))
        tensor = self._torch.from_numpy(writable)
        self._weights[spec.name, id(array)] = array, tensor
        return tensor


def _planned(describe: Callable[[int], Any], count: int) -> list[bool]:
    """Whether each of a method's inputs or outputs has a place of its own in its memory."""
    return [describe(index).is_memory_planned() for index in range(count)]


def _start_pool(bindings: Any, threads: int | None) -> None:
    """Give ExecuTorch's pool another size, if it has to have one.

    Loaded methods keep a pointer to the pool, and crash if it is replaced: so it never is while
    there are any. Raises InputError then.
    """
    if threads is None:
        return
    with _LOADING:
        found = bindings._threadpool_get_thread_count()
        if found == threads:
            return
        if _LOADED:
            gc.collect()
        if _LOADED:
            raise InputError(
                f"threads {threads} was given, but this process has one pool for all graphs of "
                f"ExecuTorch, and graphs that are loaded use it with {found}; close them first, or "
                f"give threads {found}",
                name="threads",
                given=threads,
                expected=found,
            )
        _without_stderr(partial(bindings._unsafe_reset_threadpool, threads))


@cache
def _look_at_processor(bindings: Any) -> None:
    """ExecuTorch's first look at the processor, which writes notes about Arm registers."""
    _without_stderr(bindings._threadpool_get_thread_count)


def _without_stderr(work: Callable[[], object]) -> None:
    """Do something while what native code writes to stderr goes nowhere.

    A process has one stderr: what other threads write to it meanwhile, for microseconds, is lost
    too. ExecuTorch has no switch for these notes.
    """
    kept = os.dup(2)
    try:
        # Twice put back: the first may be interrupted.
        try:
            with Path(os.devnull).open("w") as nowhere:
                os.dup2(nowhere.fileno(), 2)
                work()
        finally:
            os.dup2(kept, 2)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _delegate(target: Target) -> str:
    """The delegate that a target was lowered to; `portable` for none."""
    return str(target.options.get("delegate", "portable"))


def _signatures(specs: Sequence[TensorSpec], describe: Any, count: int) -> list[Signature]:
    """Inputs or outputs of a method, which has no names for them: they go by position."""
    found = []
    for index in range(count):
        tensor = describe(index)
        name = specs[index].name if index < len(specs) else f"number {index}"
        kind = _SCALARS.get(tensor.dtype(), str(tensor.dtype()))
        found.append((name, list(tensor.sizes()), kind))
    return found
