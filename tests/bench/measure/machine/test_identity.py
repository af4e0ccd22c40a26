"""What a machine says of itself."""

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path

from mvmoe_bench.measure.machine import identity

ROOT = Path(__file__).parents[4]


def test_it_names_processor_system_versions_and_load():
    told = identity.identity()
    assert told["cpu"] and told["cores_logical"] >= 1 and told["memory_bytes"] > 2**28
    assert told["packages"]["onnxruntime"] == version("onnxruntime")
    assert told["load_average"] is None or len(told["load_average"]) == 3
    assert {"os", "python", "governor", "power", "commit"} <= told.keys()
    assert json.loads(json.dumps(told)) == told


def test_a_package_that_is_not_there_has_no_version(monkeypatch):
    monkeypatch.setattr(identity, "_PACKAGES", ("no-such-package",))
    packages = identity.identity()["packages"]
    assert packages["no-such-package"] is None
    assert {"onnxruntime", "coremltools", "executorch"} <= packages.keys()


def test_the_commit_is_the_repositorys(monkeypatch, tmp_path):
    head = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    told = identity.commit()
    if head.returncode:
        assert told is None
    else:
        assert head.stdout.startswith(told.removesuffix("-dirty"))


def test_outside_of_a_repository_there_is_no_commit(monkeypatch, tmp_path):
    monkeypatch.setattr(identity, "__file__", str(tmp_path / "identity.py"))
    assert identity.commit() is None


def test_asking_for_the_commit_writes_nothing_into_the_repository(monkeypatch, tmp_path):
    """Git would write down what it has found of files that are newer than its index."""
    file = tmp_path / "identity.py"
    file.write_text("x")
    git = ("git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c")
    for words in (["init"], ["add", "."], ["commit", "-m", "first"]):
        subprocess.run([*git, *words], capture_output=True, check=True)
    monkeypatch.setattr(identity, "__file__", str(file))
    os.utime(file, (2e9, 2e9))
    before = (tmp_path / ".git" / "index").read_bytes()
    commit = identity.commit()
    assert len(commit) == 12
    assert (tmp_path / ".git" / "index").read_bytes() == before
    file.write_text("y")
    assert identity.commit() == f"{commit}-dirty"
