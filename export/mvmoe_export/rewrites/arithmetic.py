"""Rewrite `arithmetic`: one way to say each arithmetic operation."""

import torch
from torch import fx

from mvmoe_export.rewrites.contract import rewrite
from mvmoe_export.rewrites.graph import AtenGraph, argument, arguments, is_weight, source_of, value

_ATEN = torch.ops.aten
_SCALARS = {
    _ATEN.add.Scalar: _ATEN.add.Tensor,
    _ATEN.sub.Scalar: _ATEN.sub.Tensor,
    _ATEN.mul.Scalar: _ATEN.mul.Tensor,
    _ATEN.div.Scalar: _ATEN.div.Tensor,
}
_HIGHEST = 4
"""Powers that are written as products."""


@rewrite(
    "arithmetic",
    need="no-reductions",
    order=100,
    error=1e-6,
    replaces=("mul", "add", "sub", "div", "rsub", "pow"),
)
def arithmetic(graph: AtenGraph) -> int:
    """One way to say each arithmetic operation, with a number or a tensor alike.

    Before::

        add.Scalar(x, c)     rsub(x, c)         add(x, y, alpha)     pow(x, 3)        pow(x, 0.5)

    After::

        add(x, c)            add(x * -1, c)     add(x, y * alpha)    x * x * x        sqrt(x)

    Before::

        x [fp32] + 3

    After::

        x [fp32] + 3.0

    Before::

        where(mask, -inf, x)                  norm(x, axis)

    After::

        x * where(mask, 0, 1) + where(mask, -inf, 0)      sqrt(sum(x * x, axis))

    A `where` only with a mask and a branch that are known at export, for finite x.
    Engines know the general operators and leave their relatives alone; a whole number beside fp32
    is to them a tensor of int64 with a cast behind it. Error: a rounding of each product.
    """
    changed = 0
    for node in list(graph.module.graph.nodes):
        if node.target == _ATEN.where.self:
            changed += _where(graph, node)
        if node._erased or node.op != "call_function" or not _is_floating(node):
            continue
        changed += _alpha(graph, node) or _scalar(node) or _power(graph, node) or _norm(graph, node)
    for node in graph.find(*_SCALARS.values()):
        changed += _is_floating(node) and _whole(node)
    return changed


def _is_floating(node: fx.Node) -> bool:
    """Whether floating-point numbers are made of nothing else."""
    sources = [value(source) for source in node.all_input_nodes]
    return all(
        isinstance(given, torch.Tensor) and given.is_floating_point()
        for given in (*sources, value(node))
    )


def _alpha(graph: AtenGraph, node: fx.Node) -> bool:
    """Multiply what is added before it is, and what is subtracted from a number too."""
    if node.target in (_ATEN.rsub.Scalar, _ATEN.rsub.Tensor):
        x, y, alpha = *node.args[:2], argument(node, 2, "alpha", 1)
        build = graph.before(node)
        turned = build(_ATEN.mul.Tensor, x, -alpha)
        graph.replace(node, build(_ATEN.add.Tensor, turned, y))
        return True
    alpha = node.kwargs.get("alpha", 1)
    if node.target not in (_ATEN.add.Tensor, _ATEN.sub.Tensor) or alpha == 1:
        return False
    x, y = arguments(node)
    build = graph.before(node)
    scaled = build(_ATEN.mul.Tensor, y, alpha) if isinstance(y, fx.Node) else y * alpha
    graph.replace(node, build(node.target, x, scaled))
    return True


def _scalar(node: fx.Node) -> bool:
    """Say an operation with a number as that with a tensor."""
    if node.target not in _SCALARS:
        return False
    x, number = arguments(node)[:2]
    node.args = (x, number * argument(node, 2, "alpha", 1))
    node.kwargs = {}
    node.target = _SCALARS[node.target]
    return True


def _whole(node: fx.Node) -> bool:
    """Say a whole number as the floating-point number that it is here."""
    numbers = tuple(float(part) if type(part) is int else part for part in arguments(node))
    changed = any(type(part) is int for part in arguments(node))
    node.args = numbers
    return changed


def _power(graph: AtenGraph, node: fx.Node) -> bool:
    """Write a small whole power as products, and a power of a half as a root."""
    if node.target != _ATEN.pow.Tensor_Scalar:
        return False
    x, exponent = arguments(node)
    build = graph.before(node)
    if exponent == 0.5:
        graph.replace(node, build(_ATEN.sqrt.default, x))
        return True
    if exponent not in range(1, _HIGHEST + 1):
        return False
    product = x
    for _ in range(int(exponent) - 1):
        product = build(_ATEN.mul.Tensor, product, x)
    graph.replace(node, product)
    return True


def _norm(graph: AtenGraph, node: fx.Node) -> bool:
    """Write the length of vectors as a root of a sum."""
    if node.target != _ATEN.linalg_vector_norm.default or argument(node, 1, "ord", 2) != 2:
        return False
    build, x = graph.before(node), source_of(node)
    axes, kept = argument(node, 2, "dim"), argument(node, 3, "keepdim", False)
    axes = list(range(value(x).ndim)) if axes is None else axes
    squares = build(_ATEN.mul.Tensor, x, x)
    total = build(_ATEN.sum.dim_IntList, squares, axes, kept)
    graph.replace(node, build(_ATEN.sqrt.default, total))
    return True


def _where(graph: AtenGraph, node: fx.Node) -> bool:
    """Hide by a product and a sum what a mask that is known hides."""
    mask, *branches = arguments(node)
    known = [is_weight(branch) for branch in branches]
    if not is_weight(mask) or known[0] == known[1] or not value(node).is_floating_point():
        return False
    build, kind = graph.before(node), value(node).dtype
    zero, one = (
        build.constant(name, torch.tensor(float(number), dtype=kind))
        for number, name in enumerate(("zero", "one"))
    )
    x = branches[known.index(False)]
    if value(x).dtype != kind:
        return False
    number = branches[known.index(True)]
    shown, hidden = ((zero, one), (number, zero)) if known[0] else ((one, zero), (zero, number))
    product = build(_ATEN.mul.Tensor, x, build(_ATEN.where.self, mask, *shown))
    graph.replace(node, build(_ATEN.add.Tensor, product, build(_ATEN.where.self, mask, *hidden)))
    return True


PART = arithmetic
