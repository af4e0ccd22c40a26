"""From a stage module to an ONNX graph whose weights are still open.

Before:  weight -> Transpose -> MatMul(tokens, .) -> ...
After:   prologue: weight -> Transpose -> slot        (runs once, at export)
         body:     MatMul(tokens, slot) -> ...        (runs on the device)

The weights are graph inputs while the graph is simplified, so that no pass can look at their
values: what holds for one expert's values may not hold for another's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import torch
from onnx_ir.passes import common as passes
from onnxscript import optimizer
from torch import Tensor, nn
from torch.export import ExportedProgram

from mvmoe_deploy.errors import InputError
from mvmoe_deploy.runtime.runners.onnx.importing import disable_telemetry, import_onnxruntime
from mvmoe_export.compression.contract import unchanged
from mvmoe_export.layers import Ranges
from mvmoe_export.programs import LayerRequest, Program, make_program
from mvmoe_export.pytorch_silence import exporting
from mvmoe_export.source_location import location_hint
from mvmoe_export.targets.onnx.contributed import TRANSLATIONS
from mvmoe_export.targets.onnx.torchlib import table_read_once

_OPERATOR = re.compile(r"(?:aten|prims)[.:]+\w+")


@dataclass
class Template:
    """A graph for all stage modules of one structure."""

    body: onnx.ModelProto
    """Its inputs are the stage's, those that are bound to weights of experts, then the slots."""
    program: Program
    slots: dict[str, str | None]
    """Slot to the program's slot that fills it as it is; None where the prologue makes it."""
    prologue: Any
    """An `onnxruntime.InferenceSession`, or None."""

    def fill(self, module: nn.Module, ranges: Ranges | None = None) -> dict[str, np.ndarray]:
        """The content of every slot for one stage module of this structure, as `Program.fill`."""
        given = self.program.fill(module, ranges)
        weights = {name: tensor.numpy() for name, tensor in given.items()}
        filled = {slot: weights[name] for slot, name in self.slots.items() if name is not None}
        if self.prologue is not None:
            made = [slot for slot, name in self.slots.items() if name is None]
            taken = [value.name for value in self.prologue.get_inputs()]
            feeds = {name: weights[name] for name in taken}
            filled |= dict(zip(made, self.prologue.run(made, feeds), strict=True))
        return filled


def make_template(
    name: str,
    module: nn.Module,
    inputs: dict[str, Tensor],
    outputs: tuple[str, ...],
    opset: int,
    *,
    rewrites: tuple[str, ...] = (),
    capture: Callable[[], ExportedProgram] | None = None,
    compress: Callable[[Program], Program] = unchanged,
    bound: Mapping[str, int] = MappingProxyType({}),
    layers: LayerRequest | None = None,
) -> Template:
    """Export one stage module; raises InputError that names the graph and what failed.

    `capture`, `bound` and `layers` are those of `make_program`, `compress` is a recipe's.
    """
    disable_telemetry()  # The exporter's own libraries import ONNX Runtime as they need it.
    program = compress(
        make_program(name, module, inputs, rewrites, capture=capture, bound=bound, layers=layers)
    )
    taken = (*inputs, *(slot.name for slot in program.bound))
    model = _export(name, program, taken, outputs, opset)
    _open_weights(model, set(program.slots))
    optimizer.optimize_ir(model)
    passes.ClearMetadataAndDocStringPass()(model)
    _require_types(name, model.graph)
    return _split(model, program, taken)


def _export(
    name: str, program: Program, inputs: Sequence[str], outputs: Sequence[str], opset: int
) -> ir.Model:
    """ONNX operators for ATen's, nothing optimized yet."""
    try:
        # In silence: of its own deprecations, and of a missing torchvision.
        with exporting(), table_read_once():
            exported = torch.onnx.export(
                program.exported,
                input_names=list(inputs),
                output_names=list(outputs),
                opset_version=opset,
                dynamo=True,
                custom_translation_table=TRANSLATIONS,
                optimize=False,
                verbose=False,
            )
    except Exception as error:  # The exporter raises whatever its passes raise.
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        operator = _OPERATOR.search(reason)
        where = location_hint(program.exported, operator[0]) if operator else ""
        raise InputError(
            f"graph {name} cannot be exported to ONNX opset {opset}: {reason}{where}; replace that "
            "operator in the model, or try a later --onnx-opset",
            code="export.graph-refused",
            graph=name,
        ) from error
    assert exported is not None  # It is None only where the exporter writes a file itself.
    model = exported.model
    if model.opset_imports.get("") != opset:
        raise InputError(
            f"graph {name} cannot be written for ONNX opset {opset} (the exporter gave "
            f"{model.opset_imports.get('')}); choose another with --onnx-opset",
            code="export.graph-refused",
            graph=name,
        )
    return model


