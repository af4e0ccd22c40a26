"""Checks of the weights that graphs take as inputs: where each expert's lie, and which graph's
input is which of them.

An expert's weights are one range of the target's file of weights, so that they are read in one
piece: it begins at a page of any device, and no two experts have bytes in common.
"""

import itertools
import math
from collections.abc import Iterator, Mapping

from mvmoe_deploy.bundle.manifest import (
    RANGE_ALIGNMENT,
    TENSOR_ALIGNMENT,
    DType,
    ExpertWeights,
    Graph,
    Stage,
    StoredTensor,
    Target,
    TensorSpec,
)
from mvmoe_deploy.bundle.manifest_faults import inconsistent
from mvmoe_deploy.errors import Fault
from mvmoe_deploy.strategies import Strategy

_ITEM_BYTES: Mapping[DType, int] = {"float32": 4, "float16": 2, "int64": 8, "int32": 4, "int8": 1}


_Wanted = tuple[int, str, tuple[tuple[int, ...], DType]]
"""A stage, and the name, shape and type of a tensor that each of its experts must have."""


def stored_bytes(tensor: StoredTensor | TensorSpec) -> int:
    """The bytes of a tensor."""
    return math.prod(tensor.shape) * _ITEM_BYTES[tensor.dtype]


def budgets_note(target: str) -> str:
    """What to know of budgets of experts with a target whose graphs take weights as inputs."""
    return (
        f"budgets of resident experts have no effect with the target {target}: the weights of its "
        "experts are mapped from a file, and the system decides which pages of it are in memory"
    )


def check_bound_weights(
    name: str, target: Target, strategy: Strategy, stages: tuple[Stage, ...]
) -> None:
    """Raise BundleError unless ranges and graphs' inputs fit each other, the file and the rules."""
    wanted = [stage.routing.experts for stage in stages[1:]] if strategy.binds_weights else []
    found = [len(row) for row in target.experts]
    _require(
        found == wanted,
        f"target {name} has the ranges of {found[:8]} experts by stage, where {wanted[:8]} are "
        f"expected with the strategy {target.strategy}",
        name,
    )
    _check_ranges(name, target)
    known: set[_Wanted] = set()
    for graph in target.graphs:
        if graph.bound:
            _check_graph(name, target, graph, stages[graph.stage], known)


def _check_ranges(name: str, target: Target) -> None:
    """Ranges are aligned, inside the file, and have no byte in common."""
    sizes = {file.path: file.bytes for file in target.files}
    room = sizes.get(target.weights or "", 0)
    for where, expert in _named(name, target):
        _require(
            expert.offset % RANGE_ALIGNMENT == 0,
            f"the range of {where} begins at {expert.offset:,}, which is no multiple of "
            f"{RANGE_ALIGNMENT:,}",
            name,
        )
        end = expert.offset + expert.bytes
        _require(
            end <= room,
            f"the range of {where} ends at {end:,}, beyond its file of weights of {room:,} bytes",
            name,
        )
        for tensor, stored in expert.tensors.items():
            _require(
                stored.offset % TENSOR_ALIGNMENT == 0
                and expert.offset <= stored.offset
                and stored.offset + stored_bytes(stored) <= end,
                f"the tensor {tensor} of {where} at {stored.offset:,} is not inside of its range, "
                f"or at no multiple of {TENSOR_ALIGNMENT}",
                name,
            )
    ranges = sorted((e.offset, e.offset + e.bytes) for _, e in _named(name, target) if e.bytes)
    for (_, end), (start, _) in itertools.pairwise(ranges):
        _require(
            end <= start,
            f"two experts of target {name} have ranges that overlap, at {start:,}",
            name,
        )


def _named(name: str, target: Target) -> Iterator[tuple[str, ExpertWeights]]:
    """Every expert, with words for it."""
    for stage, row in enumerate(target.experts, start=1):
        for number, expert in enumerate(row):
            yield f"expert {number} of routed stage {stage} of target {name}", expert


def _check_graph(
    name: str, target: Target, graph: Graph, stage: Stage, known: set[_Wanted]
) -> None:
    """Each bound input is a tensor that every expert of the stage has, in one shape and type.

    What every expert is known to have is asked once: inputs and experts may both be very many.
    """
    where = f"graph {graph.name} of target {name}"
    size = len(graph.route or ())
    inputs = {spec.name: (spec.shape, spec.dtype) for spec in graph.inputs}
    fault = Fault("bundle.tensors-mismatch", target=name, graph=graph.name)
    row = target.experts[graph.stage - 1] if 0 < graph.stage <= len(target.experts) else ()
    # What only finishes images, or is never selected, is not computed and has no weights.
    idle = {expert for (expert,) in stage.finishes} if _is_single(stage) else set()
    if stage.rule is not None:
        idle |= set(range(stage.rule.experts)).difference(stage.rule.usable)
    for taken, bound in graph.bound.items():
        if taken not in inputs:
            raise inconsistent(f"{where} binds {taken}, which is none of its inputs", fault)
        if bound.place >= size or not row:
            raise inconsistent(
                f"{where} binds {taken} to the expert at place {bound.place} of a route of {size}",
                fault,
            )
        wanted = graph.stage, bound.tensor, inputs[taken]
        if wanted in known:
            continue
        known.add(wanted)
        for number, expert in enumerate(row):
            stored = expert.tensors.get(bound.tensor)
            if number in idle and stored is None:
                continue
            if stored is None or (stored.shape, stored.dtype) != inputs[taken]:
                shape, dtype = inputs[taken]
                raise inconsistent(
                    f"{where} takes the weight {taken} {list(shape)} {dtype}, and expert {number} "
                    f"has no such tensor {bound.tensor}",
                    fault,
                )


def _is_single(stage: Stage) -> bool:
    """Whether every route of a stage has one expert."""
    return stage.rule is not None and stage.rule.longest == 1


def _require(holds: bool, sentence: str, target: str) -> None:
    """Raise BundleError unless `holds`."""
    if not holds:
        raise inconsistent(sentence, Fault("bundle.ranges-invalid", target=target))
