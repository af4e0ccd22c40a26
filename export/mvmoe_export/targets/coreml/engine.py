"""Calls coremltools: an exported program becomes an ML Program, its refusals one sentence."""

import gc
import io
import re
import shutil
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import fx
from torch.export import ExportedProgram

from mvmoe_deploy.bundle.manifest import TensorSpec
from mvmoe_deploy.errors import InputError
from mvmoe_export.pytorch_listing import operators_listed_once
from mvmoe_export.targets.coreml.constants import Array, BlobReader, body, values
from mvmoe_export.targets.coreml.options import CoreMLOptions
from mvmoe_export.targets.coreml.toolkit import Builder, ct

_OPTIONAL = "common::fuse_"
"""Passes that only make a program shorter: one that crashes is left out."""

_INEXACT = "common::fuse_elementwise_to_batchnorm"
"""Its batch_norm divides by sqrt(1 + 1e-5), which is seen in fp32."""

_SCORES_RANK = 2
"""Scores are `[B, E]`, or `[B, k]`."""

_DTYPES = {
    "float32": np.float32,
    "float16": np.float16,
    "int64": np.int32,
    "int32": np.int32,
}
"""Core ML's graphs take integers of 32 bits only."""


@dataclass(frozen=True)
class Converted:
    """A program of Core ML with one function."""

    function: Any
    """`MIL_pb2.Function`."""
    inputs: tuple[Any, ...]
    """`FeatureDescription` of each."""
    outputs: tuple[Any, ...]
    constants: tuple[Array | None, ...]
    """The contents of its constants, in the order of `constants.values`."""
    version: int
    """Of the model specification."""


@dataclass(frozen=True)
class Signature:
    """What a program to be converted takes and gives; `layout` is the colours of an image input."""

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    layout: str | None = None


def lower(program: ExportedProgram, name: str) -> ExportedProgram:
    """The program in core ATen operators, the dialect that coremltools takes.

    `name` is the graph's. Raises InputError that names it.
    """
    try:
        with operators_listed_once():
            lowered: ExportedProgram = program.run_decompositions({})
    except Exception as error:  # PyTorch raises whatever its decompositions raise.
        raise InputError(
            f"graph {name} cannot be taken apart into core ATen operators: {_line(error)}; leave "
            "out what torch.export does not support",
            code="export.graph-refused",
            graph=name,
        ) from error
    _separate_outputs(lowered)
    return lowered


def convert(program: ExportedProgram, signature: Signature, options: CoreMLOptions) -> Converted:
    """An ML Program of a lowered program; raises InputError that names the graph and operator."""
    pipeline = ct.PassPipeline.DEFAULT
    if options.numbers.other == "float32":
        pipeline.remove_passes({_INEXACT})
    while True:
        try:
            with _quiet():
                model = _convert(program, signature, options, pipeline)
            break
        except Exception as error:  # coremltools raises every class, AssertionError too.
            failed = _failed_pass(error)
            if not failed.startswith(_OPTIONAL):
                raise _refusal(error, program, signature.name, options) from error
            pipeline.remove_passes({failed})
    try:
        return _taken(model)
    finally:
        shutil.rmtree(model.package_path, ignore_errors=True)


def _convert(
    program: ExportedProgram, signature: Signature, options: CoreMLOptions, pipeline: Any
) -> Any:
    """One call of coremltools."""
    # It numbers values through all conversions of a process.
    Builder.name_count.clear()
    precision = ct.precision.FLOAT32
    if options.numbers.other == "float16":
        precision = ct.transform.FP16ComputePrecision(op_selector=_in_half)
    return ct.convert(
        program,
        convert_to="mlprogram",
        inputs=[_input(spec, signature.layout) for spec in signature.inputs],
        outputs=[
            ct.TensorType(name=spec.name, dtype=_DTYPES[spec.dtype]) for spec in signature.outputs
        ],
        minimum_deployment_target=getattr(ct.target, options.deployment_target),
        compute_precision=precision,
        pass_pipeline=pipeline,
        skip_model_load=True,
    )


def _in_half(op: Any) -> bool:
    """Whether an operator is computed in fp16: not the scores of a router inside of the graph.

    Gates of a constant route are the softmax of one vector an image; attention has heads besides.
    """
    return not (op.op_type == "softmax" and op.x.rank == _SCORES_RANK)


