"""Devices of other languages: what they need, what they run beside Python, and in which order."""

import json
import os
import stat
import sys
from dataclasses import dataclass

import msgspec
import pytest
from expected_errors import raises

from mvmoe_bench.measure.devices import find_device
from mvmoe_bench.measure.devices import swift as swift_module
from mvmoe_bench.measure.schema import records as r
from mvmoe_bench.measure.schema.orders import MeasurementOrder, SubjectOrder
from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import MissingExtraError, UnsupportedPlatformError

# Stands in for a runner: answers each order by the subjects that it was sent.
RUNNER = """#!{python}
import json, sys
if "describe" in sys.argv:
    if {broken}:
        sys.exit("Error: could not find or load main class")
    print({described!r})
else:
    order = json.load(sys.stdin)
    for subject in order["subjects"]:
        line = {{"kind": "failure", "job": "x", "subject": subject["key"], "message": "seen"}}
        print(json.dumps(line))
"""


@dataclass(frozen=True)
class Language:
    """A device, and how its runner is put on a machine."""

    device: str
    name: str
    version: str
    """The field with the language's version."""
    variable: str
    """Names another runner."""
    program: str
    """What is started, below a folder."""
    named: str
    """What the variable names, below the same folder."""
    build: str

    @property
    def engine(self):
        return {"engine": f"ONNX Runtime 1.29.0, {self.name}", "provider": "CPU"}

    @property
    def described(self):
        return {
            self.version: "17",
            "engines": {"onnx": self.engine},
            "packages": {"onnxruntime": "1.29.0"},
            "subjects": ["dispatcher", "bare"],
        }


LANGUAGES = [
    Language("jvm", "Kotlin", "java", "MVMOE_JVM_RUNNER", "bin/java", "jars", "make kotlin-runner"),
    Language(
        "swift", "Swift", "swift", "MVMOE_SWIFT_RUNNER", "bin/mvmoe-runner", "bin/mvmoe-runner",
        "make swift-runner",
    ),
]  # fmt: skip


@pytest.fixture(params=LANGUAGES, ids=lambda language: language.device)
def language(request):
    return request.param


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Makes a machine with the runner of a language, which is a script."""

    def make(language, broken=False):
        (tmp_path / "jars").mkdir()
        (tmp_path / "jars/mvmoe-runner.jar").write_bytes(b"")
        script = tmp_path / language.program
        script.parent.mkdir()
        described = json.dumps(language.described)
        script.write_text(RUNNER.format(python=sys.executable, described=described, broken=broken))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv(language.variable, str(tmp_path / language.named))
        monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")

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
    with raises(UnsupportedPlatformError, "engine.unsupported-platform", name="java"):
        find_device("jvm")


@pytest.fixture
def name_program(tmp_path, monkeypatch):
    """Names a file of some content as the Swift runner."""

    def name(content):
        file = tmp_path / "mvmoe-runner"
        file.write_bytes(content)
        file.chmod(0o755)
        monkeypatch.setenv("MVMOE_SWIFT_RUNNER", str(file))

    return name


def test_a_program_of_another_machine_is_no_swift_runner(name_program):
    name_program(b"\x7fELF of something else")
    with raises(
        UnsupportedPlatformError,
        "engine.unsupported-platform",
        name="mvmoe-runner",
        expected="a start",
    ):
        find_device("swift").identity()


def test_a_swift_runner_may_be_named_from_this_folder(install, tmp_path, monkeypatch):
    _, language = LANGUAGES
    install(language)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MVMOE_SWIFT_RUNNER", language.named)
    assert find_device("swift").subjects() == ("dispatcher", "bare")


@pytest.mark.parametrize("said", ["", "hello", '{"engines": {}}', '{"subjects": 3}'])
def test_a_program_that_does_not_say_what_it_is_is_no_runner(name_program, said):
    name_program(f"#!/bin/sh\necho '{said}'\n".encode())
    with raises(
        UnsupportedPlatformError,
        "engine.unsupported-platform",
        name="mvmoe-runner",
        expected="a description",
    ):
        find_device("swift").identity()


LACKING = """#!/bin/sh
[ "$1" = --loaded ] || {{ echo "libswiftCore.so: cannot open shared object file" >&2; exit 127; }}
shift
exec "{runner}" "$@"
"""


def test_a_runner_whose_libraries_are_elsewhere_is_started_by_the_loader_there(
    install, tmp_path, monkeypatch
):
    """The loader's words come first: here they are a shell that says what the runner asks for."""
    _, language = LANGUAGES
    install(language)
    runner = tmp_path / language.named
    lacking = tmp_path / "lacking"
    lacking.write_text(LACKING.format(runner=runner))
    loader = tmp_path / "loader"
    loader.write_text('#!/bin/sh\nprogram=$1\nshift\nexec "$program" --loaded "$@"\n')
    here = tmp_path / "swift-here"
    here.write_text(f'#!/bin/sh\n[ "$1" = loader ] && echo "{loader}"\n')
    for script in (lacking, loader, here):
        script.chmod(0o755)
    monkeypatch.setenv("MVMOE_SWIFT_RUNNER", str(lacking))
    monkeypatch.setattr(swift_module, "_SWIFT_HERE", here)
    device = find_device("swift")
    assert device.subjects() == ("dispatcher", "bare")
    assert device.program("order").command[0] == str(loader)
    monkeypatch.setattr(swift_module, "_SWIFT_HERE", tmp_path / "nothing")
    with raises(
        UnsupportedPlatformError,
        "engine.unsupported-platform",
        name="mvmoe-runner",
        expected="a start",
    ):
        find_device("swift").subjects()


