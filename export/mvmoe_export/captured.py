"""The captured programs of an export as files: written once, read by every compiler.

A structure is captured once (`StructureGroup.capture`) and written before any rewrite, beside the
weights of all graphs, each content once. What targets make of it they make in their compilers'
processes (`compile_job.py`). What crosses is data: exported programs, safetensors, JSON.
"""

import errno
import hashlib
import io
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor
from torch.export import ExportedProgram

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.manifest import TensorSpec
from mvmoe_deploy.routing import Route
from mvmoe_export.graph_roles import GraphRoles
from mvmoe_export.programs import program_weights, without_other_libraries
from mvmoe_export.pytorch_silence import exporting
from mvmoe_export.source_location import PREFIX
from mvmoe_export.stage_calls import StageCall
from mvmoe_export.stages import Filling, GraphSpec, Stages
from mvmoe_export.structure import StructureGroup

FOLDER = "captured"
"""Below an export's scratch folder; no target may have this name."""

WEIGHTS = "weights.safetensors"
CALIBRATION = "calibration.safetensors"
_INDEX = "families.json"
_LITTLE = 1 << 20
"""Bytes of free space below which a refused write means a full disk."""


class CapturedFilling(msgspec.Struct, frozen=True, kw_only=True):
    """The weights of an expert at a place of the route, by their names with the keys of tensors."""

    expert: int
    place: int
    weights: dict[str, str]


class CapturedGraph(msgspec.Struct, frozen=True, kw_only=True):
    """One graph to make: what it is called, and the key of the tensor that each weight is."""

    name: str
    stage: int
    route: Route | None
    weights: dict[str, str]
    fillings: tuple[CapturedFilling, ...] = ()
    """Where its structure binds weights, those that it may be given."""


class CapturedFamily(msgspec.Struct, frozen=True, kw_only=True):
    """Graphs of one structure, with the file of the program that stands for all of them."""

    program: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    graphs: tuple[CapturedGraph, ...]
    """The program is that of the first."""
    bound: dict[str, int] = {}
    """As `GraphSpec.bound` has it."""
    roles: GraphRoles = GraphRoles()
    """What its outputs are for."""

    @property
    def probed(self) -> bool:
        """Whether it is compiled with made-up weights; one graph alone is compiled as it is."""
        return len(self.graphs) > 1


Families = tuple[CapturedFamily, ...]


class CapturedCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage took for calibration images, as the keys of tensors in the file of these."""

    stage: int
    route: Route
    inputs: tuple[str, ...]


def write_captured(stages: Stages, scratch: Path) -> Families:
    """Capture all graphs of a model, one program a structure, into `scratch / FOLDER`.

    Takes seconds the first time; once written, they are read. Raises InputError for a stage that
    cannot be captured, OSError where the disk refuses.
    """
    folder = scratch / FOLDER
    if (folder / _INDEX).exists():
        return msgspec.json.decode((folder / _INDEX).read_bytes(), type=Families)
    folder.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    families = tuple(
        _write(group, tensors, folder / f"program{number}.pt2")
        for number, group in enumerate(stages.groups)
    )
    _save(tensors, folder / WEIGHTS)
    (folder / _INDEX).write_bytes(msgspec.json.encode(families))  # Last: all else is there.
    return families


def write_calls(calls: Sequence[StageCall], scratch: Path) -> tuple[CapturedCall, ...]:
    """Write what ranges are set by into `scratch / FOLDER`, unless it is there; raises OSError."""
    captured = tuple(
        CapturedCall(
            stage=call.stage,
            route=call.route,
            inputs=tuple(f"{number}.{place}" for place, _ in enumerate(call.inputs)),
        )
        for number, call in enumerate(calls)
    )
    path = scratch / FOLDER / CALIBRATION
    if not path.exists():
        tensors = {
            key: torch.from_numpy(array).clone()  # Two inputs may be parts of one array.
            for call, one in zip(calls, captured, strict=True)
            for key, array in zip(one.inputs, call.for_ranges().inputs, strict=True)
        }
        _save(tensors, path)
    return captured


def _write(group: StructureGroup, tensors: dict[str, Tensor], path: Path) -> CapturedFamily:
    """Write a structure's program, and put the weights of its graphs among the tensors."""
    program = without_other_libraries(group.capture())
    packed = io.BytesIO()  # Given a path, PyTorch aborts the process where the disk is full.
    with exporting():  # PyTorch warns of tensors that are parts of others.
        torch.export.save(program, packed)
    path.write_bytes(packed.getbuffer())
    inputs = group.template.inputs
    return CapturedFamily(
        program=path.name,
        inputs=tuple(_spec(name, tensor) for name, tensor in inputs.items()),
        outputs=tuple(
            _spec(name, tensor)
            for name, tensor in zip(group.template.outputs, _outputs(program), strict=True)
        ),
        graphs=tuple(_graph(spec, tensors) for spec in group.members),
        bound=dict(group.template.bound),
        roles=group.template.roles,
    )


def _graph(spec: GraphSpec, tensors: dict[str, Tensor]) -> CapturedGraph:
    """A graph, its weights put among the tensors."""
    return CapturedGraph(
        name=spec.name,
        stage=spec.stage,
        route=spec.route,
        weights=_keys(program_weights(spec.build()), tensors),
        fillings=tuple(_filling(spec, filling, tensors) for filling in spec.fillings),
    )


def _filling(spec: GraphSpec, filling: Filling, tensors: dict[str, Tensor]) -> CapturedFilling:
    """What a graph may be given at one place, put among the tensors."""
    own = {f"{PREFIX}{name}" for name, place in spec.bound.items() if place == filling.place}
    weights = program_weights(filling.build())
    chosen = {name: tensor for name, tensor in weights.items() if name in own}
    return CapturedFilling(
        expert=filling.expert, place=filling.place, weights=_keys(chosen, tensors)
    )


def _keys(weights: Mapping[str, Tensor], tensors: dict[str, Tensor]) -> dict[str, str]:
    """The key of each weight, which is put among the tensors."""
    keys = {name: tensor_key(tensor) for name, tensor in weights.items()}
    for name, tensor in weights.items():
        tensors.setdefault(keys[name], tensor.detach().contiguous())
    return keys


def _outputs(program: ExportedProgram) -> list[Tensor]:
    """What a program gives, as the tensors without content that its nodes stand for."""
    (end,) = program.graph.find_nodes(op="output")
    return [node.meta["val"] for node in end.args[0]]


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    """Write tensors; raises OSError, which safetensors' own error is not."""
    try:
        save_file(tensors, path)
    except SafetensorError as error:
        full = "too large" in str(error) or shutil.disk_usage(path.parent).free < _LITTLE
        raise OSError(errno.ENOSPC if full else errno.EIO, str(error), str(path)) from error


def tensor_key(tensor: Tensor) -> str:
    """A name for the content of a tensor, with its type and shape."""
    data = tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()
    shape = "x".join(map(str, tensor.shape))
    return f"{hashlib.sha256(data.data).hexdigest()}-{tensor.dtype}-{shape}"


def key_bytes(key: str) -> int:
    """The bytes of the tensor that a key names."""
    _, dtype, shape = key.split("-")
    count = math.prod(int(size) for size in shape.split("x")) if shape else 1
    element: torch.dtype = getattr(torch, dtype.removeprefix("torch."))
    return count * element.itemsize


def _spec(name: str, tensor: Tensor) -> TensorSpec:
    dtype = cast(manifest.DType, str(tensor.dtype).removeprefix("torch."))
    return TensorSpec(name=name, shape=tuple(tensor.shape), dtype=dtype)
