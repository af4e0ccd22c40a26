"""A stage module as a program of ATen operators whose weights are still open.

Before:  weight -> slice -> linear(tokens, .) -> ...
After:   prologue: weight -> slice -> slot             (runs once for each graph, at export)
         body:     linear(tokens, slot) -> ...         (is compiled once for each structure)

Here modules are captured, rewritten and cut; which rewrites is a target's choice.
"""

import contextlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self

import torch
from torch import Tensor, fx, nn
from torch._ops import OpOverload
from torch.export import ExportedProgram
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from mvmoe_deploy.errors import InputError
from mvmoe_export import rewrites
from mvmoe_export.fingerprint import weights_of
from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.layers import (
    LayerChanges,
    LayerWriter,
    Ranges,
    WatchedGraph,
    needs_ranges,
    replace_layers,
)
from mvmoe_export.pytorch_silence import exporting
from mvmoe_export.rewrites.graph import STAYS, attribute, elements, is_weight
from mvmoe_export.source_location import PREFIX, quantizer
from mvmoe_export.writes import first_write, require_functional

_ATEN = torch.ops.aten
_KEPT = (
    _ATEN.linear.default,
    _ATEN.conv2d.default,
    _ATEN.layer_norm.default,
    _ATEN.scaled_dot_product_attention.default,
    _ATEN.group_norm.default,
    _ATEN.gelu.default,
    _ATEN.softmax.int,
    _ATEN.silu.default,
    _ATEN.hardswish.default,
    _ATEN.leaky_relu.default,
    _ATEN.prelu.default,
    _ATEN.max_pool2d.default,
    _ATEN.upsample_bilinear2d.vec,
    _ATEN.roll.default,
)
"""What is not decomposed before the rewrites: they, and the engines, know these as they are."""

_PYTORCHS_OWN = ("aten", "prims")
"""The namespaces of operators that every process with PyTorch knows."""

_NO_NAME = re.compile("[^A-Za-z0-9_]")
"""What the name of an input may not have: some engines want an identifier."""

_IN_TRAINING = ("train", "training", "dropout_p")
"""Arguments of operators that are random in training alone, such as a GRU; one that is active all
the same answers in two ways."""

_GROWTH = 1 << 18
"""Elements that a weight may take more than what it is made of: a token that is expanded over a
batch is stored so, a bias that is broadcast over all tokens of a large batch is not."""


@dataclass(frozen=True)
class BoundSlot:
    """A slot that is an input of the program: a weight of the expert at a place of the route."""

    name: str
    """Of the input."""
    place: int


@dataclass(frozen=True)
class LayerRequest:
    """That layers are to be written by a writer, where the roles of a graph's outputs allow it.

    Without one they stay, and what they take and give can be watched.
    """

    writer: LayerWriter | None
    roles: GraphRoles


