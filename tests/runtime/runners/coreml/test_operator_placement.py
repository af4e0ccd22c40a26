"""Core ML's compute plan over a stand-in for coremltools: the real one exists on macOS only.

Classes and attributes are as in coremltools 9.0's `models/compute_plan.py`.
"""

import platform
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from expected_errors import raises

from mvmoe_deploy.bundle.manifest import File, Graph, Target, TensorSpec
from mvmoe_deploy.errors import EngineError, InputError, UnsupportedPlatformError
from mvmoe_deploy.runtime.runners.coreml import operator_placement
from mvmoe_deploy.runtime.runners.coreml.operator_placement import GraphPlacement, placements, plan


class MLCPUComputeDevice:
    pass


class MLGPUComputeDevice:
    pass


class MLNeuralEngineComputeDevice:
    pass


DEVICES = {
    "cpu": MLCPUComputeDevice(),
    "gpu": MLGPUComputeDevice(),
    "ane": MLNeuralEngineComputeDevice(),
}


def operation(name, device=None, cost=None, blocks=()):
    return SimpleNamespace(
        operator_name=name,
        device=device,
        cost=cost,
        blocks=[SimpleNamespace(operations=list(inner)) for inner in blocks],
    )


class Plan:
    """An `MLComputePlan` of functions that are written down as lists of operations."""

    def __init__(self, functions):
        told = {
            name: SimpleNamespace(block=SimpleNamespace(operations=list(operations)))
            for name, operations in functions.items()
        }
        program = SimpleNamespace(functions=told) if functions else None
        self.model_structure = SimpleNamespace(program=program)

    def get_compute_device_usage_for_mlprogram_operation(self, operation):
        if operation.device is None:
            return None
        return SimpleNamespace(preferred_compute_device=DEVICES[operation.device])

    def get_estimated_cost_for_mlprogram_operation(self, operation):
        return None if operation.cost is None else SimpleNamespace(weight=operation.cost)


FUNCTIONS = {
    "stem": [
        operation("const"),
        operation("ios18.conv", "cpu", 0.1),
        operation("ios18.linear", "ane", 0.6),
        operation("ios18.linear", "ane", 0.1),
        operation("softmax", "gpu"),
    ],
    "e0": [operation("ios18.cond", "cpu", None, [[operation("ios18.topk", "cpu")]])],
}


class Engine:
    """coremltools, as far as the plan uses it; keeps what it was asked."""

    ComputeUnit = SimpleNamespace(ALL="1", CPU_AND_GPU="2", CPU_ONLY="3", CPU_AND_NE="4")

    def __init__(self, functions=FUNCTIONS, refuses=None):
        self.asked = []
        self._functions = functions
        self._refuses = refuses
        loader = SimpleNamespace(load_from_path=self._load)
        self.models = SimpleNamespace(
            utils=SimpleNamespace(compile_model=self._compile),
            compute_plan=SimpleNamespace(MLComputePlan=loader),
        )

    def _compile(self, model, destination_path):
        assert type(model) is type(destination_path) is str
        if self._refuses:
            raise RuntimeError(self._refuses)
        self.asked.append(Path(model).name)
        return destination_path

    def _load(self, path, compute_units):
        assert path.endswith(".mlmodelc")
        self.asked.append(compute_units)
        return Plan(self._functions)


def target(*graphs):
    spec = (TensorSpec(name="x", shape=(1, 2), dtype="float32"),)
    return Target(
        format="coreml",
        strategy="dispatch",
        precision="fp16",
        batch=1,
        graphs=tuple(
            Graph(
                name=name,
                stage=0,
                route=None,
                file=file,
                entry=entry,
                weight_bytes=1,
                exclusive_bytes=1,
                inputs=spec,
                outputs=spec,
            )
            for name, file, entry in graphs
        ),
        weights=None,
        files=(File(path="a", bytes=1, sha256="0" * 64),),
        parity=None,
    )


BOTH = target(("stem", "coreml/m.mlpackage", "stem"), ("step1_e0", "coreml/m.mlpackage", "e0"))


def test_operators_and_cost_are_counted_by_unit(tmp_path):
    stem, expert = plan(Engine(), tmp_path, BOTH, "all")
    assert stem == GraphPlacement(
        graph="stem",
        by_unit={"cpu": 1, "neural_engine": 2, "gpu": 1},
        cost_by_unit={
            "cpu": pytest.approx(0.125),
            "neural_engine": pytest.approx(0.875),
            "gpu": 0,
        },
        outside={"conv": 1, "softmax": 1},
    )
    assert expert == GraphPlacement("step1_e0", {"cpu": 2}, None, {"cond": 1, "topk": 1})


