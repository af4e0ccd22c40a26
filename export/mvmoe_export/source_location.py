"""Where in the user's module an operator comes from, for messages that name it."""

from collections import deque

from torch import fx, nn
from torch._ops import OpOverload
from torch.export import ExportedProgram

PREFIX = "stage."
"""What `programs.PrefixedModule` puts before every name."""


def layer_of(program: ExportedProgram, operator: str) -> str | None:
    """The layer whose weights are nearest to the first call of an operator such as `aten.fft`.

    Weights keep their names through all rewrites; nodes do not keep theirs.
    """
    names = program.graph_signature.inputs_to_parameters
    wanted = _base(operator)
    calls = [(node, _base(str(node.target))) for node in program.graph.nodes if _is_operator(node)]
    found = [node for node, name in calls if name == wanted]
    found += [node for node, name in calls if _alike(name, wanted)]
    return _nearest_layer(found[0], names) if found else None


def _is_operator(node: fx.Node) -> bool:
    """Whether a node calls an operator, not Python's `getitem`."""
    return node.op == "call_function" and isinstance(node.target, OpOverload)


def _base(operator: str) -> str:
    """`linalg_svd` of `aten::_linalg_svd.U`."""
    return (operator.replace("::", ".") + ".").split(".")[1].strip("_")


def _alike(one: str, other: str) -> bool:
    """Whether one is the other, or what an engine's own passes have made of it."""
    return bool(other) and (one in other or other in one)


def _nearest_layer(start: fx.Node, names: dict[str, str]) -> str | None:
    """The layer of the weight that is fewest steps away, against and along the edges."""
    waiting, seen = deque([start]), {start}
    while waiting:
        node = waiting.popleft()
        if node.name in names:
            return names[node.name].removeprefix(PREFIX).rpartition(".")[0]
        for neighbour in (*node.all_input_nodes, *node.users):
            if neighbour not in seen:
                seen.add(neighbour)
                waiting.append(neighbour)
    return None


def location_hint(program: ExportedProgram, operator: str) -> str:
    """` (near layer blocks.3.mlp)`, or nothing where no weight is near."""
    layer = layer_of(program, operator)
    return f" (near layer {layer})" if layer else ""


def quantizer(module: nn.Module) -> str:
    """Names a layer that imitates quantization; nothing where none does."""
    for name, layer in module.named_modules():
        if any(base.__name__ == "FakeQuantizeBase" for base in type(layer).__mro__):
            return (
                f" (layer {name.removeprefix(PREFIX)} is a {type(layer).__name__}, which observes "
                "and branches on its buffers: replace it by torch.nn.Identity() before the export)"
            )
    return ""
