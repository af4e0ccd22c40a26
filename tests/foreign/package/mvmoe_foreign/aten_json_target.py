"""Target `aten-json`: a graph is a list of ATen operators in JSON, a weight a file of its own."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
import numpy as np
from msgspec import Meta

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.write import describe_files
from mvmoe_deploy.errors import BundleError
from mvmoe_export.graph_operators import UNKNOWN, ReadGraph, operator
from mvmoe_export.targets.contract import ExportOptions, InlineJob, Records, TargetOptions

if TYPE_CHECKING:
    from mvmoe_export.programs import Program
    from mvmoe_export.stages import GraphSpec, Stages, StageSpec


class AtenJsonOptions(TargetOptions, frozen=True):
    """How the files look."""

    target: ClassVar[str] = "aten-json"

    indent: Annotated[int, Meta(ge=0, le=8, description="Spaces before what lies deeper.")] = 0


class AtenJsonTarget:
    """Writes `aten-json/<graph>.json` and `aten-json/<hash of a weight>.npy`, in fp32."""

    name = "aten-json"
    extra = ""
    options = AtenJsonOptions
    packages = ("torch",)

    def read_operators(self, root: Path, file: str) -> ReadGraph:
        """What gives the operators of the one graph of a file; their tensors are not known."""
        try:
            types = [call["operator"] for call in json.loads((root / file).read_text())["calls"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(
                f"{file} is no graph ({type(error).__name__}); export it again"
            ) from error
        found = tuple(operator(each, (UNKNOWN,), (UNKNOWN,)) for each in types)
        return lambda _: found

    def start(
        self, stages: "Stages", options: ExportOptions, root: Path, scratch: Path
    ) -> InlineJob:
        """Write the graphs below `root` when asked to finish."""
        chosen = options.of(self.name, self.options)
        return InlineJob(lambda: _write(stages, options, chosen, root / self.name))


def _write(
    stages: "Stages", options: ExportOptions, chosen: AtenJsonOptions, folder: Path
) -> Records:
    """All graphs, in the order of their stages."""
    from mvmoe_export.programs import make_program
    from mvmoe_export.sizes import exclusive, sizes

    folder.mkdir()
    graphs: list[manifest.Graph] = []
    reads: dict[str, dict[str, int]] = {}
    rewrites: dict[str, None] = {}
    for group in stages.groups:
        first, names = group.template, options.rewrites or ()
        program = make_program(
            first.name, first.build(), first.inputs, names, capture=group.capture
        )
        rewrites |= {name: None for name, places in program.rewritten.items() if places}
        for spec in group.members:
            stage = stages.specs[spec.stage]
            content, reads[spec.name] = _content(program, spec, stage.outputs, folder)
            (folder / f"{spec.name}.json").write_text(
                json.dumps(content, indent=chosen.indent or None)
            )
            graphs.append(_record(program, spec, stage, reads[spec.name]))
            options.progress(spec.name)
    graphs = stages.in_order(graphs, lambda graph: graph.name)
    alone = exclusive(reads)
    graphs = [msgspec.structs.replace(graph, exclusive_bytes=alone[graph.name]) for graph in graphs]
    record = manifest.Target(
        format=AtenJsonOptions.target,
        options=chosen.recorded(),
        rewrites=tuple(rewrites),
        strategy=stages.strategy.name,
        precision="fp32",
        batch=stages.batch,
        graphs=tuple(graphs),
        weights=None,
        files=describe_files(folder.parent, folder.iterdir()),
        parity=None,
        sizes=sizes(stages, reads),
    )
    return {AtenJsonOptions.target: record}


def _content(
    program: "Program", spec: "GraphSpec", outputs: tuple[str, ...], folder: Path
) -> tuple[dict[str, Any], dict[str, int]]:
    """A graph as plain data, and the bytes of each weight file that it reads."""
    module = program.exported.module(check_guards=False)
    weights = program.fill(spec.build())
    inputs = iter(spec.inputs)
    named: dict[str, str] = {}  # What the graph's nodes are called -> what `spec` calls them.
    files: dict[str, str] = {}
    sizes: dict[str, int] = {}
    calls = []
    for node in module.graph.nodes:
        if node.op == "placeholder":
            named[node.name] = next(inputs)
        elif node.op == "get_attr":
            tensor = weights.get(node.target, getattr(module, node.target, None))
            files[node.name], size = _store(tensor.detach().numpy(), folder)
            sizes[files[node.name]] = size
        elif node.op == "call_function":
            arguments = [_argument(value, named) for value in node.args]
            calls.append({"gives": node.name, "operator": str(node.target), "takes": arguments})
        else:
            gives = [_argument(value, named) for value in node.args[0]]
    content = {"weights": files, "calls": calls, "gives": dict(zip(outputs, gives, strict=True))}
    return content, sizes


def _argument(value: Any, named: dict[str, str]) -> Any:
    """An argument of an operator: a number as it is, a value by its name."""
    return {"value": named.get(value.name, value.name)} if hasattr(value, "op") else value


def _store(array: np.ndarray, folder: Path) -> tuple[str, int]:
    """The file that holds an array, written unless it is there, and the array's bytes."""
    key = hashlib.sha256(repr((array.dtype, array.shape)).encode() + array.tobytes())
    path = folder / f"{key.hexdigest()[:32]}.npy"
    if not path.exists():
        np.save(path, array)
    return path.name, array.nbytes


def _record(
    program: "Program", spec: "GraphSpec", stage: "StageSpec", reads: dict[str, int]
) -> manifest.Graph:
    """The manifest's record of a graph."""
    made = program.exported.module(check_guards=False)(*spec.inputs.values())
    return manifest.Graph(
        name=spec.name,
        stage=spec.stage,
        route=spec.route,
        file=f"{AtenJsonOptions.target}/{spec.name}.json",
        weight_bytes=sum(reads.values()),
        exclusive_bytes=0,
        inputs=tuple(_tensor(name, tensor) for name, tensor in spec.inputs.items()),
        outputs=tuple(
            _tensor(name, tensor)
            for name, tensor in zip(
                stage.outputs, made if isinstance(made, tuple) else (made,), strict=True
            )
        ),
    )


def _tensor(name: str, tensor: Any) -> manifest.TensorSpec:
    """The manifest's record of an input or output."""
    from mvmoe_export.stages import dtype_of

    return manifest.TensorSpec(name=name, shape=tuple(tensor.shape), dtype=dtype_of(tensor))


PART = AtenJsonTarget()
