"""A model's outputs, as a manifest that was checked describes them."""

from typing import NamedTuple

from mvmoe_deploy.bundle.graph_stages import graph_stages
from mvmoe_deploy.bundle.manifest import Manifest
from mvmoe_deploy.outputs import find_kind
from mvmoe_deploy.strategies import find_strategy


class ClassOutput(NamedTuple):
    """An output that tells classes apart: which one an image is of, or what is in it."""

    name: str
    classes: int
    labels: tuple[str, ...] | None

    def label(self, index: int) -> str:
        """The name of a class; its number where classes have no names."""
        return self.labels[index] if self.labels else str(index)


def output_shapes(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """The shape of each output for one image, as graphs of the first target have it."""
    shapes = tensor_shapes(manifest)
    return {output.name: shapes[output.tensors[0]] for output in manifest.outputs}


def tensor_shapes(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor that stages give for one image, as the first target has it."""
    (target, *_) = manifest.targets.values()
    shapes: dict[str, tuple[int, ...]] = {}
    strategy = find_strategy(target.strategy)
    stages = graph_stages(manifest, target)
    for graph in target.graphs:
        stage = stages[graph.stage]
        if stage.rule is not None and strategy.is_joined(stage.rule, graph.route):
            continue  # It gives what another graph of its stage takes.
        for spec in graph.outputs:
            shapes.setdefault(stage.gives[spec.name], spec.shape[1:])
    return shapes


def class_output(manifest: Manifest) -> ClassOutput | None:
    """The first output that decides on a class; None for a model that does not classify."""
    found = outputs_by_kind(manifest).items()
    return next((output for kind, output in found if find_kind(kind).classifies), None)


def outputs_by_kind(manifest: Manifest) -> dict[str, ClassOutput]:
    """The first output of each kind that has classes, by the kind."""
    shapes = output_shapes(manifest)
    found: dict[str, ClassOutput] = {}
    for output in manifest.outputs:
        count = find_kind(output.kind).classes(shapes[output.name])
        if count is not None:
            found.setdefault(output.kind, ClassOutput(output.name, count, output.labels))
    return found
