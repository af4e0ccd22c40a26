"""Exporting the baselines of a bundle's target, by that target's own exporter and options.

Importing this module imports PyTorch.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import torch
from torch import nn

from mvmoe_bench.measure.subjects import fused
from mvmoe_bench.measure.subjects.contract import Preparation
from mvmoe_bench.measure.subjects.fused import StaticRoute
from mvmoe_bench.measure.subjects.whole_model import ONE_GRAPH, RECORD, graph_name
from mvmoe_deploy.bundle.manifest import IMAGE, Stage
from mvmoe_deploy.errors import InputError
from mvmoe_deploy.models import RoutedModel
from mvmoe_deploy.system import files
from mvmoe_deploy.system.temporary import temporary_directory
from mvmoe_export import ExportOptions
from mvmoe_export.flow import ModelFlow, StageFlow
from mvmoe_export.stages import GraphSpec, Stages, StageSpec, make_stages
from mvmoe_export.targets import find_target, options_of_record

Build = Callable[[], nn.Module]


def make_static(request: Preparation, path: Path) -> None:
    """A graph for each of the routes that will be asked for, with the route known beforehand."""
    model, routes = _model(request), sorted(set(request.routes))
    graphs: dict[str, Build] = {
        graph_name(taken): partial(StaticRoute, model, taken) for taken in routes
    }
    _export(request, graphs, path)


def make_graph(request: Preparation, module: str, path: Path) -> None:
    """One graph of the whole model: a class of `fused.py` over it."""
    _export(request, {ONE_GRAPH: partial(getattr(fused, module), _model(request))}, path)


def _model(request: Preparation) -> RoutedModel:
    """The PyTorch model that graphs are exported from; raises InputError without one."""
    if request.model is None:
        raise InputError(
            "whole-model graphs are exported from a checkpoint; give it",
            code="input.option",
            name="checkpoint",
        )
    return request.model


def _export(request: Preparation, graphs: dict[str, Build], path: Path) -> None:
    """Whole models from image to answer, each as one graph, below `path`, if it is not there.

    Raises InputError for a format of no installed target, for options that it does not have, and
    for parts of plug-ins that the bundle's reader has not allowed.
    """
    if path.exists():
        return
    model, record, plugins = _model(request), request.record, request.bundle.plugins
    chosen = options_of_record(record.format, record.options, plugins=plugins)
    options = ExportOptions(
        rewrites=None if record.rewrites else (), targets={record.format: chosen}
    )
    with files.new_directory(path) as work, temporary_directory() as scratch, torch.no_grad():
        target = find_target(record.format)
        work_of_target = target.start(_single_stage(model, graphs), options, work, scratch)
        (made,) = work_of_target.finish().values()
        (work / RECORD).write_bytes(msgspec.json.encode(made))


def _built(build: Build) -> nn.Module:
    """A module in evaluation mode."""
    return build().eval()


def _single_stage(model: RoutedModel, graphs: dict[str, Build]) -> Stages:
    """Graphs that take the image and give the answer, as the one stage of a model."""
    inputs = {IMAGE: torch.zeros(1, *model.input.shape, dtype=torch.float32)}
    known = make_stages(model)
    outputs = {
        output.name: torch.zeros(1, *known.flow.shape(output), dtype=torch.float32)
        for output in known.outputs
    }
    gives = {name: f"whole.{name}" for name in outputs}
    record = Stage(name="whole", rule=None, router=None, takes={IMAGE: IMAGE}, gives=gives)
    whole = tuple(
        msgspec.structs.replace(output, tensors=(gives[output.name],)) for output in known.outputs
    )
    specs = tuple(
        GraphSpec(name, 0, None, partial(_built, build), inputs, outputs)
        for name, build in graphs.items()
    )
    stage = StageSpec(StageFlow(0, record, inputs, outputs), specs)
    flow = ModelFlow((stage.flow,), whole)
    return Stages(model, known.strategy, 1, (stage,), flow)
