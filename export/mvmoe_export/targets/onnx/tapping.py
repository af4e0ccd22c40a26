"""A copy of an ONNX graph that also gives values from its inside."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx.external_data_helper import load_external_data_for_model

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.integrity import plain_file
from mvmoe_deploy.errors import BundleError
from mvmoe_export.graph_taps import EngineOperator
from mvmoe_export.targets.onnx.shape_inference import inferred

_DTYPES: dict[int, manifest.DType] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
}
_MOVES = frozenset(
    {"Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Identity", "Expand", "Split"}
    | {"Slice", "Gather", "Concat", "Cast"}
)
_ADD_BIAS = frozenset(
    {"Gemm", "Conv", "ConvTranspose"}
    | {"DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulNBits"}
)


class OnnxTap:
    """One ONNX graph; values are made outputs of a copy, whose weights are in its own file."""

    def __init__(self, root: Path, graph: manifest.Graph) -> None:
        self._record = graph
        path = plain_file(root, graph.file)
        try:
            self._model = onnx.load(path, load_external_data=False)
            load_external_data_for_model(self._model, str(path.parent))
            self._inferred = inferred(self._model).graph
        except Exception as error:  # Protobuf's and ONNX's exceptions share no base class.
            raise BundleError(
                f"{graph.file} cannot be looked into ({type(error).__name__}); export it again",
                file=graph.file,
            ) from error

    @cached_property
    def operators(self) -> tuple[EngineOperator, ...]:
        """Its nodes, but for constants."""
        return tuple(
            EngineOperator(
                kind=node.op_type,
                takes=tuple(filter(None, node.input)),
                gives=tuple(filter(None, node.output)),
                moves=node.op_type in _MOVES,
                adds_bias=node.op_type in _ADD_BIAS,
            )
            for node in self._model.graph.node
            if node.op_type != "Constant"
        )

    @cached_property
    def values(self) -> Mapping[str, manifest.TensorSpec]:
        """What ONNX infers the shapes of."""
        made = {name for operator in self.operators for name in operator.gives}
        known = (*self._inferred.value_info, *self._inferred.output)
        found = {value.name: value.type.tensor_type for value in known if value.name in made}
        return {
            name: manifest.TensorSpec(
                name=f"tap_{number}",
                shape=tuple(dimension.dim_value for dimension in kind.shape.dim),
                dtype=_DTYPES[kind.elem_type],
            )
            for number, (name, kind) in enumerate(found.items())
            if kind.elem_type in _DTYPES and _is_static(kind)
        }

    @property
    def inputs(self) -> tuple[str, ...]:
        """Inputs have the names of their values."""
        return tuple(spec.name for spec in self._record.inputs)

    @property
    def outputs(self) -> Mapping[str, str]:
        """Outputs have the names of their values."""
        return {spec.name: spec.name for spec in self._record.outputs}

    def write(self, folder: Path, values: Sequence[str]) -> manifest.Graph:
        """Write `tapped.onnx`, in which each value is also an output of its own."""
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        for name in values:
            spec = self.values[name]
            # A copy under another name: the value's own may be one that no manifest holds.
            model.graph.node.add(op_type="Identity", input=[name], output=[spec.name])
            kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
            model.graph.output.append(
                onnx.helper.make_tensor_value_info(spec.name, kind, spec.shape)
            )
        (folder / "tapped.onnx").write_bytes(model.SerializeToString())
        specs = tuple(self.values[name] for name in values)
        outputs = (*self._record.outputs, *specs)
        return msgspec.structs.replace(self._record, file="tapped.onnx", outputs=outputs)


def _is_static(kind: onnx.TypeProto.Tensor) -> bool:
    """Whether every size is known, and at most as many as a manifest holds."""
    sizes = kind.shape.dim
    return kind.HasField("shape") and len(sizes) <= 8 and all(size.dim_value for size in sizes)
