"""What an exported graph gives inside, run by its own engine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from mvmoe_deploy.bundle.manifest import MAX_TENSORS, Target, TensorSpec
from mvmoe_deploy.runtime.contract import Runner, run
from mvmoe_deploy.system.temporary import temporary_directory
from mvmoe_export.graph_taps import EngineOperator, GraphTap

_MOST_BYTES = 128 << 20
"""Of the values that one copy of a graph gives: it holds all of them at once."""


def graph_values(
    tap: GraphTap,
    record: Target,
    inputs: Mapping[str, np.ndarray],
    open_runner: Callable[[Path, Target], Runner],
) -> dict[str, np.ndarray]:
    """Every value that a graph's tap can give, by its name in the graph, for some inputs.

    Several copies are run where there are many. Raises what runners raise.
    """
    room = MAX_TENSORS - len(tap.outputs)
    found: dict[str, np.ndarray] = {}
    for names in _parts(tap.values, room):
        with temporary_directory() as folder:
            graph = tap.write(folder, names)
            tapped = msgspec.structs.replace(record, graphs=(graph,))
            outputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in graph.outputs}
            loaded = open_runner(folder, tapped).load(graph.name)
            run(loaded, inputs, outputs)
            del loaded
        found |= {name: outputs[tap.values[name].name] for name in names}
    return found


def working_operators(tap: GraphTap) -> list[EngineOperator]:
    """The operators of a graph that work on its inputs, not on weights alone, in order."""
    moving, working = set(tap.inputs), []
    for operator in tap.operators:
        if not moving.isdisjoint(operator.takes):
            moving.update(operator.gives)
            working.append(operator)
    return working


def _parts(values: Mapping[str, TensorSpec], most: int) -> Iterator[Sequence[str]]:
    """Names of values in parts of a certain number and size."""
    part: list[str] = []
    room = _MOST_BYTES
    for name, spec in values.items():
        size = int(np.prod(spec.shape)) * np.dtype(spec.dtype).itemsize
        if part and (len(part) == most or size > room):
            yield part
            part, room = [], _MOST_BYTES
        part.append(name)
        room -= size
    if part:
        yield part