def _open_weights(model: ir.Model, weights: set[str]) -> None:
    """Turn the initializers that are weights into graph inputs."""
    graph = model.graph
    for name in [name for name in graph.initializers if name in weights]:
        value = graph.initializers.pop(name)
        value.const_value = None
        graph.inputs.append(value)


def _require_types(name: str, graph: ir.Graph) -> None:
    """Refuse what ONNX Runtime's CPU kernels do not compute in."""
    for node in graph:
        if any(value.dtype == ir.DataType.BFLOAT16 for value in node.outputs):
            raise InputError(
                f"graph {name} computes in bfloat16 (at {node.op_type}), which ONNX Runtime does "
                "not do on CPUs; leave torch.autocast and .bfloat16() out of the stage",
                code="export.graph-refused",
                graph=name,
            )


def _split(model: ir.Model, program: Program, inputs: tuple[str, ...]) -> Template:
    """Cut the graph where weights that are only reshaped, sliced or turned meet the tokens."""
    graph = model.graph
    opened = {value for value in graph.inputs if value.name in program.slots}
    early = _weight_only_nodes(graph, opened)
    ready = opened | {output for node in early for output in node.outputs}
    slots = sorted(ready & _read_by_body(graph, early), key=lambda value: str(value.name))
    made = [value for value in slots if value not in opened]
    stage_inputs = [next(value for value in graph.inputs if value.name == name) for name in inputs]
    return Template(
        body=_part(model, [*stage_inputs, *slots], list(graph.outputs)),
        program=program,
        slots={str(value.name): value.name if value in opened else None for value in slots},
        prologue=_session(_part(model, list(opened), made)) if made else None,
    )


def _part(model: ir.Model, inputs: list[ir.Value], outputs: list[ir.Value]) -> onnx.ModelProto:
    """The part of a model between values, as a model of its own."""
    graph = ir.convenience.extract(model.graph, inputs, outputs)
    part = ir.Model(graph, ir_version=model.ir_version, producer_name="mvmoe-deploy")
    passes.RemoveUnusedOpsetsPass()(part)
    return _canonical(ir.to_proto(part))


def _canonical(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same model, byte for byte, in every process: the tools above keep some parts in sets."""
    model.graph.initializer.sort(key=lambda tensor: tensor.name)
    for node in model.graph.node:
        node.attribute.sort(key=lambda attribute: attribute.name)
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]  # What the exporter notes for itself.
    return model


def _session(prologue: onnx.ModelProto) -> Any:
    """The `onnxruntime.InferenceSession` that runs a prologue at export."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        prologue.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _weight_only_nodes(graph: ir.Graph, opened: set[ir.Value]) -> list[ir.Node]:
    """Nodes that depend on a weight and constants alone, in order, none larger than its inputs.

    One that grows its inputs (a bias broadcast over all tokens, a weight of 8 bits that becomes
    fp32) is cheaper to run than to store.
    One that joins several weights would be stored for every graph that joins others; ONNX Runtime
    does it once, when it loads the graph.
    """
    known = set(opened)
    early: list[ir.Node] = []
    for node in graph:
        sources = [value for value in node.inputs if value is not None]
        weights = [value for value in sources if value in known]
        constant = all(value in known or _is_constant(value) for value in sources)
        if len(set(weights)) == 1 and constant and _size(node.outputs) <= _size(weights):
            early.append(node)
            known.update(node.outputs)
    return early


def _is_constant(value: ir.Value) -> bool:
    return value.const_value is not None


def _size(values: Sequence[ir.Value]) -> float:
    """Bytes of values; infinite if a shape or type is not known."""
    total = 0.0
    for value in values:
        if value.shape is None or not value.shape.is_static() or value.dtype is None:
            return float("inf")
        total += int(np.prod(value.shape.numpy())) * value.dtype.itemsize
    return total


def _read_by_body(graph: ir.Graph, early: list[ir.Node]) -> set[ir.Value]:
    """Values that a node outside the prologue reads, or that are outputs of the graph."""
    inside = set(early)
    read = {value for node in graph if node not in inside for value in node.inputs}
    return {value for value in read if value is not None} | set(graph.outputs)
