"""Where Core ML says that it will run each operator of a graph: `MLComputePlan`, on macOS.

Core ML makes a plan for the Mac that asks it, before anything is run: which unit it prefers for
each operator, and the operator's estimated share of the cost. Nobody has run this yet: it was
written against coremltools 9.0's source and tested over a stand-in of the same interface.
"""

import platform
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mvmoe_deploy.bundle.manifest import Graph, Target
from mvmoe_deploy.errors import EngineError, UnsupportedPlatformError
from mvmoe_deploy.quiet_imports import import_quietly
from mvmoe_deploy.runtime.contract import GraphPlacement, first_line, require_options
from mvmoe_deploy.system.temporary import temporary_directory

NEURAL_ENGINE, GPU, CPU = "neural_engine", "gpu", "cpu"

_UNITS = {
    "all": ("ALL", NEURAL_ENGINE),
    "cpuOnly": ("CPU_ONLY", CPU),
    "cpuAndGPU": ("CPU_AND_GPU", GPU),
    "cpuAndNeuralEngine": ("CPU_AND_NE", NEURAL_ENGINE),
}
"""Core ML's compute units: coremltools' name for them, and the unit that one hopes for."""

_DEVICES = {
    "MLNeuralEngineComputeDevice": NEURAL_ENGINE,
    "MLGPUComputeDevice": GPU,
    "MLCPUComputeDevice": CPU,
}
"""Classes of coremltools' compute devices."""

_OLDEST_MACOS = (14, 4)
"""The first with `MLComputePlan`."""


def placements(root: Path, target: Target, units: str = "all") -> list[GraphPlacement]:
    """Core ML's plan for each graph of a `coreml` target of the checked bundle at `root`.

    `units` are Core ML's compute units as the runner's option has them: `all`, `cpuOnly`,
    `cpuAndGPU`, `cpuAndNeuralEngine`. Each package is compiled once, into a temporary directory.
    Operators of which Core ML does not say where they run, constants above all, are not counted.
    Raises UnsupportedPlatformError without macOS 14.4, MissingExtraError without coremltools,
    InputError for unknown units, EngineError if Core ML refuses a package.
    """
    require_options("Core ML", {"compute_units": _UNITS}, {"compute_units": units})
    _require_macos()
    with import_quietly():
        import coremltools
        import coremltools.models.compute_plan
    return plan(coremltools, root, target, units)


def plan(engine: Any, root: Path, target: Target, units: str) -> list[GraphPlacement]:
    """`placements` with coremltools, or what stands in for it, as `engine`."""
    name, hoped = _UNITS[units]
    found: dict[str, GraphPlacement] = {}
    graphs: dict[str, list[Graph]] = defaultdict(list)
    for graph in target.graphs:
        graphs[graph.file].append(graph)
    with temporary_directory() as folder:
        for number, (file, inside) in enumerate(graphs.items()):
            destination = folder / f"{number}.mlmodelc"
            made = _plan(engine, root / file, destination, getattr(engine.ComputeUnit, name))
            for graph in inside:
                found[graph.name] = _placement(made, graph, hoped)
    return [found[graph.name] for graph in target.graphs]


def _plan(engine: Any, package: Path, destination: Path, units: Any) -> Any:
    """Core ML's plan for one package, which is compiled first."""
    try:
        compiled = engine.models.utils.compile_model(str(package), str(destination))
        return engine.models.compute_plan.MLComputePlan.load_from_path(
            str(compiled), compute_units=units
        )
    except Exception as error:  # Its exceptions share no base class of their own.
        raise EngineError(
            f"Core ML has no plan for {package.name}: {first_line(error)}",
            file=package.name,
            found=first_line(error),
        ) from error


def _placement(made: Any, graph: Graph, hoped: str) -> GraphPlacement:
    """What a plan says of one graph; raises EngineError if it does not have it."""
    program = made.model_structure.program
    functions = {} if program is None else program.functions
    name = graph.entry or "main"
    if name not in functions:
        raise EngineError(
            f"Core ML's plan has no function {name} for graph {graph.name}; it has "
            f"{', '.join(sorted(functions)) or 'none'}",
            graph=graph.name,
            name=name,
            found=sorted(functions),
        )
    units, outside = Counter[str](), Counter[str]()
    costs: dict[str, float] = defaultdict(float)
    for operation in _operations(functions[name].block):
        usage = made.get_compute_device_usage_for_mlprogram_operation(operation)
        if usage is None:
            continue
        unit = _unit(usage.preferred_compute_device)
        units[unit] += 1
        cost = made.get_estimated_cost_for_mlprogram_operation(operation)
        costs[unit] += 0 if cost is None else cost.weight
        if unit != hoped:
            outside[_type(operation.operator_name)] += 1
    return GraphPlacement(graph.name, dict(units), _shares(costs), dict(outside))


def _operations(block: Any) -> Iterator[Any]:
    """All operators of a block and of the blocks within."""
    for operation in block.operations:
        yield operation
        for inner in operation.blocks:
            yield from _operations(inner)


def _unit(device: Any) -> str:
    """The unit of a compute device; the name of its class if a newer Core ML has another."""
    name = type(device).__name__
    return _DEVICES.get(name, name)


def _type(operator: str) -> str:
    """An operator's type without the version that Core ML writes before it: `ios18.linear`."""
    return operator.rpartition(".")[2]


def _shares(costs: Mapping[str, float]) -> dict[str, float] | None:
    """Costs as shares of their sum."""
    total = sum(costs.values())
    return {unit: cost / total for unit, cost in costs.items()} if total > 0 else None


def _require_macos() -> None:
    """Refuse a system without `MLComputePlan`."""
    version = platform.mac_ver()[0] if sys.platform == "darwin" else ""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if not version or (*numbers, 0)[:2] < _OLDEST_MACOS:
        found = f"macOS {version}" if version else platform.system()
        raise UnsupportedPlatformError(
            f"Core ML's compute plan needs macOS {'.'.join(map(str, _OLDEST_MACOS))}+, and this is "
            f"{found}; use such a Mac, or the advisor's estimate",
            name="MLComputePlan",
            expected="macOS 14.4",
            found=found,
        )
