"""Every built-in runner says what is known of its engine, and imports the engine for none of it."""

import subprocess
import sys

import numpy as np
import pytest
from expected_errors import raises

from mvmoe_deploy import part_lookup
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError, UnsupportedPlatformError
from mvmoe_deploy.runtime.contract import RunnerDefaults, bind_from
from mvmoe_deploy.runtime.runners import find_runner

ENGINES = {"onnxruntime", "coremltools", "executorch", "torch"}


@pytest.mark.parametrize("name", part_lookup.built_in_names("runners"))
def test_a_runner_is_found_by_the_format_that_it_runs(name):
    runner = find_runner(name)
    assert runner.name == name
    assert runner.extra and runner.packages


def test_finding_a_runner_imports_no_engine():
    code = (
        "import sys; from mvmoe_deploy import part_lookup\n"
        "for name in part_lookup.built_in_names('runners'): part_lookup.find('runners', name)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not ENGINES & set(done.stdout.split())


def test_a_graph_that_cannot_read_in_place_is_given_a_copy():
    class Doubling:
        def bind(self, inputs, outputs):
            return lambda: np.multiply(inputs["x"], 2, out=outputs["y"])

    inputs, outputs = {"x": np.zeros(3)}, {"y": np.zeros(3)}
    bind_from(Doubling(), inputs, outputs, "x")(np.array([1.0, 2.0, 3.0]))
    assert outputs["y"].tolist() == [2, 4, 6]


def test_a_runner_without_more_to_say_runs_one_way_and_places_nothing(single):
    class Plain(RunnerDefaults):
        name = "plain"

    target = Bundle.open(single.path).target("onnx")
    (variant,) = Plain.variants(target)
    assert variant.engine == "plain" and variant.provider is None and not variant.engine_options
    assert list(Plain.placements(single.path, target, {})) == []
    assert (Plain.reference, Plain.extra, Plain.packages) == (None, None, ())


def test_the_cpu_is_the_usual_way_of_onnx_runtime(single):
    usual, *others = find_runner("onnx").variants(Bundle.open(single.path).target("onnx"))
    assert (usual.provider, usual.label) == ("CPU", "")
    assert usual.engine_options == {"provider": "CPU"} and usual.modules == ("onnxruntime",)
    assert all(variant.label == variant.provider for variant in others)


def test_onnx_runtime_says_where_one_graph_of_each_stage_runs(single):
    target = Bundle.open(single.path).target("onnx")
    found = list(find_runner("onnx").placements(single.path, target, {"provider": "CPU"}))
    assert [placement.graph for placement in found] == ["stem", "step1_e0"]
    assert all(set(placement.by_unit) == {"CPU"} for placement in found)
    assert all(placement.by_unit["CPU"] > 5 and not placement.outside for placement in found)


@pytest.mark.skipif(sys.platform == "darwin", reason="Core ML is here")
def test_core_ml_has_no_variants_on_another_system(single):
    with raises(UnsupportedPlatformError, "engine.unsupported-platform", name="Core ML"):
        find_runner("coreml").variants(Bundle.open(single.path).target("onnx"))


def test_a_runner_of_another_distribution_is_found_only_where_it_is_allowed(monkeypatch):
    class Entry:
        name, module, dist = "runners.theirs", "json", None

    monkeypatch.setattr(part_lookup, "entry_points", lambda group: [Entry])
    with raises(InputError, "part.plugin-not-allowed", name="theirs"):
        find_runner("theirs")
