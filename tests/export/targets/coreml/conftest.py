"""Core ML packages of tiny models, made in this process, and what their functions give."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mvmoe_export import captured
from mvmoe_export.compile_job import OUTPUT, CompileJob, CompileRequest, encoded
from mvmoe_export.stages import make_stages
from mvmoe_export.targets.contract import ExportOptions
from mvmoe_export.targets.coreml import CoreMLOptions, job
from mvmoe_export.targets.coreml.job import REWRITES

OPTIONS = ExportOptions(
    identity={"author": "Ada", "license": "MIT", "description": "Tiny", "version": "3"},
    labels=("cat", "dög", "eel", "fox", "gnu"),
)


@pytest.fixture(scope="session")
def export_options():
    return OPTIONS


@pytest.fixture(scope="session")
def prepare(tmp_path_factory):
    """Captures a model; gives its stages and the job of it, which can be compiled once."""

    def run(model, rewrites=REWRITES, strategy="dispatch", batch=1, **options):
        stages = make_stages(model, strategy, batch)
        folder = tmp_path_factory.mktemp("coreml")
        (folder / OUTPUT).mkdir()
        chosen = job.conversion_options(stages, OPTIONS, CoreMLOptions(**options))
        asked = CompileRequest(
            compiler="",
            extra="",
            captured=str(folder / captured.FOLDER),
            families=captured.write_captured(stages, folder),
            rewrites=tuple(rewrites),
            recipe="fp32",
            numbers=chosen.chosen.numbers,
            experts=stages.bound_experts,
            options=encoded(chosen),
        )
        return stages, CompileJob(folder, asked, lambda name: None)

    return run


@pytest.fixture(scope="session")
def compiled(prepare, tmp_path_factory):
    """Compiles a model, or one once more with other options; gives packages and data."""
    from mvmoe_export.targets.coreml.conversion import compile

    def run(model, **options):
        stages, compile_job = (
            model.prepared if hasattr(model, "prepared") else prepare(model, **options)
        )
        data = compile(compile_job)
        folder = tmp_path_factory.mktemp("packages") / "coreml"
        compile_job.output.rename(folder)
        compile_job.output.mkdir()
        return SimpleNamespace(stages=stages, folder=folder, prepared=(stages, compile_job), **data)

    return run


@pytest.fixture(scope="session")
def assert_graphs():
    """Compares every graph with PyTorch on random inputs, relative to the largest output."""

    def check(made, tolerance):
        assert [graph["name"] for graph in made.graphs] == [
            spec.name for _, spec in made.stages.graphs
        ]
        facts = {graph["name"]: graph for graph in made.graphs}
        for stage, spec in made.stages.graphs:
            inputs = random_inputs(stage)
            given = run(made, facts[spec.name], inputs)
            with torch.no_grad():
                wanted = spec.build()(*inputs.values())
            wanted = wanted if isinstance(wanted, tuple) else (wanted,)
            assert set(given) == set(stage.outputs)
            for name, tensor in zip(stage.outputs, wanted, strict=True):
                assert given[name].dtype == np.float32
                error = np.abs(given[name] - tensor.numpy()).max() / tensor.abs().max().item()
                assert error < tolerance, f"{spec.name} {name} is off by {error}"

    return check


def random_inputs(stage):
    """Random inputs of a stage; indices stay."""
    generator = torch.Generator().manual_seed(3)
    return {
        name: torch.randn(tensor.shape, generator=generator).abs() * 0.5
        if name == "gates"
        else torch.randn(tensor.shape, generator=generator)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in stage.graphs[0].inputs.items()
    }


def run(made, graph, inputs):
    """The outputs of a graph in the reference evaluator."""
    from mvmoe_deploy.runtime.runners.coreml_reference.load import load_function

    arrays = {
        name: (tensor if tensor.is_floating_point() else tensor.int()).numpy()
        for name, tensor in inputs.items()
    }
    return load_function(made.folder / graph["file"], graph["entry"]).run(arrays)


@pytest.fixture(scope="session")
def run_graph():
    return run


@pytest.fixture(scope="session")
def stage_inputs():
    return random_inputs