@dataclass
class Program:
    """The program of one structure, with the weights of the module that it was captured from."""

    exported: ExportedProgram
    """Its parameters are the slots; it takes those that are bound behind the stage's inputs."""
    prologue: fx.GraphModule
    """Gives the contents of the slots, and then of those that are bound."""
    slots: tuple[str, ...]
    bound: tuple[BoundSlot, ...]
    """In the order in which they are read."""
    rewritten: dict[str, int]
    """How many places each rewrite has changed."""
    compression: Callable[[dict[str, Tensor]], dict[str, Tensor]] = dict
    """What a recipe makes of the contents of all slots; `dict` leaves them as they are."""
    made: tuple[str | BoundSlot, ...] = ()
    """What the prologue gives, in order: slots, then bound ones, before layers were changed."""
    layers: LayerChanges = field(default_factory=LayerChanges)
    """What has become of layers, and with them of slots and of what is bound."""
    watched: WatchedGraph | None = None
    """The graph as it was before, where layers take values in ranges that images show."""

    def fill(self, module: nn.Module, ranges: Ranges | None = None) -> dict[str, Tensor]:
        """The content of every slot for one stage module of this structure."""
        return self.contents(program_weights(module), ranges)

    def contents(
        self, weights: Mapping[str, Tensor], ranges: Ranges | None = None
    ) -> dict[str, Tensor]:
        """The content of every slot for weights that are named as `program_weights` does.

        `ranges` are those of the graph's own layers, where there is `watched`.
        """
        return self.compression(self.layers.stored(self.plain_contents(weights), ranges))

    def ranges(
        self, weights: Mapping[str, Tensor], inputs: Iterable[Sequence[Tensor]]
    ) -> Ranges | None:
        """The ranges of what layers take of some inputs; None where nobody needs them."""
        if self.watched is None:
            return None
        return self.watched.ranges(self.plain_contents(weights), inputs)

    def plain_contents(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What slots hold before layers are compressed."""
        contents = self._prologue_contents(weights)
        return {slot: held for slot, held in contents.items() if isinstance(slot, str)}

    def bound_contents(self, weights: Mapping[str, Tensor], place: int) -> dict[str, Tensor]:
        """What the inputs of the expert at a place hold for weights that are named so."""
        return self.layers.stored(self.plain_bound_contents(weights, place))

    def plain_bound_contents(self, weights: Mapping[str, Tensor], place: int) -> dict[str, Tensor]:
        """What these inputs hold before layers are compressed."""
        return {
            slot.name: held
            for slot, held in self._prologue_contents(weights).items()
            if isinstance(slot, BoundSlot) and slot.place == place
        }

    def _prologue_contents(self, weights: Mapping[str, Tensor]) -> dict[str | BoundSlot, Tensor]:
        """What the prologue gives."""
        mine = dict(self.prologue.named_buffers())
        chosen = {name: tensor.detach() for name, tensor in weights.items() if name in mine}
        with torch.no_grad():
            contents = functional_call(self.prologue, chosen, (), tie_weights=False)
        return dict(zip(self.made, (tensor.contiguous() for tensor in contents), strict=True))

    def compressed(self, change: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> Self:
        """This program with `change` made to the contents of its slots, whichever graph's.

        `change` gives a tensor of the same shape and type for each slot, and leaves those that it
        is given as they are. The program that it is called on is not to be used any more.
        """
        held = {slot: self.exported.state_dict[slot].detach() for slot in self.slots}
        for slot, tensor in change(held).items():
            self.exported.state_dict[slot] = nn.Parameter(tensor, requires_grad=False)
        return replace(self, compression=change)


class PrefixedModule(nn.Module):
    """Puts a dot into every weight's name: none can then be that of an input or output."""

    def __init__(self, stage: nn.Module) -> None:
        super().__init__()
        self.stage = stage

    def forward(self, *inputs: Tensor) -> Any:
        """What the stage gives."""
        with _GradientsLeftOut():
            return self.stage(*inputs)


class _GradientsLeftOut(TorchFunctionMode):
    """Ignores `torch.enable_grad()` and the like: graphs have no gradients, but would keep it."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call what was called, unless it switches gradients."""
        if func is torch._C._set_grad_enabled:
            return None
        return func(*args, **(kwargs or {}))


def make_program(
    name: str,
    module: nn.Module,
    inputs: dict[str, Tensor],
    names: Sequence[str],
    *,
    capture: Callable[[], ExportedProgram] | None = None,
    bound: Mapping[str, int] = MappingProxyType({}),
    layers: LayerRequest | None = None,
) -> Program:
    """Capture the stage module of graph `name` and apply rewrites, in order.

    `capture` gives the program of a module of this structure (`capture_stage`), which is not
    changed; without it the module is captured here. `bound` is as `GraphSpec.bound` has it,
    `layers` says what is done to layers when all rewrites are.

    Without rewrites the program is what `torch.export` gives, as it is. Raises InputError that
    names the graph if it cannot be captured.
    """
    captured = capture() if capture is not None else capture_stage(name, module, inputs)
    return rewrite_program(name, captured, program_weights(module), names, bound, layers=layers)


def program_weights(module: nn.Module) -> dict[str, Tensor]:
    """The weights and buffers of a stage module, by the names that they have in its program."""
    return weights_of(PrefixedModule(module))


def rewrite_program(
    name: str,
    captured: ExportedProgram,
    weights: Mapping[str, Tensor],
    names: Sequence[str],
    bound: Mapping[str, int] = MappingProxyType({}),
    *,
    layers: LayerRequest | None = None,
) -> Program:
    """Apply rewrites, in order, to what `capture_stage` gave of graph `name`, which is not changed.

    `weights` are those of its module, as `program_weights` gives them; neither the module nor its
    class is needed. `bound` are those of its weights that become inputs, by the module's names,
    with the place of the expert that each belongs to. `layers` is as `make_program` has it.
    """
    examples: tuple[Tensor, ...] = captured.example_inputs[0]
    names = rewrites.concerned(names, captured)
    if names:
        with exporting():
            captured = captured.run_decompositions(_decompositions())
    graph = captured.module(check_guards=False)
    known, counts = set(weights), dict[str, int]()
    places = {f"{PREFIX}{name}": place for name, place in bound.items()}
    if names:
        _fold(graph, known)
        aten = rewrites.AtenGraph(graph, examples, frozenset(places))
        counts = rewrites.apply(aten, names)
        _fold(graph, known)
    early = _weight_only_nodes(graph, known, places, deep=bool(names))
    slots, inputs = _slots(graph.graph, early)
    prologue = _prologue(graph, [*slots.values(), *inputs.values()])
    made: tuple[str | BoundSlot, ...] = (*slots, *inputs)
    program = Program(captured, prologue, tuple(slots), tuple(inputs), counts, made=made)
    # Captured once more, since PyTorch has no public way from a graph to an ExportedProgram: the
    # constructor is its own and changes between releases, and wants each node's fake tensor, which
    # is what capturing makes. It also refuses what a rewrite has broken (shapes, writes in place,
    # names). Of 12 blocks of width 192 it takes 1 s of CPU time a target, of 90 s in all.
    nodes = _body(graph, slots, inputs)
    if layers is not None:
        program = _with_layers(program, graph, nodes, weights, layers)
    body = _module(graph, nodes, program.contents(weights))
    # Copies: two inputs of one tensor would be captured as one.
    held = {place: program.bound_contents(weights, place) for place in set(bound.values())}
    bound_examples = [held[slot.place][slot.name].clone() for slot in program.bound]
    program.exported = _capture(name, body, (*examples, *bound_examples))
    return program


def _with_layers(
    program: Program,
    graph: fx.GraphModule,
    nodes: fx.Graph,
    weights: Mapping[str, Tensor],
    layers: LayerRequest,
) -> Program:
    """A program whose layers are written as was asked; changes `nodes`.

    `graph` has the constants of the nodes.
    """
    places = {slot.place for slot in program.bound}
    bound = {
        name: place for place in sorted(places) for name in program.bound_contents(weights, place)
    }
    contents = program.contents(weights)
    for place in places:
        contents |= program.bound_contents(weights, place)
    watched = None
    if layers.writer is None or needs_ranges(layers.writer):
        watched = WatchedGraph(nodes, contents, layers.roles, graph)
    if layers.writer is None:
        return replace(program, watched=watched)
    changes = replace_layers(nodes, contents, layers.roles, layers.writer)
    given = [node.name for node in nodes.find_nodes(op="placeholder")]
    of_place = {
        name: place
        for slot, place in bound.items()
        for name in changes.stored({slot: contents[slot]})
    }
    return replace(
        program,
        slots=tuple(changes.stored({slot: contents[slot] for slot in program.slots})),
        bound=tuple(BoundSlot(name, of_place[name]) for name in given if name in of_place),
        layers=changes,
        watched=watched,
    )


def capture_stage(name: str, module: nn.Module, inputs: dict[str, Tensor]) -> ExportedProgram:
    """The stage module of graph `name` as a program, before any rewrite; raises InputError."""
    return _capture(name, PrefixedModule(module), tuple(inputs.values()))


def without_other_libraries(program: ExportedProgram) -> ExportedProgram:
    """A captured program, the operators that another library has made of PyTorch's taken apart.

    A process that has not imported that library does not know them. What cannot be taken apart
    stays; a program without such operators is given back as it is.
    """
    table: Any = torch.export.default_decompositions()  # PyTorch's table has untyped methods.
    found = {node.target for node in program.graph.nodes if isinstance(node.target, OpOverload)}
    parts = {
        operator: table[operator]
        for operator in found
        if operator.namespace not in _PYTORCHS_OWN and operator in table
    }
    if not parts:
        return program
    with exporting():
        taken_apart: ExportedProgram = program.run_decompositions(parts)
    return taken_apart


def _capture(name: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> ExportedProgram:
    """`torch.export`, its errors in one sentence, without changes in place."""
    try:
        program = _export(module, inputs)
    except (Exception, SystemExit) as error:  # Whatever the module or its own passes raise.
        raise InputError(
            f"graph {name} cannot be captured by torch.export: {_first_line(error)}; "
            f"data-dependent shapes and branches must stay out of a stage{quantizer(module)}",
            code="export.graph-refused",
            graph=name,
        ) from error
    _require_static(name, program)
    _require_repeatable(name, program)
    return _functional(name, program)


def _first_line(error: BaseException) -> str:
    """An error in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def capture(name: str, module: nn.Module, inputs: tuple[Tensor, ...]) -> fx.GraphModule:
    """A module as a graph of ATen operators without changes in place; raises InputError."""
    return _capture(name, module, inputs).module(check_guards=False)


def _export(module: nn.Module, inputs: tuple[Tensor, ...]) -> ExportedProgram:
    """The module as a program; by reading its bytecode where running it alone does not do."""
    with torch.no_grad(), exporting():
        try:
            return torch.export.export(module, inputs, strict=False)
        except Exception as first:
            with contextlib.suppress(Exception):
                return torch.export.export(module, inputs, strict=True)
            raise first


def _require_static(name: str, program: ExportedProgram) -> None:
    """Refuse a program whose shapes depend on data."""
    for node in program.graph.nodes:
        values = node.meta.get("val")
        for given in values if isinstance(values, list | tuple) else [values]:
            sizes = given.shape if isinstance(given, Tensor) else [given]
            if any(isinstance(size, torch.SymInt) for size in sizes):
                raise InputError(
                    f"graph {name} has shapes that depend on data (at {node.name}); data-dependent "
                    "shapes must stay out of a stage",
                    code="export.graph-refused",
                    graph=name,
                    name=node.name,
                )


def _require_repeatable(name: str, program: ExportedProgram) -> None:
    """Refuse a program with random numbers: no engine draws those of PyTorch, whatever the seed."""
    for node in program.graph.nodes:
        if _is_random(node.target):
            raise InputError(
                f"graph {name} draws random numbers ({node.target} at {node.name}), which no "
                "engine draws as PyTorch does; make them once, and keep them in a buffer",
                code="export.graph-refused",
                graph=name,
            )


def _is_random(operator: Any) -> bool:
    """Whether an operator draws random numbers always, not in training alone as a dropout does."""
    if torch.Tag.nondeterministic_seeded not in getattr(operator, "tags", ()):
        return False
    return not any(argument.name in _IN_TRAINING for argument in operator._schema.arguments)


def _functional(name: str, program: ExportedProgram) -> ExportedProgram:
    """The program with every change in place turned into a new value.

    A write through a view, such as `y[:, 0].clamp_(max=3)`, is a node that nobody reads: whatever
    removes such nodes would lose it. Raises InputError for a program that changes its inputs or
    buffers.
    """
    if first_write(program.graph_module) is None:
        return program
    try:
        with exporting():
            functional: ExportedProgram = program.run_decompositions({})
    except Exception as error:  # It raises whatever its passes raise.
        raise InputError(
            f"graph {name} changes a tensor in place in a way that torch.export cannot follow: "
            f"{_first_line(error)}; work on a copy (x = x.clone()), and leave .data alone",
            code="export.graph-refused",
            graph=name,
            name="a tensor",
        ) from error
    # Only now is it told apart what is changed in the end.
    signature = functional.graph_signature
    changed = [*signature.buffers_to_mutate.values(), *signature.user_inputs_to_mutate.values()]
    if changed:
        what = changed[0].removeprefix(PREFIX)
        raise InputError(
            f"graph {name} changes {what} in place; a stage must leave its inputs and "
            "buffers as they are: work on a copy, and call eval() on the model",
            code="export.graph-refused",
            graph=name,
            name=what,
        )
    if (left := first_write(functional.graph_module)) is not None:
        raise InputError(
            f"graph {name} changes what {left.target} is given in place, which torch.export cannot "
            "write as values; a stage must leave its inputs and buffers as they are",
            code="export.graph-refused",
            graph=name,
            operator=str(left.target),
            name="what it is given",
        )
    return functional


def _decompositions() -> Any:
    """PyTorch's own way to its core operators, but for what is kept."""
    table: Any = torch.export.default_decompositions()  # PyTorch's table has untyped methods.
    for kept in _KEPT:
        table.pop(kept, None)
    return table


def _fold(graph: fx.GraphModule, weights: set[str]) -> None:
    """Compute now what is made of constants alone, such as an `arange`."""
    require_functional(graph)
    known: dict[fx.Node, Any] = {}
    for node in graph.graph.nodes:
        if node.target == _ATEN.full_like.default:
            like = node.meta["val"]
            known[node] = torch.full(tuple(like.shape), node.args[1], dtype=like.dtype)
            continue
        if node.op == "get_attr" and node.target not in weights:
            known[node] = attribute(graph, node.target)
        if node.op != "call_function" or not all(map(known.__contains__, node.all_input_nodes)):
            continue
        if torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ()):
            continue
        arguments, options = fx.node.map_arg((node.args, node.kwargs), known.__getitem__)
        known[node] = node.target(*arguments, **options)
    made = [node for node in known if node.op == "call_function"]
    for node in made:
        content = known[node]
        if isinstance(content, Tensor) and any(user not in known for user in node.users):
            name = f"constant_{len(dict(graph.named_buffers()))}"
            graph.register_buffer(name, content.contiguous())
            with graph.graph.inserting_before(node):
                node.replace_all_uses_with(graph.graph.get_attr(name))
    graph.graph.eliminate_dead_code()


def _weights(graph: fx.GraphModule, weights: set[str]) -> list[fx.Node]:
    """The nodes of weights themselves."""
    return [node for node in graph.graph.nodes if node.op == "get_attr" and node.target in weights]


def _weight_only_nodes(
    graph: fx.GraphModule, weights: set[str], places: Mapping[str, int], *, deep: bool
) -> dict[fx.Node, int | None]:
    """The nodes made of weights and constants alone that give not much more than they take.

    Unless `deep` the weights alone: nothing is computed before the graph runs.
    Each with the place of the expert that it belongs to, None for none: what is made of weights of
    two of them is not among these nodes, for it would have to be stored for every pair.
    """
    early = {node: places.get(str(node.target)) for node in _weights(graph, weights)}
    for node in graph.graph.nodes if deep else ():
        taken = [source for source in node.all_input_nodes if source in early]
        if not taken or node.op != "call_function" or not is_weight(node) or STAYS in node.meta:
            continue
        if len({early[source] for source in taken}) > 1:
            continue
        others = [source for source in node.all_input_nodes if source not in early]
        grown = elements(node) - sum(map(elements, taken))
        if all(source.op == "get_attr" for source in others) and grown <= _GROWTH:
            early[node] = early[taken[0]]
    return early


def _slots(
    graph: fx.Graph, early: Mapping[fx.Node, int | None]
) -> tuple[dict[str, fx.Node], dict[BoundSlot, fx.Node]]:
    """Names for the nodes that the body reads: a weight's own, or that of what it is made of.

    First those that are stored with the graph, then those that are bound, in the order in which
    they are read.
    """
    slots: dict[str, fx.Node] = {}
    bound: dict[str, fx.Node] = {}
    for node in early:
        if all(user in early for user in node.users):
            continue
        root = node
        while root.op != "get_attr":
            root = next(source for source in root.all_input_nodes if source in early)
        own, taken = str(root.target), slots
        if early[node] is not None:
            own = _NO_NAME.sub("_", f"place{early[node]}_{own.removeprefix(PREFIX)}")
            taken = bound
        name, count = own, 0
        while name in taken or (node is not root and name == root.target):
            name, count = f"{own}_{count}", count + 1
        taken[name] = node
    readers = [node for node in graph.nodes if node not in early]
    read = dict.fromkeys(source for node in readers for source in node.all_input_nodes)
    names = {node: name for name, node in bound.items()}
    inputs = {
        BoundSlot(names[node], place): node
        for node in read
        if node in names and (place := early[node]) is not None
    }
    return slots, inputs


def _prologue(graph: fx.GraphModule, made: Sequence[fx.Node]) -> fx.GraphModule:
    """The graph that gives what some nodes hold."""
    prologue = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}

    def copy(node: fx.Node) -> fx.Node:
        """A node of the prologue for one of the graph, and for what it reads."""
        if node not in copies:
            for source in node.all_input_nodes:
                copy(source)
            copies[node] = prologue.node_copy(node, copies.__getitem__)
        return copies[node]

    prologue.output(tuple([copy(node) for node in made]))
    targets = {node.target for node in prologue.nodes if node.op == "get_attr"}
    return fx.GraphModule({name: attribute(graph, name).detach() for name in targets}, prologue)


