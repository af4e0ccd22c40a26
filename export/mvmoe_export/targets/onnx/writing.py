"""Writes the stages of a model as ONNX graphs over one file of weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import onnx
from torch import nn

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.write import describe_files
from mvmoe_export.calibration import CalibrationRun
from mvmoe_export.expert_weights import BoundRecords, Contents, ExpertFile
from mvmoe_export.layer_tally import LayerTally
from mvmoe_export.layers import Ranges
from mvmoe_export.programs import LayerRequest, Program, program_weights
from mvmoe_export.sizes import exclusive, sizes
from mvmoe_export.stages import GraphSpec, Stages
from mvmoe_export.structure import StructureGroup
from mvmoe_export.targets.contract import ExportOptions, Records
from mvmoe_export.targets.onnx.layer_writers import WRITERS
from mvmoe_export.targets.onnx.mobile_pieces import placement
from mvmoe_export.targets.onnx.options import OnnxOptions, Profile
from mvmoe_export.targets.onnx.profiles import rewrites_for
from mvmoe_export.targets.onnx.template import make_template
from mvmoe_export.weight_file import StoredBytes, WeightFile

WEIGHTS = "weights.bin"
_DTYPES: dict[int, manifest.DType] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.INT8: "int8",
}


@dataclass(frozen=True)
class _Written:
    """A graph that is on disk, and the tensors it reads."""

    spec: GraphSpec
    path: Path
    proto: onnx.ModelProto
    places: frozenset[StoredBytes]
    placement: tuple[manifest.Placement, ...]
    rewritten: dict[str, int]


_MOST_SHAPE_BYTES = 1024


def write_graphs(
    stages: Stages, options: ExportOptions, chosen: OnnxOptions, root: Path
) -> Records:
    """All profiles over one file of weights."""
    folder = root / chosen.target
    folder.mkdir(parents=True)
    written: dict[str, list[_Written]] = {}
    bound: dict[str, BoundRecords] = {}
    tallies: dict[str, LayerTally] = {}
    with WeightFile(folder / WEIGHTS) as weights:
        for profile in chosen.profile:
            suffix = f".{profile}" if written else ""
            experts = ExpertFile(stages.bound_experts)
            tally = tallies[profile] = LayerTally()
            one = _Profile(
                profile,
                options.rewrites,
                chosen,
                weights,
                experts,
                tally,
                options.calibration,
                suffix=f"{suffix}.onnx",
            )
            written[profile] = []
            for group in stages.groups:
                for graph in one.write(group):
                    written[profile].append(graph)
                    options.progress(graph.spec.name)
            bound[profile] = experts.write(weights)
    first = chosen.profile[0]
    return {
        "onnx" if profile == first else f"onnx-{profile}": _record(
            stages,
            msgspec.structs.replace(chosen, profile=(profile,)),
            stages.in_order(graphs, lambda graph: graph.spec.name),
            bound[profile],
            tallies[profile].record(chosen.numbers),
            root=root,
        )
        for profile, graphs in written.items()
    }


@dataclass(frozen=True)
class _Profile:
    """How all graphs of one profile are written."""

    name: Profile
    rewrites: tuple[str, ...] | None
    """Those that the caller named."""
    chosen: OnnxOptions
    weights: WeightFile
    experts: ExpertFile
    tally: LayerTally
    calibration: CalibrationRun | None
    suffix: str

    def write(self, group: StructureGroup) -> Iterator[_Written]:
        """Write all graphs of one structure."""
        template = make_template(
            group.template.name,
            group.template.build(),
            group.template.inputs,
            tuple(group.template.outputs),
            self.chosen.opset,
            rewrites=self._rewrites(bool(group.template.bound)),
            capture=group.capture,
            compress=self.chosen.recipe.compress,
            bound=group.template.bound,
            layers=self._layers(group.template),
        )
        program, placed = template.program, None
        self.tally.add_structure(group.template.name, program.layers)
        for spec in group.members:
            self._count(program, spec)
            path = self.weights.path.parent / f"{spec.name}{self.suffix}"
            module = spec.build()
            filled = template.fill(module, self._ranges(program, spec, module))
            places = {
                slot: self.weights.add(array)
                for slot, array in filled.items()
                if not _may_be_a_shape(array)
            }
            proto = _bind(template.body, spec.name, filled, places)
            # Deterministic, so that the same model gives the same bundle, byte for byte.
            path.write_bytes(proto.SerializeToString(deterministic=True))
            placed = placed or placement(proto)
            self.experts.add(spec.stage, spec.name, program.bound, _fillings(program, spec))
            yield _Written(spec, path, proto, frozenset(places.values()), placed, program.rewritten)

    def _ranges(self, program: Program, spec: GraphSpec, module: nn.Module) -> Ranges | None:
        """The ranges of what a graph's layers take, if anybody needs them."""
        if self.calibration is None:
            return None
        size = len(next(iter(spec.inputs.values())))
        given = self.calibration.batches(spec.stage, spec.route or (), size)
        return program.ranges(program_weights(module), given)

    def _count(self, program: Program, spec: GraphSpec) -> None:
        """Count the weights of a graph as they are before layers are compressed."""
        if not self.chosen.numbers.changes_layers:
            return
        self.tally.add_weights(program.plain_contents(program_weights(spec.build())).values())
        for filling in spec.fillings if program.bound else ():
            weights = program_weights(filling.build())
            self.tally.add_weights(program.plain_bound_contents(weights, filling.place).values())

    def _layers(self, graph: GraphSpec) -> LayerRequest | None:
        """What is done to the layers of graphs like this one."""
        writer = WRITERS.get(self.chosen.numbers)
        return None if writer is None else LayerRequest(writer, graph.roles)

    def _rewrites(self, is_bound: bool) -> tuple[str, ...]:
        """What is applied to a graph, which may take weights as inputs."""
        if self.rewrites is not None:
            return self.rewrites
        in_int8 = self.chosen.numbers.computes_in_int8
        return rewrites_for(self.name, is_bound=is_bound, in_int8=in_int8)


