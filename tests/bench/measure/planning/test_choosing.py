"""Which subjects a run has, and what is left out with which words."""

import platform
import sys

import msgspec
import pytest
from expected_errors import raises

from mvmoe_bench.measure.devices.host import HostDevice
from mvmoe_bench.measure.devices.macos import MacDevice
from mvmoe_bench.measure.planning.choosing import choose
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import InputError, MissingExtraError, UnsupportedPlatformError


@pytest.fixture
def bundle(tiny):
    """A bundle that says it has targets of three formats; nothing here opens them."""
    opened = Bundle.open(tiny / "tiny.mvmoe")
    onnx = opened.target("onnx")
    executorch = msgspec.structs.replace(
        onnx, format="executorch", options={"delegate": "portable"}
    )
    coreml = msgspec.structs.replace(onnx, format="coreml", options={})
    below = msgspec.structs.replace(onnx, format="executorch", options={"delegate": "coreml"})
    targets = {
        "onnx": onnx, "executorch": executorch, "coreml": coreml, "executorch-coreml": below,
    }  # fmt: skip
    return Bundle(opened.path, msgspec.structs.replace(opened.manifest, targets=targets))


def keys(choice):
    return [subject.key for subject in choice.subjects]


def test_a_host_leaves_out_what_is_apples_and_says_so(bundle, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    choice = choose(HostDevice(), {"a": bundle}, (), ("static", "eager"), 2)
    assert keys(choice) == [
        "dispatcher onnx", "static onnx", "dispatcher executorch", "static executorch", "eager",
    ]  # fmt: skip
    assert len(choice.notes) == 2 and all(
        "macOS" in note or "Apple" in note for note in choice.notes
    )
    assert {subject.record.threads for subject in choice.subjects} == {2}


def test_what_was_asked_for_by_name_is_refused_instead(bundle):
    with raises(UnsupportedPlatformError, "engine.unsupported-platform", name="Core ML"):
        choose(HostDevice(), {"a": bundle}, ("coreml",), (), 1)


def test_a_mac_runs_core_ml_on_each_of_its_units(bundle, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("15.1", ("", "", ""), "arm64"))
    choice = choose(MacDevice(), {"a": bundle}, ("coreml",), (), 1)
    assert keys(choice) == [
        "dispatcher coreml",
        "dispatcher coreml (cpuAndNeuralEngine)",
        "dispatcher coreml (cpuAndGPU)",
        "dispatcher coreml (cpuOnly)",
    ]
    units = [subject.variant.engine_options["compute_units"] for subject in choice.subjects]
    assert units == [subject.record.requested.provider for subject in choice.subjects]


def test_every_provider_of_the_build_is_measured(bundle, monkeypatch):
    import onnxruntime

    providers = ["CoreMLExecutionProvider", "AzureExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    choice = choose(HostDevice(), {"a": bundle}, ("onnx",), (), 1)
    assert keys(choice) == ["dispatcher onnx", "dispatcher onnx (CoreML)"]
    assert choice.subjects[1].variant.engine_options == {"provider": "CoreML"}


def test_an_engine_that_is_not_installed_is_left_out_or_refused(bundle, monkeypatch):
    from mvmoe_deploy.runtime.runners.executorch import runner

    monkeypatch.setattr(runner, "find_spec", lambda name: None if name == "executorch" else name)
    choice = choose(HostDevice(), {"a": bundle}, (), (), 1)
    assert keys(choice) == ["dispatcher onnx"]
    assert any("pip install 'mvmoe-deploy[executorch]'" in note for note in choice.notes)
    with raises(MissingExtraError, "extra.missing", what="ExecuTorch", extra="executorch"):
        choose(HostDevice(), {"a": bundle}, ("executorch",), (), 1)


def test_a_batch_is_not_what_a_phone_answers(bundle):
    record = msgspec.structs.replace(bundle.target("onnx"), batch=4)
    manifest = msgspec.structs.replace(bundle.manifest, targets={"onnx": record})
    with raises(InputError, "input.option", name="targets", given=[]):
        choose(HostDevice(), {"a": Bundle(bundle.path, manifest)}, (), (), 1)
    with raises(InputError, "input.option", name="batch", given=4):
        choose(HostDevice(), {"a": Bundle(bundle.path, manifest)}, ("onnx",), (), 1)


def test_a_device_may_run_few_subjects(bundle):
    class Phone(HostDevice):
        name = "phone"

        def subjects(self):
            return ("dispatcher", "static")

    with raises(
        InputError, "input.option", name="compare", given="eager", expected=["dispatcher", "static"]
    ):
        choose(Phone(), {"a": bundle}, (), ("eager",), 1)


def test_options_of_an_engine_are_those_of_all_its_subjects(bundle):
    pool = {"pool": "process"}
    choice = choose(HostDevice(), {"a": bundle}, ("onnx",), ("bare",), 2, engine_options=pool)
    cpu = [s for s in choice.subjects if s.variant.requested.provider == "CPU"]
    assert [s.key for s in cpu] == [f"{n} onnx (pool=process)" for n in ("dispatcher", "bare")]
    assert all(s.variant.engine_options["pool"] == "process" for s in cpu)
    assert cpu[0].record.requested.engine.endswith(", pool=process")
