"""The Core ML runner over a stand-in for coremltools: the engine itself exists on macOS only.

What coremltools is asked and what it gives back is as in its source, version 9.0.
"""

import platform
import re
import sys
import threading
import time
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from expected_errors import raises

from mvmoe_deploy.bundle.manifest import File, Graph, Target, TensorSpec
from mvmoe_deploy.errors import EngineError, InputError, MissingExtraError, UnsupportedPlatformError
from mvmoe_deploy.runtime.contract import run
from mvmoe_deploy.runtime.runners.coreml.runner import CoreMLRunner

FLOAT16, FLOAT32 = 65552, 65568


class Kind(SimpleNamespace):
    """The part of a feature's type that says which it is."""

    def WhichOneof(self, _):  # noqa: N802
        return "imageType" if self.multiArrayType is None else "multiArrayType"


def feature(name, shape, dtype):
    array = None if dtype is None else SimpleNamespace(shape=shape, dataType=dtype)
    return SimpleNamespace(name=name, type=Kind(multiArrayType=array))


def described(name, output=(1, 2), dtype=FLOAT16):
    return SimpleNamespace(
        name=name,
        input=[feature("x", [1, 2], dtype)],
        output=[feature("y", list(output), dtype)],
    )


class Model:
    """An `MLModel` that doubles its input."""

    made: ClassVar = []
    description = SimpleNamespace(
        functions=[described("stem"), described("e1"), described("wide", (1, 3))],
        defaultFunctionName="stem",
    )
    broken = None
    _framework_error = None

    def __init__(self, model, compute_units, function_name):
        assert isinstance(model, str)
        time.sleep(0.01)
        if self.broken is RuntimeError:
            self._framework_error = RuntimeError("no\nway")
        if self.broken is ValueError:
            raise ValueError("function_name is wrong\nsecond line")
        self.asked = (model, compute_units, function_name)
        self.inside = 0
        self.made.append(self)

    def get_compiled_model_path(self):
        if self.broken is OSError:
            raise OSError("This model was not loaded or compiled with the Core ML Framework.")
        return "somewhere.mlmodelc"

    def get_spec(self):
        return SimpleNamespace(description=self.description)

    def predict(self, data):
        self.inside += 1
        assert self.inside == 1, "two threads at once"
        assert type(data) is dict
        assert data["x"].dtype == np.float32, "fp16 goes in as fp32"
        time.sleep(0.001)
        result = {"y": data.pop("x") * 2}
        self.inside -= 1
        return result


@pytest.fixture
def engine():
    """coremltools, as far as the runner uses it."""
    model = type("Fresh", (Model,), {"made": []})
    units = SimpleNamespace(ALL="1", CPU_AND_GPU="2", CPU_ONLY="3", CPU_AND_NE="4")
    return SimpleNamespace(models=SimpleNamespace(MLModel=model), ComputeUnit=units)


def target(*entries, dtype="float16"):
    spec = {"shape": (1, 2), "dtype": dtype}
    return Target(
        format="coreml",
        strategy="dispatch",
        precision="fp16",
        batch=1,
        graphs=tuple(
            Graph(
                name=entry or "only",
                stage=0,
                route=None,
                file="coreml/model.mlpackage",
                weight_bytes=1,
                exclusive_bytes=1,
                inputs=(TensorSpec(name="x", **spec),),
                outputs=(TensorSpec(name="y", **spec),),
                entry=entry,
            )
            for entry in entries
        ),
        weights=None,
        files=(File(path="a", bytes=1, sha256="0" * 64),),
        parity=None,
    )


@pytest.fixture
def runner(engine, tmp_path):
    return CoreMLRunner(engine, tmp_path, target("stem", "e1", "wide"))


def arrays(value=1.0, dtype=np.float16):
    return {"x": np.full((1, 2), value, dtype)}, {"y": np.zeros((1, 2), dtype)}


def test_a_function_of_the_package_is_loaded_on_the_units_asked_for(engine, tmp_path):
    names = {"all": "1", "cpuAndGPU": "2", "cpuOnly": "3", "cpuAndNeuralEngine": "4"}
    for units, number in names.items():
        runner = CoreMLRunner(engine, tmp_path, target("e1"), units)
        runner.load("e1")
        path = str(tmp_path / "coreml" / "model.mlpackage")
        assert engine.models.MLModel.made[-1].asked == (path, number, "e1")
        assert runner.description == f"Core ML ({units})"
    assert runner.stands_in_for is None


def test_a_package_of_one_function_is_loaded_without_a_name(engine, tmp_path):
    engine.models.MLModel.description = SimpleNamespace(
        functions=[], defaultFunctionName="", **vars(described("main"))
    )
    CoreMLRunner(engine, tmp_path, target(None)).load("only")
    assert engine.models.MLModel.made[-1].asked[2] is None


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_binding_reads_and_overwrites_the_callers_arrays(engine, tmp_path, dtype):
    number = {"float16": FLOAT16, "float32": FLOAT32}[dtype]
    engine.models.MLModel.description = SimpleNamespace(
        functions=[described("e1", dtype=number)], defaultFunctionName="e1"
    )
    runner = CoreMLRunner(engine, tmp_path, target("e1", dtype=dtype))
    inputs, outputs = arrays(dtype=np.dtype(dtype))
    call = runner.load("e1").bind(inputs, outputs)
    for value in (3, 4):
        inputs["x"][:] = value
        call()
        np.testing.assert_array_equal(outputs["y"], 2 * value)


