"""Interrupted exports: what is kept, who takes it over; and no compiler outlives its parent."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import psutil
import pytest
from expected_errors import raises
from torch import nn

from mvmoe_deploy.bundle import Bundle
from mvmoe_deploy.errors import CheckFailedError, InputError
from mvmoe_deploy.models import Checkpoint, build, save_checkpoint
from mvmoe_deploy.models.families.vit import ViTConfig
from mvmoe_deploy.system import files
from mvmoe_export import ExportOptions, Identity, bundling, export_bundle
from mvmoe_export.compile_job import CompileRequest
from mvmoe_export.resuming import FinishedTargets
from mvmoe_export.stages import make_stages
from mvmoe_export.targets import find_target
from mvmoe_export.targets.onnx import OnnxOptions, OnnxTarget

LATER = '''
"""A target of another package: ONNX graphs, but only when a compiler process has ended."""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from mvmoe_deploy.bundle import manifest
from mvmoe_export import compiling
from mvmoe_export.compile_job import CompileRequest, encoded
from mvmoe_export.targets.onnx import OnnxOptions, OnnxTarget

START = OnnxTarget.start


class Hold(msgspec.Struct):
    hold: str


def compile(job):
    hold = Path(job.options(Hold).hold)
    (hold / "pid").write_text(str(os.getpid()))
    while (hold / "wait").exists():
        time.sleep(0.02)
    return {}


class LaterTarget:
    name = "later"
    options = OnnxOptions
    packages = ()

    def start(self, stages, options, root, scratch):
        folder = scratch / "later"
        job = CompileRequest(
            compiler="later_target:compile",
            extra="export",
            captured="",
            families=(),
            rewrites=(),
    recipe="fp32",
            options=encoded(Hold(hold=os.environ["LATER"])),
        )
        work = compiling.start(job, folder, print)
        return Later(work, START(OnnxTarget(), stages, options, folder, scratch), root)


PART = LaterTarget()


@dataclass
class Later:
    compilation: Any
    inner: Any
    root: Path

    def ready(self):
        return self.compilation.ready()

    def cancel(self):
        self.compilation.cancel()

    def finish(self):
        self.compilation.wait()
        record = msgspec.json.encode(self.inner.finish()["onnx"]).replace(b'"onnx/', b'"later/')
        shutil.move(self.compilation.folder / "onnx", self.root / "later")
        return {"later": msgspec.json.decode(record, type=manifest.Target)}
'''

pytestmark = pytest.mark.usefixtures("shared_templates")

BOTH = ("onnx", "later")


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A folder with an installed package that brings the target `later`."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "later_target.py").write_text(LATER)
    info = folder / "later_target-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: later-target\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mvmoe.parts]\ntargets.later = later_target\n")
    return folder


@pytest.fixture
def later(package, tmp_path, monkeypatch):
    """Makes the target `later` known here and to other processes; gives the folder it waits in."""
    hold = tmp_path / "hold"
    hold.mkdir()
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.setenv("PYTHONPATH", str(package), prepend=os.pathsep)
    monkeypatch.setenv("LATER", str(hold))
    return hold


@pytest.fixture(scope="module")
def model(zoo):
    return zoo.enliven(zoo.Foreign(experts=2))


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "place"
    folder.mkdir()
    return folder / "model.bundle"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def contents(bundle):
    return {
        path.relative_to(bundle).as_posix(): path.read_bytes()
        for path in bundle.rglob("*")
        if path.is_file()
    }


def interrupt(phase):
    """Progress that ends the export at a phase."""

    def progress(now, graph, total):
        if now == phase:
            raise KeyboardInterrupt

    return progress


def started_targets(monkeypatch):
    """Notes which targets really begin."""
    begun = []
    start = OnnxTarget.start

    def noting(*arguments):
        begun.append("onnx")
        return start(*arguments)

    monkeypatch.setattr(OnnxTarget, "start", noting)
    return begun


def test_an_interrupted_export_goes_on_after_the_finished_target(
    model, place, later, monkeypatch, tmp_path
):
    export_bundle(model, tmp_path / "whole", targets=BOTH)
    with pytest.raises(KeyboardInterrupt):
        export_bundle(model, place, targets=BOTH, resume=True, progress=interrupt("check later"))
    assert names(place.parent) == [".model.bundle.resume"]
    assert names(place.parent / ".model.bundle.resume") == ["onnx"]
    begun = started_targets(monkeypatch)
    export_bundle(model, place, targets=BOTH, resume=True)
    assert begun == []
    assert names(place.parent) == ["model.bundle"]
    assert contents(place) == contents(tmp_path / "whole")


def test_without_resume_nothing_is_left(model, place, later):
    with pytest.raises(KeyboardInterrupt):
        export_bundle(model, place, targets=BOTH, progress=interrupt("check later"))
    assert names(place.parent) == []


def test_what_was_finished_is_kept_when_another_target_fails(model, place, later, monkeypatch):
    guard = bundling.guard

    def fail_later(name, *arguments, **options):
        if name == "later":
            raise CheckFailedError("no good", target="later")
        return guard(name, *arguments, **options)

    monkeypatch.setattr(bundling, "guard", fail_later)
    for _ in range(2):
        with raises(CheckFailedError, "check.failed", target="later"):
            export_bundle(model, place, targets=BOTH, resume=True)
        assert names(place.parent / ".model.bundle.resume") == ["onnx"]
    assert not psutil.pid_exists(int((later / "pid").read_text()))


def test_of_two_failing_targets_one_is_told_and_both_are_stopped(model, place, later, monkeypatch):
    (later / "wait").touch()

    def fail(self):
        wait_for(lambda: (later / "pid").exists() and (later / "pid").read_text())
        raise CheckFailedError("no good", target="later")

    monkeypatch.setattr("mvmoe_export.targets.contract.InlineJob.finish", fail)
    with raises(CheckFailedError, "check.failed", target="later"):
        export_bundle(model, place, targets=BOTH, resume=True)
    assert not psutil.pid_exists(int((later / "pid").read_text()))
    assert names(place.parent) == []


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    config = ViTConfig(image_size=8, patch_size=4, num_classes=3, width=8, depth=1, heads=1)
    path = tmp_path_factory.mktemp("checkpoint") / "tiny"
    save_checkpoint(Checkpoint(build(config, seed=0)), path)
    return path


def command(checkpoint, place, *options):
    words = ["export", checkpoint, "-o", place, "--target", "onnx", "--target", "later", "--resume"]
    return subprocess.Popen(
        [sys.executable, "-m", "mvmoe_deploy", *map(str, words), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_no_compiler_outlives_a_killed_command_and_what_was_finished_is_kept(
    checkpoint, place, later
):
    (later / "wait").touch()
    kept = place.parent / ".model.bundle.resume" / "onnx"
    process = command(checkpoint, place)
    wait_for(lambda: (kept / "record.json").exists() and (later / "pid").exists(), process)
    compiler = psutil.Process(int((later / "pid").read_text()))
    process.kill()
    process.communicate(timeout=60)
    compiler.wait(timeout=10)
    left = names(place.parent)
    assert any(name.startswith(".model.bundle.partial-") for name in left)
    assert names(kept / "files" / "onnx") == ["stem.onnx", "weights.bin"]


def wait_for(holds, process=None, seconds=120):
    end = time.monotonic() + seconds
    while not holds():
        assert process is None or process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_compiler_ends_when_the_other_end_of_its_stdin_does(package, later, tmp_path):
    (later / "wait").touch()
    job = CompileRequest(
        compiler="later_target:compile",
        extra="export",
        captured="",
        families=(),
        rewrites=(),
        recipe="fp32",
        options=msgspec.Raw(msgspec.json.encode({"hold": str(later)})),
    )
    (tmp_path / "job.json").write_bytes(msgspec.json.encode(job))
    process = subprocess.Popen(
        [sys.executable, "-m", "mvmoe_export.compiler", str(tmp_path)], stdin=subprocess.PIPE
    )
    wait_for((later / "pid").exists)
    assert process.poll() is None
    process.stdin.close()
    assert process.wait(timeout=10) == 1
    assert not (tmp_path / "result.json").exists()


@pytest.fixture
def kept(foreign_bundle, place):
    """The ONNX graphs of a bundle as an interrupted export to `place` keeps them."""
    _, path = foreign_bundle
    records = {"onnx": Bundle.open(path).target("onnx")}
    finished = FinishedTargets(place, "key")
    finished.keep("onnx", records, path)
    folder = place.parent / ".model.bundle.resume" / "onnx"
    # The kept files are the bundle's own: a test that damages them needs others.
    shutil.copytree(folder, place.parent / "copy")
    shutil.rmtree(folder)
    (place.parent / "copy").rename(folder)
    return SimpleNamespace(finished=finished, records=records, folder=folder, bundle=path)


def test_kept_files_are_given_back_as_they_were(kept, tmp_path):
    assert kept.finished.restore("onnx", tmp_path / "work") == kept.records
    assert contents(tmp_path / "work" / "onnx") == contents(kept.bundle / "onnx")


def test_a_file_that_nobody_listed_stays_behind(kept, tmp_path):
    (kept.folder / "files" / "onnx" / "stray.bin").write_bytes(b"?")
    assert kept.finished.restore("onnx", tmp_path / "work") == kept.records
    assert not (tmp_path / "work" / "onnx" / "stray.bin").exists()


def alter(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def link(file):
    file.rename(file.with_suffix(".moved"))
    file.symlink_to(file.with_suffix(".moved"))


DAMAGE = {
    "altered": alter,
    "cut": lambda file: os.truncate(file, 100),
    "missing": lambda file: file.unlink(),
    "linked": link,
    "a directory": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("how", DAMAGE)
def test_damaged_files_are_not_taken_over(kept, tmp_path, how):
    DAMAGE[how](kept.folder / "files" / "onnx" / "weights.bin")
    assert kept.finished.restore("onnx", tmp_path / "work") is None
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("record", [b"", b"{}", b"[1]", b'{"key": "key", "records": {"x": 1}}'])
def test_a_record_that_is_none_or_missing_is_not_taken_over(kept, tmp_path, record):
    (kept.folder / "record.json").write_bytes(record)
    assert kept.finished.restore("onnx", tmp_path / "work") is None


def put_notes(folder):
    (folder / "notes.txt").write_text("precious")


SOMEBODYS = {
    "a file beside ours": put_notes,
    "a file in a target of ours": lambda hidden: put_notes(hidden / "onnx"),
    "a file among a target's files": lambda hidden: put_notes(hidden / "onnx" / "files" / "onnx"),
    "a target that is not ours": lambda hidden: (hidden / "onnx" / "record.json").write_text(
        '{"key": "key", "records": {}}'
    ),
}


@pytest.mark.parametrize("how", SOMEBODYS)
def test_forgetting_removes_nothing_of_somebody(kept, how):
    hidden = kept.folder.parent
    SOMEBODYS[how](hidden)
    before = contents(hidden)
    kept.finished.clear()
    lost = before.keys() - contents(hidden).keys()
    assert lost == (set(before) - {"notes.txt"} if how == "a file beside ours" else set())


def test_forgetting_removes_all_that_is_ours(kept, place):
    hidden = kept.folder.parent
    half = hidden / f".coreml.partial-{'0' * 32}"
    (half / "new").mkdir(parents=True)
    (half / "mvmoe.lock").touch()
    kept.finished.clear()
    assert not hidden.exists()


def test_a_link_in_place_of_the_folder_is_not_followed(kept, place):
    hidden = kept.folder.parent
    hidden.rename(place.parent / "elsewhere")
    hidden.symlink_to("elsewhere")
    before = contents(place.parent / "elsewhere")
    kept.finished.clear()
    assert contents(place.parent / "elsewhere") == before
    with raises(InputError, "output.not-replaceable", found="symbolic link"):
        kept.finished.require_free(["onnx"])


def test_what_cannot_be_kept_is_told_before_anything_is_exported(model, place, monkeypatch):
    hidden = place.parent / ".model.bundle.resume" / "onnx"
    hidden.mkdir(parents=True)
    put_notes(hidden)
    begun = started_targets(monkeypatch)
    with raises(InputError, "output.foreign", path=str(hidden)):
        export_bundle(model, place, resume=True)
    assert begun == []
    # Without --resume nothing is kept, and nothing of it is touched.
    export_bundle(model, place, skip_verify=True)
    assert (hidden / "notes.txt").read_text() == "precious"


def test_another_key_takes_nothing_over(kept, place, tmp_path):
    assert FinishedTargets(place, "other").restore("onnx", tmp_path / "work") is None
    assert FinishedTargets(place, None).restore("onnx", tmp_path / "work") is None
    assert FinishedTargets(place, "key").restore("coreml", tmp_path / "work") is None


def key(model, options=None, identity=None, strategy="dispatch", batch=1):
    told = bundling._with_identity(options or ExportOptions(), identity or Identity())
    stages = make_stages(model, strategy, batch)
    return bundling._key(stages, told, {"onnx": find_target("onnx")})


def test_the_same_export_has_the_same_key(zoo):
    assert key(zoo.enliven(zoo.Foreign())) == key(zoo.enliven(zoo.Foreign()))


def test_another_model_weight_option_or_version_has_another_key(zoo, monkeypatch):
    model = zoo.enliven(zoo.Foreign())

    class Louder(zoo.Foreign):
        def make_expert(self, expert):
            return Scaled(super().make_expert(expert), self.loud)

    def scaled(loud):
        monkeypatch.setattr(Louder, "loud", loud, raising=False)
        return zoo.enliven(Louder())

    options = ExportOptions()
    keys = [
        key(model),
        key(zoo.enliven(zoo.Foreign(), seed=1)),
        key(zoo.enliven(zoo.Foreign(renormalize=True))),
        # Two that differ in a number that neither `repr` nor a weight shows.
        key(scaled(2.0)),
        key(scaled(3.0)),
        key(model, strategy="gather"),
        key(model, batch=2),
        key(model, replace(options, rewrites=())),
        key(model, replace(options, targets={"onnx": OnnxOptions(opset=18)})),
        key(model, replace(options, identity={"author": "Ada"})),
        key(model, identity=Identity(name="other")),
        key(model, identity=Identity(labels="abcde")),
    ]
    monkeypatch.setattr(bundling, "_packages", lambda found: {"torch": "0"})
    keys.append(key(model))
    assert len(set(keys)) == len(keys)


class Scaled(nn.Module):
    def __init__(self, inner, loud):
        super().__init__()
        self.inner, self.loud = inner, loud

    def forward(self, tokens):
        return self.inner(tokens) * self.loud


def test_without_resume_no_key_is_made(model, place, monkeypatch):
    monkeypatch.setattr(bundling, "export_key", None)
    export_bundle(model, place, skip_verify=True)
    assert place.exists()


@pytest.mark.parametrize("path", [".", "/", ".."])
def test_a_path_without_a_name_is_one_sentence(model, path):
    with raises(InputError, "output.not-replaceable", path=path, found="no name"):
        export_bundle(model, path, resume=True)


def test_a_long_name_has_a_short_folder(place):
    assert len(files.hidden(place.with_name("x" * 250), ".resume").name) < 100
    one, other = (files.hidden(place.with_name("x" * 240 + end), ".resume") for end in "ab")
    assert one != other
