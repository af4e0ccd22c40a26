"""Writes `.mlpackage` directories: one with a function for each graph, or one for each graph.

A package's weights are in one file, each content once. The same graphs give the same bytes.
"""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mvmoe_deploy.errors import EngineError
from mvmoe_export.captured import CapturedFamily, CapturedGraph
from mvmoe_export.layers import Range, Ranges
from mvmoe_export.targets.coreml.binding import Binding, fill
from mvmoe_export.targets.coreml.constants import Array, BlobWriter, body, held_values
from mvmoe_export.targets.coreml.descriptions import describe, describe_model
from mvmoe_export.targets.coreml.engine import Converted
from mvmoe_export.targets.coreml.options import ConversionOptions
from mvmoe_export.targets.coreml.packing import Packing
from mvmoe_export.targets.coreml.rounded_inputs import round_inputs
from mvmoe_export.targets.coreml.toolkit import Model_pb2, ct, milproto

_DATA = Path("Data/com.apple.CoreML")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "mvmoe-deploy/coreml")
_SINGLE = "main"
"""What the one function of a package is called."""


@dataclass(frozen=True)
class PackagedGraph:
    """A graph to write: a program that is its own, or one of its family bound to its weights."""

    family: CapturedFamily
    graph: CapturedGraph
    program: Converted
    binding: Binding | None = None
    slots: Callable[[], Mapping[str, Array]] = dict
    """Reads the contents of its slots, where it is bound or something of it is packed."""
    packing: Packing | None = None
    """Which constants are packed, if any."""
    ranges: Callable[[], Ranges | None] = lambda: None
    """Gives what its layers take, where that is rounded to whole numbers."""

    def constants(self, slots: Mapping[str, Array]) -> Sequence[Array | None]:
        """The contents of its constants for contents of its slots."""
        if self.binding is None:
            return self.program.constants
        return fill(self.program, self.binding, slots)


@dataclass(frozen=True)
class Written:
    """A graph that is in a package, with the offsets and bytes of the blobs that it reads."""

    graph: CapturedGraph
    file: str
    entry: str | None
    blobs: frozenset[tuple[int, int]]


def write_multifunction(
    parts: Iterable[PackagedGraph], options: ConversionOptions, folder: Path
) -> list[Written]:
    """Write `model.mlpackage` with all graphs as functions over one weight file.

    The first is what a reader gets that names no function. Parts are taken one by one.
    """
    package = folder / "model.mlpackage"
    model = Model_pb2.Model()
    model.mlProgram.version = 1
    writer = _writer(package)
    written: list[Written] = []
    for part in parts:
        model.specificationVersion = part.program.version
        described = model.description.functions.add(name=part.graph.name)
        _describe(described, part)
        blobs = _add_function(model, part.graph.name, part, writer)
        written.append(Written(part.graph, package.name, part.graph.name, blobs))
    model.description.defaultFunctionName = written[0].graph.name
    _finish(package, model, options)
    return written


def write_single(part: PackagedGraph, options: ConversionOptions, folder: Path) -> Written:
    """Write `<graph>.mlpackage` with one graph and its own weights."""
    package = folder / f"{part.graph.name}.mlpackage"
    model = Model_pb2.Model(specificationVersion=part.program.version)
    model.mlProgram.version = 1
    _describe(model.description, part)
    blobs = _add_function(model, _SINGLE, part, _writer(package))
    _finish(package, model, options)
    return Written(part.graph, package.name, None, blobs)


def figures(written: Sequence[Written]) -> list[dict[str, Any]]:
    """What the manifest says of each graph, as JSON data: its place and the weights it reads."""
    readers = Counter((graph.file, blob) for graph in written for blob in graph.blobs)
    return [
        {
            "name": graph.graph.name,
            "file": graph.file,
            "entry": graph.entry,
            "weight_bytes": sum(size for _, size in graph.blobs),
            "exclusive_bytes": sum(
                size for offset, size in graph.blobs if readers[graph.file, (offset, size)] == 1
            ),
        }
        for graph in written
    ]


def _writer(package: Path) -> BlobWriter:
    """The weight file of a new package."""
    weights = package / _DATA / "weights"
    weights.mkdir(parents=True)
    return BlobWriter(weights / "weight.bin")


def _describe(description: Any, part: PackagedGraph) -> None:
    """Say what a graph takes and gives, of a model or of one of its functions."""
    description.input.extend(part.program.inputs)
    description.output.extend(part.program.outputs)
    describe((*description.input, *description.output), part.family, part.graph)


def _add_function(
    model: Any, name: str, part: PackagedGraph, writer: BlobWriter
) -> frozenset[tuple[int, int]]:
    """Add a graph's function to a model; gives the blobs that it reads."""
    function = model.mlProgram.functions[name]
    function.CopyFrom(part.program.function)
    slots = part.slots()
    places = {} if part.packing is None else part.packing.places
    blobs: set[tuple[int, int]] = set()
    held = zip(list(held_values(body(function))), part.constants(slots), strict=True)
    for index, ((operation, value), content) in enumerate(held):
        if part.packing is not None and index in places:
            blobs.update(part.packing.packer.write(operation, places[index], slots, writer))
            continue
        blob = None if content is None else writer.write(value, content)
        if blob is not None:
            blobs.add(blob)
    ranges = part.ranges()
    if ranges is not None:
        round_inputs(function, _taken(part, ranges))
    return frozenset(blobs)


def _taken(part: PackagedGraph, ranges: Ranges) -> dict[str, Range]:
    """What the layers of packed weights take, by the names of these in the program."""
    operations = list(held_values(body(part.program.function)))
    places = {} if part.packing is None else part.packing.places
    return {
        operations[index][0].outputs[0].name: ranges[packed.place.slot].taken
        for index, packed in places.items()
        if packed.place.slot in ranges
    }


def _finish(package: Path, model: Any, options: ConversionOptions) -> None:
    """Write a package's model and manifest, and read them as coremltools does."""
    describe_model(model.description.metadata, options)
    data = model.SerializePartialToString(deterministic=True)
    (package / _DATA / "model.mlmodel").write_bytes(data)
    (package / "Manifest.json").write_text(_manifest())
    _check(package)


def _manifest() -> str:
    """`Manifest.json`; its identifiers are only valid inside the package."""
    items = {
        _identifier(name): {
            "author": "com.apple.CoreML",
            "description": description,
            "name": name,
            "path": f"com.apple.CoreML/{name}",
        }
        for name, description in (
            ("model.mlmodel", "CoreML Model Specification"),
            ("weights", "CoreML Model Weights"),
        )
    }
    manifest = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": items,
        "rootModelIdentifier": _identifier("model.mlmodel"),
    }
    return json.dumps(manifest, indent=4) + "\n"


def _identifier(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name)).upper()


def _check(package: Path) -> None:
    """Load every function as coremltools does, which checks its types; raises EngineError."""
    try:
        model = ct.models.MLModel(str(package), skip_model_load=True)
        spec = model.get_spec()
        milproto.load(spec, spec.specificationVersion, model.weights_dir)
    except Exception as error:  # It raises whatever it likes.
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EngineError(
            f"coremltools does not load the package {package.name} that was written: {line}; "
            "report this with the model's configuration",
            file=package.name,
            found=line,
        ) from error