@pytest.mark.parametrize(
    ("units", "number", "outside"),
    [
        ("all", "1", {"conv": 1, "softmax": 1}),
        ("cpuAndGPU", "2", {"conv": 1, "linear": 2}),
        ("cpuOnly", "3", {"linear": 2, "softmax": 1}),
        ("cpuAndNeuralEngine", "4", {"conv": 1, "softmax": 1}),
    ],
)
def test_what_is_outside_depends_on_the_unit_that_one_hopes_for(tmp_path, units, number, outside):
    engine = Engine()
    assert plan(engine, tmp_path, BOTH, units)[0].outside == outside
    assert engine.asked == ["m.mlpackage", number], "one package is compiled once"


def test_packages_of_one_function_are_compiled_one_by_one(tmp_path):
    engine = Engine({"main": FUNCTIONS["stem"]})
    found = plan(engine, tmp_path, target(("a", "a.mlpackage", None), ("b", "b", None)), "all")
    assert [graph.graph for graph in found] == ["a", "b"]
    assert engine.asked == ["a.mlpackage", "1", "b", "1"]


def test_a_device_of_the_future_keeps_its_name(tmp_path, monkeypatch):
    monkeypatch.setitem(DEVICES, "new", type("MLQuantumComputeDevice", (), {})())
    engine = Engine({"main": [operation("add", "new")]})
    (found,) = plan(engine, tmp_path, target(("a", "a", None)), "all")
    assert found.by_unit == {"MLQuantumComputeDevice": 1}


def test_what_core_ml_refuses_is_one_sentence(tmp_path):
    with raises(EngineError, "engine.failed", file="m.mlpackage", found="it is broken"):
        plan(Engine(refuses="it is broken\nsecond line"), tmp_path, BOTH, "all")
    with raises(EngineError, "engine.failed", graph="stem", name="stem", found=[]):
        plan(Engine({}), tmp_path, BOTH, "all")
    with raises(EngineError, "engine.failed", graph="stem", name="stem", found=["other"]):
        plan(Engine({"other": []}), tmp_path, BOTH, "all")


@pytest.mark.parametrize(
    ("system", "version", "found"),
    [
        ("linux", "", platform.system()),
        ("darwin", "14.3", "macOS 14.3"),
        ("darwin", "13", "macOS 13"),
    ],
)
def test_other_systems_are_told_what_they_lack(tmp_path, monkeypatch, system, version, found):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "mac_ver", lambda: (version, ("", "", ""), ""))
    with raises(
        UnsupportedPlatformError, "engine.unsupported-platform", name="MLComputePlan", found=found
    ):
        placements(tmp_path, BOTH)


@pytest.mark.parametrize("version", ["14.4", "15.0.1", "26"])
def test_new_enough_systems_are_asked(tmp_path, monkeypatch, version):
    # Before this machine pretends to be a Mac: its packages ask for the system when imported.
    pytest.importorskip("coremltools")
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "mac_ver", lambda: (version, ("", "", ""), ""))
    monkeypatch.setattr(operator_placement, "plan", lambda engine, *rest: (engine.__name__, *rest))
    assert placements(tmp_path, BOTH, "cpuOnly") == ("coremltools", tmp_path, BOTH, "cpuOnly")


def test_units_that_do_not_exist_are_refused(tmp_path):
    with pytest.raises(
        InputError,
        check=lambda error: (
            (error.code, error.fields["option"]) == ("engine.option", "compute_units")
        ),
    ):
        placements(tmp_path, BOTH, "tpu")


def test_the_stand_in_has_coremltools_own_names():
    pytest.importorskip("coremltools")
    from coremltools import ComputeUnit
    from coremltools.models import compute_device, utils
    from coremltools.models.compute_plan import MLComputePlan

    assert all(hasattr(compute_device, type(device).__name__) for device in DEVICES.values())
    assert all(hasattr(MLComputePlan, name) for name in dir(Plan) if name.startswith("get_"))
    assert all(hasattr(ComputeUnit, name) for name in vars(Engine.ComputeUnit))
    assert {"path", "compute_units"} <= set(MLComputePlan.load_from_path.__code__.co_varnames)
    assert callable(utils.compile_model)
