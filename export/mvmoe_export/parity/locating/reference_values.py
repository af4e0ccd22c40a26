"""What PyTorch gives at every operator of a graph's program, and inside of its operators.

An engine may compute an operator in several steps, as PyTorch's own decompositions do: a linear
layer as a product and a sum. What those give is among the values too.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor, fx
from torch.export import ExportedProgram
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

_ATEN = torch.ops.aten


@dataclass
class ReferenceValues:
    """The values of one program on one input, in fp32, and as far as it runs there in fp64."""

    nodes: list[fx.Node] = field(default_factory=list)
    """Those that depend on the input, in the order in which they run."""
    values: dict[fx.Node, Tensor] = field(default_factory=dict)
    """What those of them give that give one tensor of floating-point numbers."""
    precise: dict[fx.Node, Tensor] = field(default_factory=dict)
    inner: dict[fx.Node, list[Tensor]] = field(default_factory=lambda: defaultdict(list))
    """What the steps of an operator give, the last of which may be what it gives itself; and the
    inputs, of which a graph may have copies."""
    outputs: list[fx.Node] = field(default_factory=list)


def reference_values(program: ExportedProgram, inputs: Sequence[Tensor]) -> ReferenceValues:
    """Run a program on its inputs, in order, and keep what its nodes give."""
    with torch.no_grad():
        run = _Watched(program.module(check_guards=False))
        run.run(*inputs)
        found = run.found
        with suppress(Exception):  # Not every program runs in double precision.
            double = _Run(program.module(check_guards=False).double())
            double.run(*(_widened(tensor) for tensor in inputs))
            by_name = {node.name: tensor for node, tensor in double.found.values.items()}
            found.precise = {node: by_name[node.name] for node in found.values}
    return found


class _Run(fx.Interpreter):
    """Keeps the tensors that depend on the inputs."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.found = ReferenceValues()
        self._moving: set[fx.Node] = set()

    def run_node(self, n: fx.Node) -> Any:
        """Run a node, and keep what it gives."""
        if n.op == "placeholder" or any(node in self._moving for node in n.all_input_nodes):
            self._moving.add(n)
        result = super().run_node(n)
        if n.op == "placeholder" and isinstance(result, Tensor) and result.is_floating_point():
            self.found.inner[n] = [result.detach().clone()]
        if n.op == "output":
            self.found.outputs = list(tree_leaves(n.args))
        elif n.op == "call_function" and n in self._moving:
            self.found.nodes.append(n)
            self.look_inside(n)
            if isinstance(result, Tensor) and result.is_floating_point():
                self.found.values[n] = result.detach().clone()
        return result

    def look_inside(self, node: fx.Node) -> None:
        """Nothing."""


class _Watched(_Run):
    """Keeps what the steps of operators give, too."""

    def look_inside(self, node: fx.Node) -> None:
        """Run an operator step by step."""
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        steps = _Steps()
        with suppress(Exception), steps:  # A decomposition may refuse what the operator takes.
            node.target(*args, **kwargs)  # type: ignore[operator]  # a call_function's target
        self.found.inner[node] = steps.found


class _Steps(TorchDispatchMode):  # type: ignore[no-untyped-call]  # PyTorch's class has no types
    """Takes operators apart, and keeps what the parts give."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # PyTorch's class has no types
        self._table = _decompositions()
        self.found: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Run an operator by its parts, if it has some."""
        given = kwargs or {}
        if func is _ATEN.convolution.default and args[2] is not None:
            self._keep(func(args[0], args[1], None, *args[3:]))
        if func is _ATEN.addmm.default:
            self._keep(func(torch.zeros_like(args[0]), *args[1:]))
        result = self._taken_apart(func, args, given)
        if result is NotImplemented:
            result = func(*args, **given)
        self._keep(result)
        return result

    def _taken_apart(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What the parts of an operator give; NotImplemented for one that has none."""
        if func not in self._table:
            return NotImplemented
        with suppress(Exception), self:
            return self._table[func](*args, **kwargs)
        return NotImplemented

    def _keep(self, result: Any) -> None:
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor) and leaf.is_floating_point():
                self.found.append(leaf.detach().clone())


@cache
def _decompositions() -> Any:
    """PyTorch's own way to its core operators, whose table takes long to make."""
    return dict(torch.export.default_decompositions())


def _widened(tensor: Tensor) -> Tensor:
    return tensor.double() if tensor.dtype == torch.float32 else tensor
