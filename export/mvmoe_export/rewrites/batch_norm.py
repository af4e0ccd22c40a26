"""Rewrite `batch-norm`: a batch norm in evaluation as a factor and a shift made at export."""

import operator

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import (
    AtenGraph,
    Builder,
    argument,
    arguments,
    is_weight,
    shape,
    source_of,
)

_ATEN = torch.ops.aten
_NORM = _ATEN._native_batch_norm_legit_no_training.default


@rewrite(
    "batch-norm",
    need="fold-batch-norm",
    order=220,
    error=1e-5,
    replaces=("_native_batch_norm_legit_no_training", "BatchNormalization"),
)
def batch_norm(graph: AtenGraph) -> int:
    """A batch norm in evaluation as a factor and a shift made at export; after a conv, inside it.

    Before::

        x -> conv2d(W, b) -> batch_norm(weight, bias, mean, var) -> y          x -> batch_norm -> y

    After::

        f = weight / sqrt(var + eps)
        x -> conv2d(W * f, (b - mean) * f + bias) -> y          y = x * f + (bias - mean * f)

    Error: a rounding of each weight.
    """
    changed = 0
    for node in graph.find(_NORM):
        readers = list(node.users)
        unused = [reader for reader in readers if not reader.users]
        used = [reader for reader in readers if reader.users]
        if [arguments(reader)[1] for reader in used] != [0] or not _is_fixed(node):
            continue
        if any(reader.target != operator.getitem for reader in readers):
            continue
        for reader in unused:
            graph.erase(reader)
        _in_primitives(graph, node, used[0])
        changed += 1
    return changed


def _is_fixed(node: fx.Node) -> bool:
    """Whether all that the norm multiplies and adds is known at export."""
    return all(is_weight(part) for part in arguments(node)[1:5] if part is not None)


def _in_primitives(graph: AtenGraph, node: fx.Node, result: fx.Node) -> None:
    """Replace one norm, whose values `result` takes."""
    build, source = graph.before(node), source_of(node)
    if _takes_weights(source):
        factor, shift = _line(build, node, argument(source, 2, "bias"))
        weight = arguments(source)[1]
        rows = build(_ATEN.reshape.default, factor, [-1, *[1] * (len(shape(weight)) - 1)])
        weight = build(_ATEN.mul.Tensor, weight, rows)
        conv = build(_ATEN.conv2d.default, source_of(source), weight, shift, *arguments(source)[3:])
        graph.replace(result, conv)
        return
    factor, shift = _line(build, node, None)
    sizes = [1, -1, *[1] * (len(shape(source)) - 2)]
    factor, shift = (build(_ATEN.reshape.default, part, sizes) for part in (factor, shift))
    scaled = build(_ATEN.mul.Tensor, source, factor)
    graph.replace(result, build(_ATEN.add.Tensor, scaled, shift))


def _takes_weights(node: fx.Node) -> bool:
    """Whether a node is a conv that the norm alone reads, with weights that are open to change."""
    if node.target != _ATEN.conv2d.default or len(node.users) != 1:
        return False
    return all(is_weight(weight) for weight in arguments(node)[1:3] if weight is not None)


def _line(build: Builder, node: fx.Node, before: fx.Node | None) -> tuple[fx.Node, fx.Node]:
    """The factor and shift of each channel, for values that `before` is still to be added to."""
    weight, bias, mean, variance = arguments(node)[1:5]
    steadied = build(_ATEN.add.Tensor, variance, arguments(node)[6])
    factor = build(_ATEN.reciprocal.default, build(_ATEN.sqrt.default, steadied))
    if weight is not None:
        factor = build(_ATEN.mul.Tensor, factor, weight)
    shift = build(_ATEN.neg.default, mean)
    if before is not None:
        shift = build(_ATEN.add.Tensor, shift, before)
    shift = build(_ATEN.mul.Tensor, shift, factor)
    return factor, shift if bias is None else build(_ATEN.add.Tensor, shift, bias)


PART = batch_norm
