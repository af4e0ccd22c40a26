"""Where in the user's module an operator comes from, for messages that name it."""

from collections import deque

from torch import Tensor, fx, nn
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


def nearest_weight(program: ExportedProgram, name: str) -> str | None:
    """The weight that is nearest to the node of this name, as the stage's module calls it."""
    names = program.graph_signature.inputs_to_parameters
    found = next((node for node in program.graph.nodes if node.name == name), None)
    return None if found is None else _nearest_weight(found, names)


def layer_in_model(model: nn.Module, weight: Tensor) -> str | None:
    """The layer of a model that has a weight, or a part of it; None if no layer has."""
    storage = weight.untyped_storage().data_ptr()
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.untyped_storage().data_ptr() == storage:
            return name.rpartition(".")[0] or name
    return None


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
    """The layer of the nearest weight."""
    weight = _nearest_weight(start, names)
    return None if weight is None else weight.rpartition(".")[0]


def _nearest_weight(start: fx.Node, names: dict[str, str]) -> str | None:
    """The weight that is fewest steps away, against and along the edges."""
    waiting, seen = deque([start]), {start}
    while waiting:
        node = waiting.popleft()
        if node.name in names:
            return names[node.name].removeprefix(PREFIX)
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
