"""Writes the stages of a model as ONNX graphs over one file of weights."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.write import describe_files
from mvmoe_deploy.errors import InputError
from mvmoe_export.stages import GraphSpec, Stages, StageSpec
from mvmoe_export.structure import families
from mvmoe_export.targets.contract import Artifact, ExportOptions
from mvmoe_export.targets.onnx.template import Template, make_template
from mvmoe_export.targets.onnx.weights import Place, WeightFile

WEIGHTS = "weights.bin"
_OPSETS = range(18, 24)
"""Operator sets that the exporter writes and ONNX Runtime runs."""
_DTYPES = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.INT64: "int64"}


@dataclass(frozen=True)
class _Written:
    """A graph that is on disk, and the tensors it reads."""

    stage: StageSpec
    spec: GraphSpec
    path: Path
    proto: onnx.ModelProto
    places: frozenset[Place]


class OnnxTarget:
    """The `onnx` target, fp32, for ONNX Runtime on any of its platforms."""

    name = "onnx"

    def export(self, stages: Stages, options: ExportOptions, root: Path) -> Artifact:
        """Write `onnx/<graph>.onnx` and `onnx/weights.bin` below `root`."""
        if options.opset not in _OPSETS:
            raise InputError(
                f"opset {options.opset} is not supported; give {_OPSETS[0]} to {_OPSETS[-1]}"
            )
        folder = root / self.name
        folder.mkdir(parents=True)
        written: list[_Written] = []
        with WeightFile(folder / WEIGHTS) as weights:
            for stage in stages.specs:
                for family in families(stage, stage.graphs):
                    template = make_template(
                        family.template.name,
                        family.template.build(),
                        stage.inputs,
                        stage.outputs,
                        options.opset,
                    )
                    for spec in family.members:
                        written.append(_write(stage, spec, template, weights, folder))
                        options.progress(spec.name)
        return Artifact(_record(stages, written, root, folder))


def _write(
    stage: StageSpec, spec: GraphSpec, template: Template, weights: WeightFile, folder: Path
) -> _Written:
    """Bind a template to the weights of one graph and write it."""
    filled = template.fill(spec.build())
    places = {slot: weights.add(array) for slot, array in filled.items()}
    proto = _bind(template.body, spec.name, filled, places)
    path = folder / f"{spec.name}.onnx"
    # Deterministic, so that the same model gives the same bundle, byte for byte.
    path.write_bytes(proto.SerializeToString(deterministic=True))
    return _Written(stage, spec, path, proto, frozenset(places.values()))


def _bind(
    body: onnx.ModelProto, name: str, filled: dict[str, np.ndarray], places: dict[str, Place]
) -> onnx.ModelProto:
    """The body with its slots as initializers whose bytes are in the weight file."""
    model = onnx.ModelProto()
    model.CopyFrom(body)
    graph = model.graph
    graph.name = name
    inputs = [value for value in graph.input if value.name not in filled]
    del graph.input[:], graph.value_info[:]
    graph.input.extend(inputs)
    graph.initializer.extend(_external(slot, filled[slot], place) for slot, place in places.items())
    return model


def _external(name: str, array: np.ndarray, place: Place) -> onnx.TensorProto:
    """An initializer that names its bytes instead of holding them."""
    tensor = onnx.TensorProto(
        name=name,
        dims=array.shape,
        data_type=onnx.helper.np_dtype_to_tensor_dtype(array.dtype),
        data_location=onnx.TensorProto.EXTERNAL,
    )
    where = {"location": WEIGHTS, "offset": place.offset, "length": place.length}
    for key, value in where.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def _record(stages: Stages, written: list[_Written], root: Path, folder: Path) -> manifest.Target:
    """The manifest's record of what was written."""
    readers = Counter(place for graph in written for place in graph.places)
    weights = folder / WEIGHTS
    return manifest.Target(
        strategy=stages.strategy,
        precision="fp32",
        batch=stages.batch,
        graphs=tuple(_graph_record(graph, readers, root) for graph in written),
        weights=weights.relative_to(root).as_posix(),
        files=describe_files(root, [weights, *(graph.path for graph in written)]),
        parity=None,
    )


def _graph_record(written: _Written, readers: Counter[Place], root: Path) -> manifest.Graph:
    """The manifest's record of one graph."""
    graph = written.proto.graph
    return manifest.Graph(
        name=written.spec.name,
        stage=written.stage.index,
        route=written.spec.route,
        file=written.path.relative_to(root).as_posix(),
        weight_bytes=sum(place.length for place in written.places),
        exclusive_bytes=sum(place.length for place in written.places if readers[place] == 1),
        inputs=tuple(_tensor(value) for value in graph.input),
        outputs=tuple(_tensor(value) for value in graph.output),
    )


def _tensor(value: onnx.ValueInfoProto) -> manifest.TensorSpec:
    """The manifest's record of an input or output."""
    kind = value.type.tensor_type
    return manifest.TensorSpec(
        name=value.name,
        shape=tuple(dimension.dim_value for dimension in kind.shape.dim),
        dtype=_DTYPES[kind.elem_type],
    )
