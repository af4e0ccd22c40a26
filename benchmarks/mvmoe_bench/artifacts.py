"""The graphs that subjects run, exported once into a directory by the product's own machinery.

A bundle comes from `export_bundle`; a whole model as one graph goes through the same ONNX target
as a model of a single stage would. Importing this module imports PyTorch.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import msgspec
import torch
from torch import nn

from mvmoe_bench.fused import AllExperts, Gather, KnownRoute
from mvmoe_bench.graphs import GraphSet, graph_name
from mvmoe_bench.workload import Workload
from mvmoe_deploy import files
from mvmoe_deploy.models import RoutedModel
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.stages import GraphSpec, Stages, StageSpec
from mvmoe_export.targets import find_target

Report = Callable[[str], object]
"""Called with the name of what is there now."""

_MADE_BY = ("mvmoe-deploy", "torch", "onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Artifacts:
    """Where the graphs are."""

    bundle: Path
    static: GraphSet
    """One graph for each visited route, over one file of weights."""
    all_experts: GraphSet
    gather: GraphSet


NAMES = ("bundle", "static", "all-experts", "gather")


def make_artifacts(workload: Workload, root: Path, report: Report) -> Artifacts:
    """Export below `root` what is not there yet, and say where everything is.

    Directories are named after the model's weights and the versions that made them. Changes to the
    exporter itself do not show there: remove the directory then.
    """
    model, folder = workload.model, root / _key(workload)
    folder.mkdir(parents=True, exist_ok=True)
    bundle = folder / "bundle"
    if not bundle.exists():
        export_bundle(model, bundle)
    report("bundle")
    known = {graph_name(route): partial(KnownRoute, model, route) for route in workload.visited}
    sets = []
    for name, graphs in (
        ("static", known),
        ("all-experts", {"all_experts": partial(AllExperts, model)}),
        ("gather", {"gather": partial(Gather, model)}),
    ):
        sets.append(_export(model, folder / name, graphs))
        report(name)
    return Artifacts(bundle, *sets)


def _export(model: RoutedModel, path: Path, graphs: dict[str, Callable[[], nn.Module]]) -> GraphSet:
    """Whole models from image to answer, each as one graph, below `path`."""
    if not path.exists():
        with files.new_directory(path) as work, torch.no_grad():
            stages = _single_stage(model, graphs)
            records = find_target("onnx").start(stages, ExportOptions(), work, work).finish()
            (work / GraphSet.RECORD).write_bytes(msgspec.json.encode(records["onnx"]))
    return GraphSet(path)


def _single_stage(model: RoutedModel, graphs: dict[str, Callable[[], nn.Module]]) -> Stages:
    """Graphs that take the image and give the answer, as the one stage of a model."""
    specs = tuple(
        GraphSpec(name, 0, None, lambda build=build: build().eval())
        for name, build in graphs.items()
    )
    inputs = {"image": torch.zeros(1, *model.input.shape)}
    stage = StageSpec(0, "whole", None, inputs, ("answer",), specs)
    return Stages(model, "dispatch", 1, (stage,))


def _key(workload: Workload) -> str:
    """A name for a model's weights, the routes to export, and the versions that export them."""
    digest = hashlib.sha256()
    for name, tensor in workload.model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
    made_by: Sequence[str] = [f"{package} {version(package)}" for package in _MADE_BY]
    digest.update(json.dumps([workload.visited, made_by]).encode())
    return digest.hexdigest()[:16]
