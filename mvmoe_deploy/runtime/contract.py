"""The contract of a runner: what executes one target's graphs on this machine."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np

from mvmoe_deploy.bundle.manifest import Graph, Target, TensorSpec
from mvmoe_deploy.errors import EngineError, InputError, ResourceLimitError
from mvmoe_deploy.runtime.engine_versions import TestedVersions
from mvmoe_deploy.system.limits import limit_met
from mvmoe_deploy.text import choices_text

_MOST_THREADS = 256
"""Upper limit: ONNX Runtime starts all requested threads, and more would only cost memory."""

Arrays = Mapping[str, np.ndarray]
"""Arrays by the names of a graph's inputs or outputs, of the shapes and types in the manifest."""


class LoadedGraph(Protocol):
    """One graph in memory, ready to run."""

    def bind(self, inputs: Arrays, outputs: Arrays) -> Callable[[], None]:
        """A call that reads `inputs` and overwrites `outputs`; both must live as long as it.

        Bindings are made once and called many times. Different bindings of one graph may be
        called from different threads at once. Calls raise EngineError.
        """


@runtime_checkable
class ReadsInPlace(LoadedGraph, Protocol):
    """A graph that can read an input where its caller has it, without a copy."""

    def bind_from(self, inputs: Arrays, outputs: Arrays, name: str) -> Callable[[np.ndarray], None]:
        """As `bind`, but each call reads input `name` from the array that it is given.

        That one is contiguous, of the input's shape and type, and stays as it is until the call
        has returned. Different bindings are independent of each other, as those of `bind` are.
        """


@runtime_checkable
class PreparesWeights(LoadedGraph, Protocol):
    """A graph that can make beforehand what binding weights takes."""

    def prepare(self, weights: Arrays) -> None:
        """Make it for inputs that stay as they are, and cannot be written to.

        Nothing of them is read. It is kept, as they are, for as long as the graph is. Raises
        InputError for weights that the graph does not take.
        """


def bind_from(
    graph: LoadedGraph, inputs: Arrays, outputs: Arrays, name: str
) -> Callable[[np.ndarray], None]:
    """`ReadsInPlace.bind_from` of any graph: one that cannot read in place copies."""
    if isinstance(graph, ReadsInPlace):
        return graph.bind_from(inputs, outputs, name)
    call, own = graph.bind(inputs, outputs), inputs[name]

    def copy_and_call(array: np.ndarray) -> None:
        own[:] = array
        call()

    return copy_and_call


class Runner(Protocol):
    """Executes the graphs of one target; opened by a `RunnerPart`.

    Invariants:

    - A runner keeps no graph: its memory is freed once the last reference to it and to its
      bindings is gone.
    - All methods may be called from several threads. An exception at any line, Ctrl-C for one,
      leaves no lock behind.
    """

    @property
    def stands_in_for(self) -> str | None:
        """The engine that this evaluates instead of, where that does not exist; None for one."""

    @property
    def description(self) -> str:
        """What runs the graphs, for people: the engine, and what it runs on."""

    @property
    def provider(self) -> str:
        """Where the engine runs graphs: an execution provider, a delegate, compute units."""

    def load(self, graph: str) -> LoadedGraph:
        """Load a graph; each call makes another copy. Raises EngineError that names it."""


@dataclass(frozen=True)
class EngineVariant:
    """One way in which an engine can run a target on this machine."""

    engine: str
    """For people, with its version: `ONNX Runtime 1.31.1`."""
    provider: str | None = None
    """Where it runs graphs, as `Runner.provider` says; None where an engine has no such choice."""
    engine_options: Mapping[str, str] = field(default_factory=dict)
    """What `RunnerPart.open` takes for it."""
    modules: tuple[str, ...] = ()
    """What a Python application with this engine imports."""
    label: str = ""
    """Tells several variants of one target apart; empty for the usual one."""


@dataclass(frozen=True)
class GraphPlacement:
    """Where an engine says that it puts the operators of a graph on this machine."""

    graph: str
    by_unit: dict[str, int]
    """Operators by unit: `neural_engine`, `gpu`, `cpu`, or providers' names."""
    cost_by_unit: dict[str, float] | None
    """Share of the estimated cost by unit, 1 in total; None where no cost is estimated."""
    outside: dict[str, int]
    """Operator types that are not on the unit that was asked for, with their number."""


class RunnerPart(Protocol):
    """The part of an engine: opens runners, and says what else is known of the engine.

    `runtime/runners/<engine>/` declares it as `PART`. A runner's class may be it: `RunnerDefaults`
    is a base class that has an answer to all but `name` and `open`.

    Invariants:

    - The engine is imported in a method, not when the module is.
    - `open` loads no graph; it raises MissingExtraError if the engine is not installed, and
      UnsupportedPlatformError if it does not exist on this machine's system.
    - `open` raises InputError for an engine option that it does not know.
    """

    @property
    def name(self) -> str:
        """The format whose graphs it runs, as a manifest has it."""

    @property
    def reference(self) -> str | None:
        """The runner that evaluates the same graphs where this engine does not exist, or None.

        It is slow, and for checking only.
        """

    @property
    def extra(self) -> str | None:
        """The extra of `mvmoe-deploy` that installs the engine; None for a plug-in's."""

    @property
    def packages(self) -> tuple[str, ...]:
        """The distributions whose versions belong into a record of what ran."""

    @property
    def tested_versions(self) -> tuple[TestedVersions, ...]:
        """The versions of the engine that were tested: beyond them opening a bundle warns."""

    def open(
        self,
        root: Path,
        target: Target,
        threads: int | None,
        engine_options: Mapping[str, str] | None = None,
    ) -> Runner:
        """A runner for the checked bundle at `root`; `threads` per graph, None for the engine's.

        `engine_options` are what only this engine has, by name.
        """

    def variants(self, target: Target) -> Sequence[EngineVariant]:
        """The ways to run a target on this machine, the usual one first; loads no graph.

        Processes that are started afterwards inherit the environment that the engine needs.
        Raises MissingExtraError and UnsupportedPlatformError as `open` does.
        """

    def placements(
        self, root: Path, target: Target, engine_options: Mapping[str, str]
    ) -> Iterator[GraphPlacement]:
        """Where the engine itself puts the operators of a target's graphs on this machine.

        Of graphs that are equal but for their weights one is enough. Nothing of an engine that
        does not say. Raises MissingExtraError, UnsupportedPlatformError or EngineError.
        """