def _float_bounds(graph: fx.Graph) -> None:
    """Write the bounds of a ReLU6 as the floats they are: coremltools refuses integers there."""
    for node in graph.find_nodes(op="call_function", target=_ATEN.hardtanh.default):
        value, *bounds = node.args
        node.args = (value, *map(float, bounds))


def _part_outputs(graph: fx.Graph) -> None:
    """Give every output a value of its own: engines mix up one that is an input, or another one.

    A product with 1, since they drop copies.
    """
    (end,) = graph.find_nodes(op="output")
    seen: set[fx.Node] = set()

    def own(value: fx.Node) -> fx.Node:
        if value.op == "call_function" and value not in seen:
            seen.add(value)
            return value
        with graph.inserting_before(end):
            return graph.call_function(_ATEN.mul.Tensor, (value, 1.0))

    end.args = fx.node.map_arg(end.args, own)


def _body(
    graph: fx.GraphModule,
    slots: Mapping[str, fx.Node],
    bound: Mapping[BoundSlot, fx.Node],
) -> fx.Graph:
    """The graph with its slots as attributes and inputs, and without what nobody reads."""
    require_functional(graph)
    nodes = graph.graph
    made: dict[fx.Node, fx.Node] = {}
    for name, node in slots.items():
        with nodes.inserting_before(next(iter(nodes.nodes))):
            made[node] = nodes.create_node("get_attr", name)
    if bound:
        nodes.set_codegen(fx.graph.CodeGen())  # The captured one knows how many inputs there were.
    last = nodes.find_nodes(op="placeholder")[-1]
    for slot, node in bound.items():
        with nodes.inserting_after(last):
            last = made[node] = nodes.placeholder(slot.name)
    # All at once: a slot may be what another one is made of.
    for node, content in made.items():
        node.replace_all_uses_with(content)
    for node in reversed(nodes.nodes):
        if not node.users and node.op in ("get_attr", "call_function"):
            nodes.erase_node(node)
    _part_outputs(nodes)
    _float_bounds(nodes)
    return nodes


def _module(
    graph: fx.GraphModule, nodes: fx.Graph, contents: Mapping[str, Tensor]
) -> fx.GraphModule:
    """A body with its slots as parameters, and the constants of the graph that it was made of."""
    constants = {
        node.target: attribute(graph, node.target)
        for node in nodes.nodes
        if node.op == "get_attr" and node.target not in contents
    }
    parameters = {
        name: nn.Parameter(tensor, requires_grad=False) for name, tensor in contents.items()
    }
    return fx.GraphModule({**constants, **parameters}, nodes)