def _input(spec: TensorSpec, layout: str | None) -> Any:
    """An input as coremltools describes it."""
    if layout is not None:
        return ct.ImageType(
            name=spec.name, shape=spec.shape, color_layout=getattr(ct.colorlayout, layout)
        )
    return ct.TensorType(name=spec.name, shape=spec.shape, dtype=_DTYPES[spec.dtype])


def _taken(model: Any) -> Converted:
    """What is used of coremltools' model."""
    spec = model.get_spec()
    function = spec.mlProgram.functions["main"]
    reader = BlobReader(Path(model.weights_dir) / "weight.bin")
    return Converted(
        function=function,
        inputs=tuple(spec.description.input),
        outputs=tuple(spec.description.output),
        constants=tuple(reader.read(value) for value in values(body(function))),
        version=spec.specificationVersion,
    )


def _separate_outputs(program: ExportedProgram) -> None:
    """Let no output be an input, nor two outputs one value: in an ML Program each has one name."""
    graph = program.graph_module.graph
    output = graph.output_node()
    seen: set[fx.Node] = set()
    renamed: dict[int, fx.Node] = {}
    for position, value in enumerate(output.args[0]):
        if value.op == "placeholder" or value in seen:
            with graph.inserting_before(output):
                copy = graph.call_function(torch.ops.aten.mul.Tensor, (value, 1.0))
            copy.meta.update(val=value.meta["val"])
            renamed[position] = copy
        seen.add(value)
    output.args = (tuple(renamed.get(place, value) for place, value in enumerate(output.args[0])),)
    for position, copy in renamed.items():
        program.graph_signature.output_specs[position].arg.name = copy.name


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings, progress bars and Python's garbage collector, which walks over weights."""
    gc.disable()
    gc.freeze()  # coremltools calls the collector itself: what is there already is left out.
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        gc.unfreeze()
        gc.enable()


def _failed_pass(error: Exception) -> str:
    """The name of the pass that raised an error, or nothing."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "apply_pipeline":
            return str(frame.f_locals.get("pass_name", ""))
    return ""


_NOT_IMPLEMENTED = re.compile(
    r"[Cc]onvert function for op '([^']+)' not implemented|Unsupported fx node ([\w.]+)"
)
_TOO_OLD = re.compile(r"for (\S+) in the coremltools\.target\.\w+ opset.*?target\.(iOS\d+)", re.S)
_OPERATOR = re.compile(r"op \"?'?([\w.:]+)")


def _refusal(
    error: Exception, program: ExportedProgram, name: str, options: CoreMLOptions
) -> InputError:
    """What coremltools does not take, in one sentence."""
    said = str(error)
    if found := _TOO_OLD.search(said):
        return InputError(
            f"graph {name} needs {found[1]}, which {options.deployment_target} does not have; give "
            f"--coreml-deployment-target {found[2]}",
            code="export.graph-refused",
            graph=name,
        )
    if found := _NOT_IMPLEMENTED.search(said):
        operator = found[1] or found[2]
        return InputError(
            f"graph {name} has the operator {operator}{_nearby(program, operator)}, which "
            "coremltools does not convert; write it in other operators, or apply a rewrite that "
            "replaces it",
            code="export.graph-refused",
            graph=name,
            operator=operator,
        )
    found = _OPERATOR.search(said)
    where = f" at operator {found[1]}{_nearby(program, found[1])}" if found else ""
    return InputError(
        f"graph {name} cannot be converted by coremltools{where}: {type(error).__name__}: "
        f"{_line(error)}; write this part in other operators, or export with other rewrites",
        code="export.graph-refused",
        graph=name,
    )


def _nearby(program: ExportedProgram, operator: str) -> str:
    """` near <weight>` for the first node of an operator, by the weight nearest before it."""
    weights = program.graph_signature.inputs_to_parameters
    wanted = operator.replace("aten.", "").split(".")[0].removeprefix("__").lower()
    for node in program.graph.nodes:
        target = str(node.target).removeprefix("aten.").lower()
        if node.op != "call_function" or target.split(".")[0] != wanted:
            continue
        queue, seen = [node], {node}
        for source in queue:
            if source.name in weights:
                return f" near {weights[source.name].removeprefix('stage.')}"
            fresh = [before for before in source.all_input_nodes if before not in seen]
            queue += fresh
            seen.update(fresh)
        break
    return ""


def _line(error: Exception) -> str:
    """The first line of a message, short enough for a sentence."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0].strip()[:200] if lines else type(error).__name__
