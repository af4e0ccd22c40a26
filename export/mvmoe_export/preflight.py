"""What is known of an export before a graph is made: all of it is checked there.

Making the graphs takes minutes. The manifest that will describe them is made first, with records of
targets that are not there yet, and is checked as a reader would check it.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
import torch

from mvmoe_deploy.bundle import manifest
from mvmoe_deploy.bundle.write import encode_manifest
from mvmoe_deploy.errors import BundleError, InputError
from mvmoe_deploy.models.contract import RoutedModel
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.routing import UsagePrior, check_usage_prior
from mvmoe_deploy.system import files
from mvmoe_deploy.system.space import require_space
from mvmoe_deploy.text import choices_text, quoted
from mvmoe_export.parity.golden_vectors import GOLDEN_IMAGES
from mvmoe_export.stages import Stages, dtype_of, make_stages
from mvmoe_export.targets import ExportOptions, TargetPart, find_target, target_names

_NO_TEXT = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\ud800-\\udfff]")
"""What a manifest's texts may not hold: control characters and halves of characters."""

_NO_WEIGHTS = manifest.ExpertWeights(offset=0, bytes=0, tensors={})
"""Of an expert whose weights will be inputs: which they are is known when the graph is made."""

_LONGEST_TEXT = 1000
_FP32 = 4
"""Bytes of a value."""


def require_texts(texts: Mapping[str, str]) -> None:
    """Refuse texts, by what they are, that a manifest cannot hold; raises InputError."""
    for what, text in texts.items():
        if not isinstance(text, str) or _NO_TEXT.search(text) or len(text) > _LONGEST_TEXT:
            raise InputError(
                f"{what} is {quoted(text)}, which a bundle cannot hold; give Unicode text without "
                f"control characters, of at most {_LONGEST_TEXT:,} characters",
                code="input.option",
                name=what,
            )


def labelled(stages: Stages, labels: Sequence[str] | None) -> tuple[manifest.Output, ...]:
    """A model's outputs, the first that has classes with these labels.

    Raises InputError for labels that are not one text for each class.
    """
    if labels is None:
        return stages.outputs
    require_texts({f"label {index}": label for index, label in enumerate(labels)})
    counts = {
        output.name: classes
        for output in stages.outputs
        if (classes := find_kind(output.kind).classes(stages.flow.shape(output))) is not None
    }
    first = next(iter(counts), None)
    if first is None or len(labels) != counts[first]:
        what = f"an output {first} of {counts[first]}" if first else "outputs without"
        raise InputError(
            f"there are {len(labels)} labels for {what} classes; give one label for each class, in "
            "their order",
            code="input.option",
            name="labels",
            given=len(labels),
            expected=counts[first] if first else 0,
        )
    return tuple(
        msgspec.structs.replace(output, labels=tuple(labels)) if output.name == first else output
        for output in stages.outputs
    )


def require_prior(prior: UsagePrior | None, stages: Stages) -> None:
    """Refuse a usage prior of other routes than the model's; raises InputError."""
    if prior is not None:
        check_usage_prior(prior, stages.model.routing, "the usage prior")


def require_options(options: ExportOptions) -> None:
    """Refuse options of a target that does not exist; raises InputError."""
    names = target_names()
    if unknown := sorted(set(options.targets) - set(names)):
        raise InputError(
            f"options were given for the target {unknown[0]!r}, which is unknown; "
            f"{choices_text(unknown[0], names, 'installed are')}",
            code="input.option",
            name="options",
            given=unknown[0],
            expected=names,
        )


def require_targets(
    found: Mapping[str, TargetPart], stages: Stages, options: ExportOptions
) -> None:
    """Ask every target whether it can serve these stages; raises what the first that cannot does.

    A target of another package may have no `require`: its `start` is what refuses then.
    """
    for name, target in found.items():
        if stages.bound_experts and not getattr(target, "binds", False):
            raise InputError(
                f"the target {name} cannot store the weights that graphs of the strategy "
                f"{stages.strategy.name} take as inputs; give another target or strategy",
                code="input.option",
                name="strategy",
                given=stages.strategy.name,
            )
        if require := getattr(target, "require", None):
            require(stages, options)


def require_able(model: RoutedModel, names: Sequence[str]) -> None:
    """Refuse targets that could not serve a model with their default options; as above."""
    found = {name: find_target(name) for name in names}
    require_targets(found, make_stages(model), ExportOptions())


def require_room(
    found: Mapping[str, TargetPart],
    exports: Sequence[tuple[Stages, ExportOptions]],
    path: Path,
) -> None:
    """Refuse an export whose graphs do not fit on the disk of `path`; raises OutputError.

    `exports` has the stages and options of each strategy and recipe. What an interrupted export has
    kept beside `path` is not counted again.
    """
    rooms = [getattr(target, "room", None) for target in found.values()]
    needed = GOLDEN_IMAGES * math.prod(exports[0][0].model.input.shape) * _FP32
    readers = sum(getattr(target, "reads_captured", False) for target in found.values())
    for stages, options in exports:
        needed += sum(room(stages, options) for room in rooms if room is not None)
        needed -= max(0, readers - 1) * stages.weight_bytes  # They read one copy.
    kept = files.hidden(path, ".resume")
    have = sum(file.stat().st_size for file in kept.rglob("*") if file.is_file())
    require_space(path.parent, max(0, needed - have), f"the export to {path}")


def require_manifest(
    described: manifest.Manifest,
    stages: Stages,
    found: Iterable[str],
    images: int,
) -> manifest.Manifest:
    """Check the manifest of a bundle whose targets are still to be made; raises InputError.

    `images` is the number of golden vectors that it will have. Gives the manifest with targets that
    have no files yet.
    """
    graphs = _graphs(stages)
    record = manifest.Target(
        format="provisional",
        strategy=stages.strategy.name,
        routers=stages.routers,
        precision="fp32",
        batch=stages.batch,
        graphs=graphs,
        weights="graphs",
        files=(msgspec.structs.replace(_file("graphs"), bytes=2**53),),
        parity=None,
        experts=tuple((_NO_WEIGHTS,) * experts for experts in stages.bound_experts),
    )
    complete = msgspec.structs.replace(
        described,
        targets=dict.fromkeys(found, record),
        golden=manifest.Golden(images=images, file=_file("golden.safetensors")),
    )
    try:
        encode_manifest(complete)
    except BundleError as error:
        raise InputError(
            f"this model cannot be made into a bundle: {error}", code=error.code, **error.fields
        ) from error
    return complete


def _graphs(stages: Stages) -> tuple[manifest.Graph, ...]:
    """Every graph with the inputs and outputs that it will have."""
    return tuple(
        manifest.Graph(
            name=graph.name,
            stage=stage.index,
            route=graph.route,
            file="graphs",
            weight_bytes=0,
            exclusive_bytes=0,
            inputs=tuple(_tensor(name, value) for name, value in graph.inputs.items()),
            outputs=tuple(_tensor(name, value) for name, value in graph.outputs.items()),
        )
        for stage, graph in stages.graphs
    )


def _tensor(name: str, tensor: torch.Tensor) -> manifest.TensorSpec:
    return manifest.TensorSpec(name=name, shape=tuple(tensor.shape), dtype=dtype_of(tensor))


def _file(path: str) -> manifest.File:
    """A file that is not there yet."""
    return manifest.File(path=path, bytes=0, sha256="0" * 64)