def test_a_machine_without_the_runner_is_told_how_to_build_it(
    language, install, monkeypatch, tmp_path
):
    install(language)
    monkeypatch.setenv(language.variable, str(tmp_path / "elsewhere"))
    with raises(MissingExtraError, "extra.missing", what="mvmoe-runner"):
        find_device(language.device)


def test_a_runner_that_does_not_start_is_one_sentence(language, install):
    install(language, broken=True)
    with raises(
        UnsupportedPlatformError,
        "engine.unsupported-platform",
        name="mvmoe-runner",
        expected="a start",
        found="Error: could not find or load main class",
    ):
        find_device(language.device).identity()


def test_each_target_is_run_in_both_languages(language, install, tiny):
    install(language)
    device = find_device(language.device)
    ours, *python = device.variants(Bundle.open(tiny / "tiny.mvmoe").target("onnx"), plugins=False)
    assert ours.requested == r.EngineChoice(**language.engine)
    assert ours.label == language.name
    assert [variant.label.split()[0] for variant in python] == ["Python"] * len(python)
    assert {variant.program for variant in python}.isdisjoint({ours.program})
    assert len({ours.requested, *(variant.requested for variant in python)}) == 1 + len(python)


def test_a_target_that_the_runner_lacks_is_refused(language, install, tiny):
    install(language)
    other = msgspec.structs.replace(
        Bundle.open(tiny / "tiny.mvmoe").target("onnx"), format="another"
    )
    with raises(
        UnsupportedPlatformError, "engine.unsupported-platform", name="another", expected=["onnx"]
    ):
        find_device(language.device).variants(other, plugins=False)


def test_identity_says_which_version_of_the_language(language, install):
    install(language)
    identity = find_device(language.device).identity()
    assert identity[language.version] == "17"
    assert identity[f"{language.version}_packages"] == {"onnxruntime": "1.29.0"}
    assert identity["cpu"]


def test_only_the_runners_subjects_are_offered(language, install):
    install(language)
    assert find_device(language.device).subjects() == ("dispatcher", "bare")


@pytest.mark.parametrize("repeat", [0, 1])
def test_languages_take_turns_and_each_gets_its_own_subjects(
    language, install, monkeypatch, repeat
):
    install(language)
    device, seen = find_device(language.device), []
    monkeypatch.setattr(
        device._python, "run", lambda part, emit: seen.append([s.key for s in part.subjects])
    )
    subjects = [subject("p", "python"), subject("k", language.device), subject("q", "python")]
    device.run(order(*subjects, repeat=repeat), lambda line: seen.append(line.subject))
    in_turn = ["k", ["p", "q"]]
    assert seen == (in_turn if repeat == 0 else in_turn[::-1])


def test_an_order_of_one_language_starts_no_other_process(language, install, monkeypatch):
    install(language)
    device, seen = find_device(language.device), []
    monkeypatch.setattr(device._python, "run", lambda *_: pytest.fail("Python was asked"))
    device.run(order(subject("k", language.device)), lambda line: seen.append(line.subject))
    assert seen == ["k"]
