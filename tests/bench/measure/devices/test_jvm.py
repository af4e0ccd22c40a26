"""The device of the JVM: what it needs, what it runs beside Python, and in which order."""

import json
import os
import stat
import sys

import msgspec
import pytest

from mvmoe_bench.measure.devices import find_device
from mvmoe_bench.measure.devices.jvm import JvmDevice
from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.orders import MeasurementOrder, SubjectOrder
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import MissingExtraError, UnsupportedPlatformError

DESCRIBED = {
    "java": "A VM 17",
    "engines": {"onnx": {"engine": "ONNX Runtime 1.29.0, JVM", "provider": "CPU"}},
    "packages": {"onnxruntime": "1.29.0"},
    "subjects": ["dispatcher", "bare"],
}

# Stands in for `java -cp ... MainKt order`: answers each order by the subjects that it was sent.
JAVA = """#!{python}
import json, sys
if "describe" in sys.argv:
    if {broken}:
        sys.exit("Error: could not find or load main class")
    print({described!r})
else:
    order = json.load(sys.stdin)
    for subject in order["subjects"]:
        line = {{"kind": "failure", "job": "jvm", "subject": subject["key"], "message": "seen"}}
        print(json.dumps(line))
"""


@pytest.fixture
def java(tmp_path, monkeypatch):
    """Makes a machine whose `java` is a script, with a runner beside it."""

    def make(broken=False):
        jars, programs = tmp_path / "runner", tmp_path / "bin"
        jars.mkdir()
        programs.mkdir()
        (jars / "mvmoe-runner.jar").write_bytes(b"")
        script = programs / "java"
        described = json.dumps(DESCRIBED)
        script.write_text(JAVA.format(python=sys.executable, described=described, broken=broken))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("MVMOE_JVM_RUNNER", str(jars))
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    return make


def subject(key, program):
    return SubjectOrder(
        key=key, kind="dispatcher", root="", target=None, program=program,
        requested=r.EngineChoice(engine="x"), threads=1, queries=(),
    )  # fmt: skip


def order(*subjects, repeat=0):
    preset = r.Preset(
        name="nothing", repeats=0, queries=1, seconds=0.0, most_seconds=1.0, warmup=0, starts=1,
        stream=0, cooldown=0.0,
    )  # fmt: skip
    return MeasurementOrder(
        job="x", kind="latency", repeat=repeat, preset=preset, images="", subjects=subjects
    )


def test_a_machine_without_java_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnsupportedPlatformError, match="no java; install"):
        find_device("jvm")


def test_a_machine_without_the_runner_is_told_how_to_build_it(java, monkeypatch, tmp_path):
    java()
    monkeypatch.setenv("MVMOE_JVM_RUNNER", str(tmp_path / "elsewhere"))
    with pytest.raises(MissingExtraError, match="make kotlin-runner"):
        find_device("jvm")


def test_a_runner_that_does_not_start_is_one_sentence(java):
    java(broken=True)
    with pytest.raises(UnsupportedPlatformError, match="could not find or load main class"):
        find_device("jvm").identity()


def test_each_target_is_run_in_both_languages(java, tiny):
    java()
    device = find_device("jvm")
    kotlin, *python = device.variants(
        Bundle.open(tiny / "tiny.mvmoe").target("onnx"), plugins=False
    )
    assert kotlin.requested == r.EngineChoice(engine="ONNX Runtime 1.29.0, JVM", provider="CPU")
    assert kotlin.label == "Kotlin"
    assert [variant.label.split()[0] for variant in python] == ["Python"] * len(python)
    assert {variant.program for variant in python}.isdisjoint({kotlin.program})
    assert len({kotlin.requested, *(variant.requested for variant in python)}) == 1 + len(python)


def test_a_target_that_the_runner_lacks_is_refused(java, tiny):
    java()
    other = msgspec.structs.replace(
        Bundle.open(tiny / "tiny.mvmoe").target("onnx"), format="another"
    )
    with pytest.raises(UnsupportedPlatformError, match="not another; give"):
        find_device("jvm").variants(other, plugins=False)


def test_identity_says_on_which_jvm(java):
    java()
    identity = find_device("jvm").identity()
    assert identity["java"] == "A VM 17"
    assert identity["java_packages"] == {"onnxruntime": "1.29.0"}
    assert identity["cpu"]


def test_only_the_runners_subjects_are_offered(java):
    java()
    assert find_device("jvm").subjects() == ("dispatcher", "bare")


@pytest.mark.parametrize("repeat", [0, 1])
def test_languages_take_turns_and_each_gets_its_own_subjects(java, monkeypatch, repeat):
    java()
    device, seen = JvmDevice(), []
    monkeypatch.setattr(
        device._python, "run", lambda part, emit: seen.append([s.key for s in part.subjects])
    )
    subjects = [subject("p", "python"), subject("k", "jvm"), subject("q", "python")]
    device.run(order(*subjects, repeat=repeat), lambda line: seen.append(line.subject))
    in_turn = ["k", ["p", "q"]]
    assert seen == (in_turn if repeat == 0 else in_turn[::-1])


def test_an_order_of_one_language_starts_no_other_process(java, monkeypatch):
    java()
    device, seen = JvmDevice(), []
    monkeypatch.setattr(device._python, "run", lambda *_: pytest.fail("Python was asked"))
    device.run(order(subject("k", "jvm")), lambda line: seen.append(line.subject))
    assert seen == ["k"]