class RunnerDefaults:
    """A base class for runners whose class is the part: defaults of what a runner need not say."""

    name: ClassVar[str]
    reference: ClassVar[str | None] = None
    extra: ClassVar[str | None] = None
    packages: ClassVar[tuple[str, ...]] = ()
    tested_versions: ClassVar[tuple[TestedVersions, ...]] = ()
    stands_in_for: ClassVar[str | None] = None

    @classmethod
    def variants(cls, target: Target) -> Sequence[EngineVariant]:
        """The one way that the engine chooses."""
        return [EngineVariant(engine=cls.name)]

    @classmethod
    def placements(
        cls, root: Path, target: Target, engine_options: Mapping[str, str]
    ) -> Iterator[GraphPlacement]:
        """Nothing: the engine does not say."""
        return iter(())


def one_graph_per_stage(target: Target) -> Iterator[Graph]:
    """The first graph of each stage: the graphs of its other routes differ in weights alone.

    Where a stage has graphs of routes and one of all routes beside them, the first of each.
    """
    seen: set[tuple[int, bool]] = set()
    for graph in target.graphs:
        kind = graph.stage, graph.route is None
        if kind not in seen:
            seen.add(kind)
            yield graph


def run(loaded: LoadedGraph, inputs: Arrays, outputs: Arrays) -> Arrays:
    """Run a graph once; gives `outputs`, which it has filled."""
    loaded.bind(inputs, outputs)()
    return outputs


def require_array(spec: TensorSpec, array: np.ndarray) -> None:
    """Refuse an array that is not what the manifest says of a tensor; raises InputError."""
    if array.shape != spec.shape or array.dtype != spec.dtype or not array.flags.c_contiguous:
        raise InputError(
            f"tensor {spec.name} was given as {array.dtype} {list(array.shape)}; expected a "
            f"contiguous {spec.dtype} {list(spec.shape)}",
            code="input.shape",
            expected=list(spec.shape),
            found=list(array.shape),
            name=spec.name,
        )


Signature = tuple[str, list[int], str]
"""Name, shape and type of an input or output."""


def require_signature(graph: Graph, inputs: list[Signature], outputs: list[Signature]) -> None:
    """Refuse a graph whose inputs or outputs are not the manifest's; raises EngineError."""
    for kind, specs, found in (
        ("inputs", graph.inputs, inputs),
        ("outputs", graph.outputs, outputs),
    ):
        declared = [(spec.name, list(spec.shape), spec.dtype) for spec in specs]
        if sorted(declared) != sorted(found):
            raise EngineError(
                f"graph {graph.name} ({graph.file}) has the {kind} {found}, but the manifest says "
                f"{declared}; export the bundle again",
                code="engine.wrong-signature",
                graph=graph.name,
            )


def load_error(graph: Graph, engine: str, error: BaseException, advice: str = "") -> EngineError:
    """What a runner raises for a graph that its engine does not load.

    ResourceLimitError if files, memory or threads ran out; else `advice` says what to do.
    """
    what = f"graph {graph.name} ({graph.file}) does not load in {engine}"
    limit = limit_met(error)
    if limit is not None:
        return ResourceLimitError(f"{what}: {limit.advice}", code=limit.code)
    return EngineError(
        f"{what}: {first_line(error)}{advice}", code="engine.load-failed", graph=graph.name
    )


def run_error(graph: str, engine: str, error: BaseException) -> EngineError:
    """What a call raises when its engine fails; ResourceLimitError if that was a limit."""
    what = f"graph {graph} failed in {engine}"
    limit = limit_met(error)
    if limit is not None:
        return ResourceLimitError(f"{what}: {limit.advice}", code=limit.code)
    return EngineError(f"{what}: {first_line(error)}", code="engine.run-failed", graph=graph)


def first_line(error: BaseException) -> str:
    """What an engine's exception says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def require_threads(threads: int | None) -> None:
    """Refuse a number of threads that no machine should start; raises InputError."""
    if threads is not None and threads not in range(1, _MOST_THREADS + 1):
        raise InputError(
            f"threads {threads!r} was given; expected 1 to {_MOST_THREADS}",
            name="threads",
            given=threads if isinstance(threads, int | float | str) else repr(threads),
            expected=_MOST_THREADS,
        )


def require_options(
    engine: str, known: Mapping[str, Collection[str]], given: Mapping[str, str] | None
) -> None:
    """Refuse engine options that are not `known`, or have none of its values; raises InputError."""
    for name, value in (given or {}).items():
        if name not in known:
            told = choices_text(name, list(known), "expected one of")
            expected = told if known else "it has none"
            raise InputError(
                f"the engine option {name!r} is not one of {engine}; {expected}",
                code="engine.option",
                option=name,
                given=value,
                expected=list(known),
            )
        if value not in known[name]:
            raise InputError(
                f"the engine option {name} of {engine} was given as {value!r}; expected one of "
                f"{', '.join(known[name])}",
                code="engine.option",
                option=name,
                given=value,
                expected=list(known[name]),
            )