def test_every_load_gives_a_graph_of_its_own(runner):
    assert runner.load("e1") is not runner.load("e1")


def test_a_model_is_used_by_one_thread_at_a_time(runner):
    loaded = runner.load("e1")
    errors = []

    def work(value):
        try:
            for _ in range(5):
                assert run(loaded, *arrays(value))["y"][0, 0] == 2 * value
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(value,)) for value in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (ValueError, "function_name is wrong"),
        (RuntimeError, "no"),
        (OSError, "This model was not loaded or compiled"),
    ],
)
def test_a_model_that_does_not_load_is_named(runner, engine, broken, message):
    engine.models.MLModel.broken = broken
    found = rf"^graph e1 \(coreml/model.mlpackage\) does not load in Core ML: {message}[^\n]*$"
    with raises(EngineError, "engine.load-failed", graph="e1") as caught:
        runner.load("e1")
    assert re.fullmatch(found, str(caught.value))


def test_a_model_of_other_shapes_is_refused_with_both(runner):
    with raises(EngineError, "engine.wrong-signature") as caught:
        runner.load("wide")
    assert "has the outputs [('y', [1, 3], 'float16')]" in str(caught.value)
    assert "the manifest says [('y', [1, 2], 'float16')]" in str(caught.value)


def test_a_model_that_takes_images_is_refused(runner, engine):
    engine.models.MLModel.description = SimpleNamespace(
        functions=[described("e1", dtype=None)], defaultFunctionName="e1"
    )
    with pytest.raises(EngineError, check=lambda error: error.code == "engine.wrong-signature"):
        runner.load("e1")


def test_a_prediction_that_fails_is_named(runner, engine):
    def predict(_self, _data):
        raise RuntimeError("no memory\nat all")

    call = runner.load("e1").bind(*arrays())
    engine.models.MLModel.predict = predict
    with pytest.raises(EngineError, check=lambda error: error.code == "engine.run-failed"):
        call()
    engine.models.MLModel.predict = lambda _self, data: {"y": np.zeros((1, 9), np.float32)}
    with pytest.raises(EngineError, check=lambda error: error.code == "engine.run-failed"):
        call()


def test_arrays_of_another_kind_are_refused(runner):
    inputs, outputs = arrays()
    with pytest.raises(InputError, check=lambda error: error.code == "input.shape"):
        runner.load("e1").bind({"x": inputs["x"].astype(np.float64)}, outputs)


# Opening.


@pytest.fixture
def mac(monkeypatch, engine):
    """A Mac with coremltools."""

    def be(version):
        monkeypatch.setattr(sys, "platform", "darwin" if version else "linux")
        monkeypatch.setattr(platform, "mac_ver", lambda: (version, ("", "", ""), "arm64"))
        monkeypatch.setattr(platform, "system", lambda: "Darwin" if version else "Linux")
        monkeypatch.setitem(sys.modules, "coremltools", engine)

    be("15.1")
    return be


def test_it_opens_on_a_mac_and_loads_nothing(mac, engine, tmp_path):
    runner = CoreMLRunner.open(tmp_path, target("e1"), None)
    assert runner.description == "Core ML (all)"
    assert engine.models.MLModel.made == []
    options = {"compute_units": "cpuAndNeuralEngine"}
    opened = CoreMLRunner.open(tmp_path, target("e1"), 2, options)
    assert opened.description == "Core ML (cpuAndNeuralEngine)"


@pytest.mark.parametrize(
    ("version", "found"), [("", "Linux"), ("12.6", "macOS 12.6"), ("10.15", "macOS 10.15")]
)
def test_elsewhere_the_platform_is_named(mac, tmp_path, version, found):
    mac(version)
    with raises(
        UnsupportedPlatformError, "engine.unsupported-platform", name="Core ML", found=found
    ):
        CoreMLRunner.open(tmp_path, target("e1"), None)


def test_without_coremltools_the_pip_command_is_named(mac, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(
        MissingExtraError,
        check=lambda error: (error.code, error.fields["extra"]) == ("extra.missing", "coreml"),
    ):
        CoreMLRunner.open(tmp_path, target("e1"), None)


@pytest.mark.parametrize(
    ("options", "option", "expected"),
    [
        (
            {"compute_units": "gpu"},
            "compute_units",
            ["all", "cpuOnly", "cpuAndGPU", "cpuAndNeuralEngine"],
        ),
        ({"units": "all"}, "units", ["compute_units"]),
    ],
)
def test_options_that_it_does_not_know_are_refused(mac, tmp_path, options, option, expected):
    with raises(InputError, "engine.option", option=option, expected=expected):
        CoreMLRunner.open(tmp_path, target("e1"), None, options)


@pytest.mark.parametrize("threads", [0, 257, "2"])
def test_threads_that_no_machine_should_start_are_refused(mac, tmp_path, threads):
    with raises(InputError, "input.invalid", name="threads", given=threads):
        CoreMLRunner.open(tmp_path, target("e1"), threads)
