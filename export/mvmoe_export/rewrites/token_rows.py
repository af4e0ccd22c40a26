"""Rewrite `token-rows`: chosen tokens are whole rows of a matrix, by one index for each."""

import operator

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, Builder, arguments, elements, shape, value
from mvmoe_export.rewrites.selections import (
    CHOOSING,
    SORTS,
    TableRows,
    choice_of,
    drop_remainders,
    first_entries,
    reshaped,
    rows_of,
    unshaped,
)

_ATEN = torch.ops.aten
_BY_ELEMENT = (_ATEN.gather.default, _ATEN.scatter_add.default)


@rewrite(
    "token-rows",
    need="rows-of-tokens",
    order=130,
    error=1e-6,
    replaces=("sort",),
    only_with=CHOOSING,
)
def token_rows(graph: AtenGraph) -> int:
    """Sorts of which the first are read as top-k, chosen tokens as rows of one matrix.

    Before::

        s [B, N] -> sort(stable, descending) -> slice(0, C) -> i [B, C] -> expand [B, C, D]
        x [B, N, D] -> gather(axis 1, i) -> y           x -> scatter_add(axis 1, i, r) -> z

    After::

        s -> topk(C) -> i -> add(b * N) -> reshape [B * C]
        x -> reshape [B * N, D] -> index_select(0, i) -> reshape -> y
        x -> reshape [B * N, D] -> index_put([i], r, accumulate) -> reshape -> z

    For engines that copy a row at once but look up an index of elements one by one, and whose top-k
    is a stable sort (ONNX Runtime's gives equal scores in their order, torch's does not). With one
    image nothing is added to the index. Error: rows of one token are added in another order.
    """
    changed, flat = drop_remainders(graph), dict[object, fx.Node]()
    for node in graph.find(*SORTS):
        changed += _as_topk(graph, node)
    for node in graph.find(*_BY_ELEMENT, _ATEN.index_put.default):
        rows = rows_of(node)
        if rows is not None and rows.width > 1 and rows.adds and not _is_plain(node):
            _as_rows(graph, rows, flat)
            changed += 1
    return changed


def _as_topk(graph: AtenGraph, node: fx.Node) -> bool:
    """A sort as a top-k of as many as are read."""
    choice = choice_of(node)
    if choice is None:
        return False
    build, count = graph.before(node), choice.count
    best = build(_ATEN.topk.default, choice.scores, count, choice.axis, choice.largest, True)
    for part in list(node.users):
        taken = build(operator.getitem, best, part.args[1])
        for user in list(part.users):
            if first_entries(user, part, taken):
                graph.replace(user, taken)
        if not part._erased:
            graph.replace(part, taken)
    return True


def _is_plain(node: fx.Node) -> bool:
    """Whether a node has the form that is wanted already: rows of a matrix, by one index."""
    if node.target in _BY_ELEMENT:
        return False
    _, indices = arguments(node)[:2]
    return len(shape(node)) == 2 and len(indices) == 1 and len(shape(indices[0])) == 1


def _as_rows(graph: AtenGraph, rows: TableRows, flat: dict[object, fx.Node]) -> None:
    """Take or add whole rows of all images' tokens as one matrix."""
    build = graph.before(rows.node)
    table = reshaped(build, rows.table, [rows.images * rows.entries, rows.width])
    index = _flat_index(build, rows, flat)
    if isinstance(rows.rows, fx.Node):
        given = reshaped(build, rows.rows, [elements(index), rows.width])
        result = build(_ATEN.index_put.default, table, [index], given, True)
    else:
        result = build(_ATEN.index_select.default, table, 0, index)
    graph.replace(rows.node, reshaped(build, result, shape(rows.node)))


def _flat_index(build: Builder, rows: TableRows, flat: dict[object, fx.Node]) -> fx.Node:
    """The places `[images * count]` of rows in all images' tokens as one matrix.

    Made once for those that are taken and those that are added later: `flat` remembers them.
    """
    index = unshaped(rows.index)
    key = index, rows.images, rows.entries
    if key not in flat:
        if rows.images > 1:
            starts = torch.arange(rows.images)[:, None] * rows.entries
            name = f"first_of_{rows.images}x{rows.entries}"
            first = build.constant(name, starts.to(value(index).dtype))
            index = reshaped(build, index, [rows.images, rows.count])
            index = build(_ATEN.add.Tensor, index, first)
        flat[key] = reshaped(build, index, [rows.images * rows.count])
    return flat[key]


PART = token_rows