def _fillings(program: Program, spec: GraphSpec) -> Iterator[tuple[int, Contents]]:
    """What the bound inputs of a graph hold, expert by expert and place by place."""
    for filling in spec.fillings if program.bound else ():
        contents = program.bound_contents(program_weights(filling.build()), filling.place)
        yield filling.expert, {name: tensor.numpy() for name, tensor in contents.items()}


def _bind(
    body: onnx.ModelProto, name: str, filled: dict[str, np.ndarray], places: dict[str, StoredBytes]
) -> onnx.ModelProto:
    """The body with its slots as initializers whose bytes are in the weight file."""
    model = onnx.ModelProto()
    model.CopyFrom(body)
    graph = model.graph
    graph.name = name
    inputs = [value for value in graph.input if value.name not in filled]
    del graph.input[:], graph.value_info[:]
    graph.input.extend(inputs)
    graph.initializer.extend(
        _external(slot, array, places[slot])
        if slot in places
        else onnx.numpy_helper.from_array(array, slot)
        for slot, array in filled.items()
    )
    return model


def _may_be_a_shape(array: np.ndarray) -> bool:
    """Whether an operator may read its shape or axes in it: ONNX Runtime wants those in the graph.

    A buffer of the model that equals one is the same initializer by then.
    """
    return array.dtype.kind == "i" and array.itemsize > 1 and array.nbytes <= _MOST_SHAPE_BYTES


def _external(name: str, array: np.ndarray, place: StoredBytes) -> onnx.TensorProto:
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


def _record(
    stages: Stages,
    chosen: OnnxOptions,
    written: list[_Written],
    bound: BoundRecords,
    compression: manifest.Compression | None,
    *,
    root: Path,
) -> manifest.Target:
    """The manifest's record of one profile."""
    reads = {graph.spec.name: {place: place.length for place in graph.places} for graph in written}
    alone = exclusive(reads)
    weights = root / OnnxOptions.target / WEIGHTS
    applied = dict.fromkeys(name for graph in written for name in graph.rewritten)
    return manifest.Target(
        format="onnx",
        options=chosen.recorded(),
        rewrites=tuple(
            name for name in applied if any(graph.rewritten.get(name) for graph in written)
        ),
        strategy=stages.strategy.name,
        precision=chosen.precision,
        batch=stages.batch,
        graphs=tuple(
            _graph_record(graph, alone[graph.spec.name], bound, root) for graph in written
        ),
        weights=weights.relative_to(root).as_posix(),
        files=describe_files(root, [weights, *(graph.path for graph in written)]),
        parity=None,
        sizes=sizes(stages, reads, bound.expert_bytes),
        experts=bound.experts,
        compression=compression,
    )


def _graph_record(written: _Written, alone: int, bound: BoundRecords, root: Path) -> manifest.Graph:
    """The manifest's record of one graph."""
    graph = written.proto.graph
    return manifest.Graph(
        name=written.spec.name,
        stage=written.spec.stage,
        route=written.spec.route,
        file=written.path.relative_to(root).as_posix(),
        weight_bytes=sum(place.length for place in written.places)
        + bound.read_bytes(written.spec.name),
        exclusive_bytes=alone,
        inputs=tuple(_tensor(value) for value in graph.input),
        outputs=tuple(_tensor(value) for value in graph.output),
        placement=written.placement,
        bound=bound.graphs.get(written.spec.name, {}),
    )


def _tensor(value: onnx.ValueInfoProto) -> manifest.TensorSpec:
    """The manifest's record of an input or output."""
    kind = value.type.tensor_type
    return manifest.TensorSpec(
        name=value.name,
        shape=tuple(dimension.dim_value for dimension in kind.shape.dim),
        dtype=_DTYPES[kind.elem_type],
    )
