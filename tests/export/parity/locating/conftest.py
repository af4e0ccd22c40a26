"""One small model, its bundle for all targets, and wrong operators planted in its files."""

import shutil
from types import SimpleNamespace

import onnx
import pytest
from torch import nn

from mvmoe_deploy.bundle import Bundle
from mvmoe_export import ExportOptions, export_bundle
from mvmoe_export.parity.pytorch import verify_against_model
from mvmoe_export.targets.executorch import ExecuTorchOptions

WIDTH = 16


@pytest.fixture(scope="session")
def model(zoo):
    """A routed stage of two experts, each with a normalisation and a GELU."""

    class Located(zoo.Foreign):
        def make_expert(self, expert):
            return nn.Sequential(
                nn.Linear(WIDTH, 24), nn.LayerNorm(24), nn.GELU(), nn.Linear(24, WIDTH)
            )

    return zoo.enliven(Located(experts=2))


@pytest.fixture(scope="session")
def bundle(model, made_once):
    """The model for every target that runs here; for reading."""
    targets = ["onnx", "coreml", "executorch"]
    delegates = ExecuTorchOptions(delegate=("xnnpack", "portable"))
    options = ExportOptions(targets={"executorch": delegates})

    def write(path):
        export_bundle(model, path, targets=targets, options=options, skip_verify=True)

    return made_once("located.bundle", write)


@pytest.fixture
def copy(bundle, tmp_path):
    """A copy of the bundle, to plant something in."""
    path = tmp_path / "planted.bundle"
    shutil.copytree(bundle, path)
    return path


def graph_of(path, target, name):
    """The record of a graph."""
    record = Bundle.open(path).target(target)
    return next(graph for graph in record.graphs if graph.name == name)


@pytest.fixture
def plant_onnx(copy):
    """Changes the node of an ONNX graph that makes a value; gives the bundle."""

    def plant(graph, value, change):
        path = copy / graph_of(copy, "onnx", graph).file
        proto = onnx.load(path, load_external_data=False)
        change(next(node for node in proto.graph.node if value in node.output))
        path.write_bytes(proto.SerializeToString())
        return copy

    return plant


@pytest.fixture
def found(model):
    """What a verification finds at a target: the report's row for it, and its fault."""

    def verify(path, target, **options):
        report = verify_against_model(Bundle.open(path), model, targets=[target], **options)
        row = report.targets[target]
        return SimpleNamespace(report=report, row=row, fault=row.fault)

    return verify
